// From degrees to pixels: an equirectangular projection that fits what there is to show, and moves smoothly.
// With nothing to show it shows the world.

const PADDING = 0.1;
const LEAST_SPAN = 6;
const FOOT = 56; // pixels at the bottom that the legend covers
const WORLD = { west: -110, east: 130, south: -30, north: 65 };

export class Projection {
  constructor() {
    this.box = null;
    this.view = null;
    this.size = { width: 1, height: 1 };
  }

  include({ latitude, longitude }) {
    if (!this.box) this.view = null; // from the world straight to what there is to show
    const box = this.box ?? { west: longitude, east: longitude, south: latitude, north: latitude };
    this.box = {
      west: Math.min(box.west, longitude), east: Math.max(box.east, longitude),
      south: Math.min(box.south, latitude), north: Math.max(box.north, latitude),
    };
  }

  // Move the view a step towards what it should show; true while it still moves.
  approach(share) {
    const goal = this.#goal();
    if (!this.view) {
      this.view = goal;
      return true;
    }
    const distance = Math.abs(goal.scale / this.view.scale - 1) + Math.abs(goal.longitude - this.view.longitude) + Math.abs(goal.latitude - this.view.latitude);
    if (distance < 0.002) return false;
    for (const name of Object.keys(goal)) this.view[name] += (goal[name] - this.view[name]) * share;
    return true;
  }

  point({ latitude, longitude }) {
    const { view, size } = this;
    return [
      size.width / 2 + (longitude - view.longitude) * view.stretch * view.scale,
      this.#middle() - (latitude - view.latitude) * view.scale,
    ];
  }

  // The degrees at the edges: {west, east, south, north}.
  edges() {
    const { view, size } = this;
    const across = size.width / 2 / view.scale / view.stretch;
    const north = view.latitude + this.#middle() / view.scale;
    const south = north - size.height / view.scale;
    return { west: view.longitude - across, east: view.longitude + across, south, north };
  }

  #middle() {
    return (this.size.height - FOOT) / 2;
  }

  #goal() {
    const { west, east, south, north } = this.box ?? WORLD;
    const latitude = (south + north) / 2;
    const stretch = Math.max(0.3, Math.cos((latitude * Math.PI) / 180));
    const width = Math.max(LEAST_SPAN, east - west) * (1 + 2 * PADDING) * stretch;
    const height = Math.max(LEAST_SPAN, north - south) * (1 + 2 * PADDING);
    const scale = Math.min(this.size.width / width, (2 * this.#middle()) / height);
    return { latitude, longitude: (west + east) / 2, stretch, scale };
  }
}

// The distance of grid lines in degrees so that about `lines` of them are seen.
export function gridStep(span, lines = 10) {
  return [0.5, 1, 2, 5, 10, 15, 30, 45].find((step) => span / step <= lines) ?? 60;
}
