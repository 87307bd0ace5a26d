// The columns of the board, left to right: what each reads from a row, how it writes it, and whose colour it has.
import { shadeOf, shadeOfChange } from "./colours.js";
import { billions, grouped, inPoints, percent, points, price, signed, volume } from "./formats.js";

/**
 * @typedef {Record<string, any>} Row
 * @typedef {string | number | null | undefined} Value
 * @typedef {import("./colours.js").Shade} Shade
 * @typedef {import("./settings.js").Settings} Settings
 *
 * @typedef {object} Column
 * @property {string} field its name, in the page and in addresses
 * @property {string} words the name of its heading
 * @property {string} group the name of the heading above; empty: none
 * @property {number} width px, at least, in letters of the usual size
 * @property {(symbol: string, row: Row, beside: Row) => Value} read what is sorted by, and compared before anything is written
 * @property {(value: Value, symbol: string, row: Row, settings: Settings) => string} write
 * @property {(row: Row, value: Value) => Shade} shade
 * @property {boolean} [left]
 */

const NO_ROW = Object.freeze({});
/** @type {Column["shade"]} */
const plain = () => "none";
/** @type {Column["shade"]} */
const own = (row, value) => (typeof value === "number" ? shadeOf(row, value) : "none");
/** @type {Column["shade"]} */
const balance = (_row, value) => (value ? shadeOfChange(/** @type {number} */ (value)) : "none");

/** @type {Column["write"]} */
const asPrice = (value, symbol, row) =>
  typeof value === "string" ? value : price(value, inPoints(symbol, row));
/** @type {Column["write"]} */
const asVolume = (value, _symbol, _row, settings) => volume(/** @type {number | null} */ (value), settings.volumes);
/** @type {Column["write"]} */
const asBalance = (value, symbol, row, settings) =>
  signed(asVolume(value, symbol, row, settings), /** @type {number | null} */ (value));
/** @type {Column["write"]} */
const asBillions = (value) => (value ? billions(/** @type {number} */ (value)) : "");
/** @type {Column["write"]} */
const asSignedBillions = (value) => signed(asBillions(value, "", NO_ROW, /** @type {any} */ (NO_ROW)), /** @type {number | null} */ (value));

/** @type {Column["write"]} */
const asPoints = (value) => (typeof value === "number" ? signed(points(value), value) : "");

/** In an auction, the price that is expected stands in the place of the last one. @param {Row} row */
export const isExpected = (row) => row.expected_price != null && (row.session === "ATO" || row.session === "ATC");
/** @param {Row} row @returns {number | null} */
export const matchPrice = (row) => (isExpected(row) ? row.expected_price : row.last) ?? null;

/** @param {Row} row @returns {number | null} */
function matchChange(row) {
  if (!isExpected(row)) return row.change ?? null;
  return row.reference ? row.expected_price - row.reference : null;
}

/** @param {Row} row @returns {number | null} */
function matchPercent(row) {
  if (!isExpected(row)) return row.change_pct ?? null;
  return row.reference ? Math.round(((row.expected_price - row.reference) / row.reference) * 10000) / 100 : null;
}

/** @type {Column["shade"]} */
const ofMatch = (row) => shadeOf(row, matchPrice(row));

/** @type {Column} */
const SYMBOL = {
  field: "symbol", words: "symbol", group: "", width: 84, left: true,
  read: (symbol) => symbol, write: (value) => String(value), shade: ofMatch,
};

/** @param {string} field @param {number} width @param {string} group @returns {Column} */
const priced = (field, width = 44, group = "") => ({
  field, words: field, group, width, read: (_symbol, row) => row[field], write: asPrice, shade: own,
});

/** One level of the book: its price and its volume. @param {"bids" | "asks"} side @param {number} level from 1 @returns {Column[]} */
function levelOf(side, level) {
  const [name, group] = side === "bids" ? ["bid", "buy"] : ["ask", "sell"];
  /** @type {Column["read"]} */
  const readPrice = (_symbol, row) => {
    const held = row[side]?.[level - 1];
    return held && (held[0] ?? (row.session === "ATC" ? "ATC" : "ATO"));
  };
  return [
    { field: `${name}_price_${level}`, words: `price_${level}`, group, width: 44, read: readPrice, write: asPrice, shade: own },
    {
      field: `${name}_volume_${level}`, words: `volume_${level}`, group, width: 54,
      read: (_symbol, row) => row[side]?.[level - 1]?.[1], write: asVolume,
      shade: (row) => shadeOf(row, row[side]?.[level - 1]?.[0]),
    },
  ];
}

/** @type {Column[]} */
const MATCH = [
  { field: "last", words: "price", group: "match", width: 48, read: (_symbol, row) => matchPrice(row), write: asPrice, shade: own },
  {
    field: "last_volume", words: "volume", group: "match", width: 52,
    read: (_symbol, row) => (isExpected(row) ? null : row.last_volume), write: asVolume, shade: ofMatch,
  },
  {
    field: "change", words: "change", group: "match", width: 46, read: (_symbol, row) => matchChange(row),
    write: (value, symbol, row, settings) => signed(asPrice(value, symbol, row, settings), /** @type {number | null} */ (value)), shade: ofMatch,
  },
  {
    field: "change_pct", words: "change_pct", group: "match", width: 44, read: (_symbol, row) => matchPercent(row),
    write: (value) => percent(/** @type {number | null} */ (value)), shade: ofMatch,
  },
];
/** @type {Column} */
const TOTAL = { field: "total_volume", words: "total_volume", group: "", width: 72, read: (_symbol, row) => row.total_volume, write: asVolume, shade: plain };

/** @param {string} field @param {number} width @param {Column["write"]} write @param {Column["shade"]} shade @returns {Column} */
const ofForeigners = (field, width, write = asVolume, shade = plain) => ({
  field: `foreign_${field}`, words: field, group: "foreign", width, read: (_symbol, _row, foreign) => foreign[field], write, shade,
});

/**
 * @param {"board" | "oddlot" | "foreign" | "futures"} kind
 * @param {number} width of the table, px of letters of the usual size
 * @param {Settings} settings
 * @returns {Column[]}
 */
export function columnsFor(kind, width, settings) {
  const [last, lastVolume, change, changePercent] = MATCH;
  const narrow = width < 640;
  if (kind === "foreign") {
    const net = ofForeigners("net_value", 84, asSignedBillions, balance);
    if (narrow) return [SYMBOL, last, changePercent, net, ofForeigners("net_volume", 84, asBalance, balance)];
    return [
      SYMBOL, last, changePercent,
      ofForeigners("buy_volume", 84), ofForeigners("sell_volume", 84), ofForeigners("net_volume", 90, asBalance, balance),
      ofForeigners("buy_value", 76, asBillions), ofForeigners("sell_value", 76, asBillions), net,
      ofForeigners("buy_speed_per_min", 76), ofForeigners("sell_speed_per_min", 76), ofForeigners("current_room", 110),
    ];
  }
  if (narrow && kind === "futures") return [CONTRACT[0], wide(last), change, changePercent, BASIS[0]];
  if (narrow) return [SYMBOL, last, change, changePercent, TOTAL];
  const limits = [priced("ceiling"), priced("floor")];
  const fixed = settings.first === "limits" ? [...limits, priced("reference")] : [priced("reference"), ...limits];
  const levels = width < 900 ? [1] : width < 1150 ? [1, 2] : [1, 2, 3];
  const day = width < 1150 ? [] : [priced("high", 44, "day"), priced("average", 44, "day"), priced("low", 44, "day")];
  const foreign = kind === "oddlot" || width < 1340 ? [] : [ofForeigners("buy_volume", 62), ofForeigners("sell_volume", 62), ofForeigners("current_room", 96)];
  if (kind === "futures") {
    const all = [
      ...fixed, ...levels.toReversed().flatMap((level) => levelOf("bids", level)), last, lastVolume, change, changePercent,
      ...levels.flatMap((level) => levelOf("asks", level)), TOTAL, ...day,
    ];
    return [...CONTRACT, ...all.map(wide), ...BASIS];
  }
  return [
    SYMBOL, ...fixed,
    ...levels.toReversed().flatMap((level) => levelOf("bids", level)),
    last, lastVolume, change, changePercent,
    ...levels.flatMap((level) => levelOf("asks", level)),
    TOTAL, ...day, ...foreign,
  ];
}

/** Prices of futures are longer. @param {Column} column @returns {Column} */
const wide = (column) => (column.write === asPrice ? { ...column, width: 58 } : column);

/** @type {Column[]} */
const CONTRACT = [
  { ...SYMBOL, width: 104 },
  { field: "name", words: "contract", group: "", width: 92, left: true, read: (_symbol, _row, contract) => contract.name, write: (value) => String(value ?? ""), shade: ofMatch },
];
/** @type {Column[]} */
const BASIS = [
  { field: "basis", words: "basis", group: "", width: 58, read: (_symbol, _row, contract) => contract.basis, write: asPoints, shade: balance },
  { field: "expiry", words: "expiry", group: "", width: 84, read: (_symbol, _row, contract) => contract.expiry, write: (value) => String(value ?? ""), shade: plain },
];

/** A ratio of two volumes, as per cent. @param {number | null} part @param {number | null} whole */
export const share = (part, whole) => (part == null || !whole ? "" : `${grouped((part / whole) * 100, 1)}%`);
