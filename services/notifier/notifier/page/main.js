// Puts the page together: one stream, totals and places now and then.

import { Feed } from './feed.js';
import { Figures, mainUnit } from './figures.js';
import { FlowMap } from './map.js';
import { Stream, authorized } from './stream.js';
import { unit } from './words.js';

const TOTALS_MS = 2_000;
const PLACES_MS = 10_000;
const PAST_EVENTS = 150;
const KEY = 'tenon-key';
const FAR_MS = 3_600_000;

const find = (id) => document.getElementById(id);
const map = new FlowMap(find('map'));
const feed = new Feed(find('feed'), find('quiet'));
const figures = new Figures(find('figures'));
let past = 0;
let code = '';

async function get(path) {
  const answer = await fetch(path, { headers: authorized(sessionStorage.getItem(KEY)), cache: 'no-store' });
  if (answer.status === 401) ask();
  return answer.ok ? answer.json() : null;
}

async function showTotals() {
  const totals = await get('/v1/totals').catch(() => null);
  if (totals === null) return null;
  offerUnits(totals);
  figures.show(totals, code);
  showClock(totals.clock);
  return totals;
}

async function showPlaces() {
  const places = await get('/v1/places').catch(() => null);
  if (places !== null) {
    map.settle(places);
    find('empty').hidden ||= places.offers.length + places.demands.length > 0;
  }
}

// Where the log has a clock of its own (a simulation), it is worth showing.
function showClock(clock) {
  const far = clock && Math.abs(Date.now() - new Date(clock)) > FAR_MS;
  find('clock').hidden = !far;
  if (far) find('clock').textContent = `log clock ${clock.slice(0, 10)} ${clock.slice(11, 16)} UTC`;
}

function offerUnits(totals) {
  const codes = Object.keys(totals.units).sort();
  const select = find('unit');
  select.parentElement.hidden = codes.length < 2;
  if (!code || !codes.includes(code)) code = mainUnit(totals);
  if (codes.join() !== [...select.options].map((option) => option.value).join()) {
    select.replaceChildren(...codes.map((each) => new Option(unit(each), each)));
  }
  select.value = code;
}

function take(event, number) {
  const quietly = number <= past;
  if (event.type.startsWith('tenon.docking.')) {
    map.add(event.data, quietly || feed.held);
    find('empty').hidden = true;
  }
  if (event.type.startsWith('tenon.docking.') || event.type === 'tenon.alert.unmet.v1') feed.add(event);
}

function show(state) {
  const words = { live: 'live', away: 'reconnecting', connecting: 'connecting' };
  find('state').dataset.state = state;
  find('state').textContent = words[state];
}

function ask() {
  if (!find('door').open) find('door').showModal();
}

function open(after) {
  const on = { event: take, state: show, refused: ask };
  new Stream('/v1/stream', { key: sessionStorage.getItem(KEY), after, on }).run();
}

async function begin() {
  const totals = await showTotals();
  const keyed = sessionStorage.getItem(KEY) !== null;
  past = keyed ? 0 : (totals?.last ?? 0);
  open(keyed || totals === null ? null : Math.max(0, past - PAST_EVENTS));
  showPlaces();
  setInterval(showTotals, TOTALS_MS);
  setInterval(showPlaces, PLACES_MS);
}

find('unit').addEventListener('change', (event) => {
  code = event.target.value;
  figures.reset();
  showTotals();
});
find('pause').addEventListener('click', ({ currentTarget: button }) => {
  feed.hold(!feed.held);
  button.setAttribute('aria-pressed', feed.held);
});
find('door').addEventListener('close', () => {
  sessionStorage.setItem(KEY, find('key').value);
  location.reload();
});
begin();
