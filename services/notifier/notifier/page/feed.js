// The list of events, the newest first; bounded, and rendered in strokes so that a storm stays readable.

import { sentence, time, tone } from './words.js';

const MOST = 120;
const STROKE_MS = 350;
const PER_STROKE = 12;
const AT_FIRST = 60;

export class Feed {
  constructor(list, quiet) {
    Object.assign(this, { list, quiet, waiting: [], left: 0, timer: 0, held: false });
  }

  add(event) {
    this.waiting.push(event);
    if (this.waiting.length > MOST) {
      this.waiting.shift();
      this.left += 1;
    }
    this.#plan();
  }

  // Hold the list as it is, or let it go on; what comes meanwhile waits, the oldest of it only counted.
  hold(held) {
    this.held = held;
    this.#plan();
  }

  #plan() {
    if (!this.held && this.waiting.length > 0) this.timer ||= setTimeout(() => this.#stroke(), STROKE_MS);
  }

  #stroke() {
    this.timer = 0;
    if (this.held) return;
    const shown = this.waiting.splice(-(this.list.children.length > 0 ? PER_STROKE : AT_FIRST));
    this.left += this.waiting.length;
    this.waiting = [];
    const items = shown.reverse().map(item);
    if (this.left > 0) items.push(more(this.left));
    this.left = 0;
    this.list.prepend(...items);
    while (this.list.children.length > MOST) this.list.lastChild.remove();
    this.quiet.hidden = this.list.children.length > 0;
  }
}

function item(event) {
  const entry = document.createElement('li');
  const words = document.createElement('span');
  const amount = document.createElement('strong');
  const at = document.createElement('time');
  const [strong, rest] = sentence(event);
  amount.textContent = strong;
  words.append(amount, ` ${rest}`);
  at.dateTime = event.data.at;
  at.textContent = time(event.data.at);
  entry.dataset.tone = tone(event);
  entry.className = 'new';
  entry.append(words, at);
  return entry;
}

function more(number) {
  const entry = document.createElement('li');
  const words = document.createElement('span');
  words.textContent = `and ${number.toLocaleString('en')} more`;
  entry.className = 'more';
  entry.append(words);
  return entry;
}
