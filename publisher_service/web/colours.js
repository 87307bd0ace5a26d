// The colour of a price. Ceiling and floor come before the sign: a price never has its colour from its change alone.

/** @typedef {"ceiling" | "floor" | "reference" | "up" | "down" | "none"} Shade */

/**
 * @param {{ceiling?: number | null, floor?: number | null, reference?: number | null}} row
 * @param {number | null | undefined} value a price of that instrument; null and zero are none
 * @returns {Shade}
 */
export function shadeOf(row, value) {
  if (!value) return "none";
  if (value === row.ceiling) return "ceiling";
  if (value === row.floor) return "floor";
  if (row.reference == null) return "none";
  if (value === row.reference) return "reference";
  return value > row.reference ? "up" : "down";
}

/** Of an index, a basis, a balance: without limits. @param {number | null | undefined} change @returns {Shade} */
export function shadeOfChange(change) {
  if (change == null) return "none";
  return change > 0 ? "up" : change < 0 ? "down" : "reference";
}

/** What says the same without a colour. @type {Record<Shade, string>} */
export const MARKS = { ceiling: "CE", floor: "FL", reference: "■", up: "▲", down: "▼", none: "" };
