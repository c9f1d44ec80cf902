// How numbers, units, times and events read. Nothing here touches the page.

const UNITS = {
  C62: 'pieces', KGM: 'kg', MTR: 'm', MTK: 'm²', LTR: 'l', SEC: 's', KWH: 'kWh', KWT: 'kW', '4L': 'MB',
};
const STATUSES = { lapsed: 'lapsed without an answer' };
const RELEASED = new Set(['declined', 'lapsed', 'cancelled', 'failed']);
const grouped = new Intl.NumberFormat('en', { maximumFractionDigits: 1 });
const compact = new Intl.NumberFormat('en', { notation: 'compact', maximumFractionDigits: 1 });

export const number = (value) => grouped.format(value);
export const short = (value) => (Math.abs(value) < 100_000 ? grouped.format(value) : compact.format(value));
export const unit = (code) => UNITS[code] ?? code;
export const released = (status) => RELEASED.has(status);

export function kilometres(metres) {
  const km = metres / 1000;
  return `${number(km < 20 ? Math.round(km) : Math.round(km / 10) * 10)}\u00a0km`;
}

export function className(itemClass) {
  return itemClass.scheme === 'own' ? itemClass.code.replace(/[-_.]+/g, ' ') : `${itemClass.scheme.toUpperCase()} ${itemClass.code}`;
}

const clockFormat = new Intl.DateTimeFormat('en-GB', { hour: '2-digit', minute: '2-digit', second: '2-digit' });
const dayFormat = new Intl.DateTimeFormat('en-GB', { day: 'numeric', month: 'short', year: 'numeric' });

// The time of day of what happened today, the date of everything else (the log of a simulation).
export function time(iso) {
  const at = new Date(iso);
  return at.toDateString() === new Date().toDateString() ? clockFormat.format(at) : dayFormat.format(at);
}

export function tone(event) {
  if (event.type === 'tenon.alert.unmet.v1') return 'unmet';
  return released(event.data.status) ? 'released' : event.data.status;
}

// An event as [strong, rest]: a plain sentence whose first words carry the quantity.
export function sentence(event) {
  const { data } = event;
  const amount = `${number(data.quantity)} ${data.quantity === 1 && data.unit === 'C62' ? 'piece' : unit(data.unit)}`;
  if (event.type === 'tenon.alert.unmet.v1') return [amount, `of ${className(data.class)} could not be supplied`];
  return [amount, `of ${className(data.class)} ${stepName(data)}${between(data)}`];
}

function stepName({ status, revision }) {
  if (status === 'proposed' && revision > 1) return 'accepted by one side';
  return STATUSES[status] ?? status;
}

function between(data) {
  const from = data.supply?.name ?? data.supply?.party;
  const to = data.demand?.name ?? data.demand?.party;
  return (from && to ? ` from ${from} to ${to}` : '') + way(data.distance_m);
}

function way(metres) {
  if (!Number.isFinite(metres)) return '';
  return metres < 5_000 ? ', nearby' : `, ${kilometres(metres)}\u00a0apart`;
}
