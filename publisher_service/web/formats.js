// Numbers and times as Vietnamese boards write them: a comma every three digits, a dot for decimals, in both languages.

const VIETNAM_MS = 7 * 3600 * 1000; // no daylight saving
const VOLUME_UNITS = { shares: 1, x10: 10, x100: 100 };

/** Bond futures are quoted in VND, index futures in points. */
const BOND_FUTURE = /^(41B|GB)/;

/**
 * A number with so many decimals.
 * @param {number} value @param {number} [decimals] @returns {string}
 */
export function grouped(value, decimals = 0) {
  const text = Math.abs(value).toFixed(decimals);
  const dot = decimals ? text.length - decimals - 1 : text.length;
  let whole = text.slice(0, dot);
  for (let at = whole.length - 3; at > 0; at -= 3) whole = `${whole.slice(0, at)},${whole.slice(at)}`;
  const minus = value < 0 && /[1-9]/.test(text) ? "-" : "";
  return minus + whole + text.slice(dot);
}

/** @param {string} symbol @param {{exchange?: string | null}} row @returns {boolean} whether its prices are points */
export function inPoints(symbol, row) {
  return row.exchange === "DERIVATIVES" && !BOND_FUTURE.test(symbol);
}

/**
 * A price: thousand VND with two decimals, or points with one. Nothing for none.
 * @param {number | null | undefined} value in VND or points @param {boolean} [points] @returns {string}
 */
export function price(value, points = false) {
  if (value == null) return "";
  return points ? grouped(value, 1) : grouped(Math.round(value / 10) / 100, 2); // half a step of 10 is rounded up, exactly
}

/**
 * @param {number | null | undefined} value shares or contracts @param {"shares" | "x10" | "x100"} [unit]
 * @returns {string} nothing for zero
 */
export function volume(value, unit = "shares") {
  return value ? grouped(Math.trunc(value / VOLUME_UNITS[unit])) : "";
}

/** With its sign, unless only zeros are left of it. @param {string} text @param {number | null | undefined} value @returns {string} */
export function signed(text, value) {
  return value != null && value > 0 && /[1-9]/.test(text) ? `+${text}` : text;
}

/** @param {number | null | undefined} value per cent @returns {string} */
export function percent(value) {
  return value == null ? "" : signed(value.toFixed(2), value);
}

/** Billions (tỷ). @param {number | null | undefined} value VND @returns {string} */
export function billions(value) {
  return value == null ? "" : grouped(value / 1e9, 2);
}

/** @param {number | null | undefined} value points @returns {string} */
export function points(value) {
  return value == null ? "" : grouped(value, 2);
}

/** The time of day in Vietnam. @param {number | null | undefined} time Unix ms @returns {string} */
export function clock(time) {
  return time == null ? "" : new Date(time + VIETNAM_MS).toISOString().slice(11, 19);
}

/** Day and time of day in Vietnam. @param {number | null | undefined} time Unix ms @returns {string} */
export function moment(time) {
  if (time == null) return "";
  const [day, rest] = new Date(time + VIETNAM_MS).toISOString().split("T");
  return `${day.split("-").reverse().join("/")} ${rest.slice(0, 8)}`;
}

/** How long, in the coarsest unit that says it. @param {number} ms @returns {string} such as `12 s`, `3:05` or `1:02:03` */
export function duration(ms) {
  const seconds = Math.max(0, Math.floor(ms / 1000));
  if (seconds < 60) return `${seconds} s`;
  const two = (/** @type {number} */ value) => String(value).padStart(2, "0");
  const minutes = Math.floor(seconds / 60);
  if (minutes < 60) return `${minutes}:${two(seconds % 60)}`;
  return `${Math.floor(minutes / 60)}:${two(minutes % 60)}:${two(seconds % 60)}`;
}
