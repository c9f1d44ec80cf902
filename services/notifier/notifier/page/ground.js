// What lies under everything: the land, and lines of longitude and latitude with their names.

import { landPath } from './land.js';
import { gridStep } from './projection.js';

const LAND = landPath();
const TURN = 360;

export function drawGround(context, projection, colours) {
  drawLand(context, projection, colours);
  drawGrid(context, projection, colours);
}

// The land three times, so that a view across the antimeridian has it on both sides.
function drawLand(context, projection, colours) {
  const { stretch, scale } = projection.view;
  context.fillStyle = colours.land;
  for (const longitude of [-TURN, 0, TURN]) {
    const [x, y] = projection.point({ latitude: 0, longitude });
    context.save();
    context.transform(stretch * scale, 0, 0, -scale, x, y);
    context.fill(LAND, 'evenodd');
    context.restore();
  }
}

function drawGrid(context, projection, colours) {
  const { width, height } = projection.size;
  const { west, east, south, north } = projection.edges();
  const step = gridStep(Math.max(east - west, north - south));
  context.lineWidth = 1;
  context.strokeStyle = colours.grid;
  context.fillStyle = colours.soft;
  context.font = '11px system-ui, sans-serif';
  for (const longitude of multiples(step, west, east)) {
    const [x] = projection.point({ latitude: 0, longitude });
    line(context, x, 0, x, height);
    context.fillText(degrees((((longitude % TURN) + 540) % TURN) - 180, 'E', 'W'), x + 4, 13);
  }
  for (const latitude of multiples(step, Math.max(south, -90), Math.min(north, 90))) {
    const [, y] = projection.point({ latitude, longitude: 0 });
    line(context, 0, y, width, y);
    context.fillText(degrees(latitude, 'N', 'S'), 5, y - 4);
  }
}

function line(context, x1, y1, x2, y2) {
  context.beginPath();
  context.moveTo(Math.round(x1) + 0.5, Math.round(y1) + 0.5);
  context.lineTo(Math.round(x2) + 0.5, Math.round(y2) + 0.5);
  context.stroke();
}

function* multiples(step, from, to) {
  for (let value = Math.ceil(from / step) * step; value <= to; value += step) yield value;
}

const degrees = (value, positive, negative) => `${Math.abs(value)}°${value === 0 ? '' : value > 0 ? positive : negative}`;
