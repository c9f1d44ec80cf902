// The map: the ground, places, and dockings that travel from supply to demand.

import { drawGround } from './ground.js';
import { Projection } from './projection.js';
import { released } from './words.js';

const FLIGHT_MS = 1_900;
const GLIDE_MS = 170;
const MOST_FLYING = 160;
const MOST_TRACES = 420;
const BEND = 0.16;
const COLOURS = ['land', 'grid', 'soft', 'offer', 'demand', 'flow', 'released'];
const still = matchMedia('(prefers-reduced-motion: reduce)');

export class FlowMap {
  constructor(canvas) {
    this.canvas = canvas;
    this.context = canvas.getContext('2d');
    this.projection = new Projection();
    this.places = { offers: [], demands: [] };
    this.traces = new Map();
    this.flying = [];
    this.drawing = false;
    this.drawn = 0;
    new ResizeObserver(() => this.#resize()).observe(canvas);
    matchMedia('(prefers-color-scheme: dark)').addEventListener('change', () => this.#dress());
    this.#dress();
  }

  // Show where offers and demands are open.
  settle(places) {
    this.places = places;
    [...places.offers, ...places.demands].forEach((place) => this.projection.include(place));
    this.#wake();
  }

  // Show a step of a docking; `quietly` when it lies in the past.
  add(docking, quietly) {
    if (!docking.supply?.position || !docking.demand?.position) return;
    const flow = {
      from: docking.supply.position, to: docking.demand.position,
      tone: released(docking.status) ? 'released' : 'flow', began: performance.now(),
    };
    this.projection.include(flow.from);
    this.projection.include(flow.to);
    this.traces.delete(docking.docking);
    this.traces.set(docking.docking, flow);
    if (this.traces.size > MOST_TRACES) this.traces.delete(this.traces.keys().next().value);
    if (!quietly && !still.matches && this.flying.length < MOST_FLYING) this.flying.push(flow);
    this.#wake();
  }

  #dress() {
    const style = getComputedStyle(document.documentElement);
    this.colours = Object.fromEntries(COLOURS.map((name) => [name, style.getPropertyValue(`--${name}`).trim()]));
    this.#wake();
  }

  #resize() {
    const { clientWidth: width, clientHeight: height } = this.canvas;
    const ratio = Math.min(devicePixelRatio || 1, 2);
    this.canvas.width = Math.round(width * ratio);
    this.canvas.height = Math.round(height * ratio);
    this.context.setTransform(ratio, 0, 0, ratio, 0, 0);
    this.projection.size = { width, height };
    this.#wake();
  }

  #wake() {
    if (this.drawing) return;
    this.drawing = true;
    requestAnimationFrame((now) => this.#frame(now));
  }

  #frame(now) {
    const elapsed = Math.min(100, now - this.drawn);
    this.drawing = false;
    this.drawn = now;
    const moving = this.projection.approach(still.matches ? 1 : 1 - Math.exp(-elapsed / GLIDE_MS));
    this.flying = this.flying.filter((flow) => now - flow.began < FLIGHT_MS);
    this.#draw(now);
    if (moving || this.flying.length) this.#wake();
  }

  #draw(now) {
    const { width, height } = this.projection.size;
    this.context.clearRect(0, 0, width, height);
    drawGround(this.context, this.projection, this.colours);
    let age = this.traces.size;
    for (const flow of this.traces.values()) {
      this.#arc(flow, 0.1 + 0.32 * (1 - age / MOST_TRACES));
      age -= 1;
    }
    this.#spots(this.places.demands, 'demand');
    this.#spots(this.places.offers, 'offer');
    this.flying.forEach((flow) => this.#flight(flow, (now - flow.began) / FLIGHT_MS));
    this.context.globalAlpha = 1;
  }

  #spots(spots, tone) {
    const { context } = this;
    context.fillStyle = this.colours[tone];
    for (const spot of spots) {
      const [x, y] = this.projection.point(spot);
      const radius = Math.min(14, 3.4 + 1.2 * Math.sqrt(spot.open));
      context.globalAlpha = 0.2;
      disc(context, x, y, radius);
      context.globalAlpha = 0.85;
      disc(context, x, y, Math.min(3.4, radius * 0.6));
    }
    context.globalAlpha = 1;
  }

  #arc(flow, alpha) {
    const { context } = this;
    const [[x1, y1], [cx, cy], [x2, y2]] = this.#curve(flow);
    context.globalAlpha = alpha;
    context.strokeStyle = this.colours[flow.tone];
    context.lineWidth = 1.1;
    context.beginPath();
    context.moveTo(x1, y1);
    context.quadraticCurveTo(cx, cy, x2, y2);
    context.stroke();
    context.fillStyle = context.strokeStyle;
    disc(context, x1, y1, 1.7);
    disc(context, x2, y2, 1.7);
  }

  #flight(flow, share) {
    const { context } = this;
    const curve = this.#curve(flow);
    const head = ease(Math.min(1, share / 0.72));
    context.strokeStyle = context.fillStyle = this.colours[flow.tone];
    context.lineWidth = 2.4;
    context.lineCap = 'round';
    for (let back = 0; back < 9 && share < 0.85; back += 1) {
      const a = Math.max(0, head - back * 0.028);
      const b = Math.max(0, head - (back + 1) * 0.028);
      context.globalAlpha = 0.9 * (1 - back / 9);
      context.beginPath();
      context.moveTo(...along(curve, a));
      context.lineTo(...along(curve, b));
      context.stroke();
    }
    if (share > 0.7) {
      const ring = (share - 0.7) / 0.3;
      context.globalAlpha = 0.8 * (1 - ring);
      context.lineWidth = 1.6;
      context.beginPath();
      context.arc(...curve[2], 3 + 13 * ring, 0, 2 * Math.PI);
      context.stroke();
    }
  }

  #curve({ from, to }) {
    const [x1, y1] = this.projection.point(from);
    const [x2, y2] = this.projection.point(to);
    const side = x2 >= x1 ? 1 : -1;
    return [[x1, y1], [(x1 + x2) / 2 + (y2 - y1) * BEND * side, (y1 + y2) / 2 - (x2 - x1) * BEND * side], [x2, y2]];
  }
}

function along([[x1, y1], [cx, cy], [x2, y2]], share) {
  const rest = 1 - share;
  return [
    rest * rest * x1 + 2 * rest * share * cx + share * share * x2,
    rest * rest * y1 + 2 * rest * share * cy + share * share * y2,
  ];
}

function disc(context, x, y, radius) {
  context.beginPath();
  context.arc(x, y, radius, 0, 2 * Math.PI);
  context.fill();
}

const ease = (share) => 1 - (1 - share) ** 2;
