// The totals, each with a small curve of how it went since the page was opened.

import { short, unit } from './words.js';

const SAMPLES = 150;
const SVG = 'http://www.w3.org/2000/svg';

// What is shown: a title, a tone, and how it is read from the totals of a unit: [value, unit].
const SHOWN = [
  { title: 'Docked', tone: 'flow', read: ({ of }, name) => [of.docked?.quantity ?? 0, name] },
  { title: 'Dockings', tone: 'flow', read: ({ standing }) => [standing, 'standing'] },
  { title: 'Open demand', tone: 'demand', read: ({ of }, name) => [of.open?.quantity ?? 0, name] },
  { title: 'Free supply', tone: 'offer', read: ({ of }, name) => [of.free?.quantity ?? 0, name] },
  { title: 'Distance, mean', tone: 'soft', read: ({ of }) => [mean(of), 'km'] },
];
const STANDING = ['proposed', 'confirmed', 'shipped', 'delivered'];

export class Figures {
  constructor(place) {
    this.cards = SHOWN.map((shown) => new Card(shown));
    place.replaceChildren(...this.cards.map((card) => card.element));
  }

  // Start the curves anew, for another unit.
  reset() {
    this.cards.forEach((card) => card.reset());
  }

  show(totals, code) {
    const of = totals.units[code] ?? {};
    const standing = STANDING.reduce((sum, status) => sum + (totals.dockings[status] ?? 0), 0);
    this.cards.forEach((card) => card.show(...card.shown.read({ of, standing }, unit(code))));
  }
}

// The unit that most dockings are in, or else most demands.
export function mainUnit(totals) {
  const weight = (of) => [of.docked?.count ?? 0, of.asked?.count ?? 0, of.offered?.count ?? 0];
  const codes = Object.keys(totals.units);
  return codes.sort((a, b) => compare(weight(totals.units[b]), weight(totals.units[a])))[0] ?? 'C62';
}

class Card {
  constructor(shown) {
    this.shown = shown;
    this.samples = [];
    this.element = document.createElement('article');
    this.element.className = 'figure';
    this.element.dataset.tone = shown.tone;
    const title = document.createElement('h3');
    title.textContent = shown.title;
    this.output = document.createElement('output');
    this.output.textContent = '–';
    this.element.append(title, this.output, this.#curve());
  }

  reset() {
    this.samples = [];
  }

  show(value, name) {
    const small = document.createElement('small');
    small.textContent = name;
    this.output.replaceChildren(short(value), small);
    this.samples.push(value);
    if (this.samples.length > SAMPLES) this.samples.shift();
    const line = path(this.samples);
    this.line.setAttribute('d', line);
    this.area.setAttribute('d', `${line}L100 26L0 26Z`);
  }

  #curve() {
    const picture = document.createElementNS(SVG, 'svg');
    picture.setAttribute('viewBox', '0 0 100 26');
    picture.setAttribute('preserveAspectRatio', 'none');
    picture.setAttribute('aria-hidden', 'true');
    this.area = document.createElementNS(SVG, 'path');
    this.area.setAttribute('class', 'area');
    this.line = document.createElementNS(SVG, 'path');
    picture.append(this.area, this.line);
    return picture;
  }
}

function path(samples) {
  const low = Math.min(...samples);
  const span = Math.max(...samples) - low || 1;
  const flat = Math.max(...samples) === low;
  const last = Math.max(1, samples.length - 1);
  const points = samples.map((value, index) => {
    const x = samples.length === 1 ? 0 : (index / last) * 100;
    return `${x.toFixed(2)} ${(flat ? 20 : 24 - ((value - low) / span) * 21).toFixed(2)}`;
  });
  return `M${points.join('L')}${samples.length === 1 ? `L100 ${flat ? 20 : 3}` : ''}`;
}

const mean = (of) => (of.docked?.quantity ? Math.round(of.moved.quantity / of.docked.quantity) : 0);
const compare = (a, b) => a[0] - b[0] || a[1] - b[1] || a[2] - b[2];
