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
 * @property {number} [spare] where room is short, those with 1 leave first
 */

const MOST_SPARE = 5;
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
  field: "symbol", words: "symbol", group: "", width: 66, left: true,
  read: (symbol) => symbol, write: (value) => String(value), shade: ofMatch,
};

/** @param {string} field @param {string} [group] @returns {Column} */
const priced = (field, group = "") => ({
  field, words: field, group, width: 49, read: (_symbol, row) => row[field], write: asPrice, shade: own,
});

/** One level of the book: its price and its volume. @param {"bids" | "asks"} side @param {number} level from 1 @returns {Column[]} */
function levelOf(side, level) {
  const [name, group] = side === "bids" ? ["bid", "buy"] : ["ask", "sell"];
  const spare = { 2: 5, 3: 4 }[level];
  /** @type {Column["read"]} */
  const readPrice = (_symbol, row) => {
    const held = row[side]?.[level - 1];
    return held && (held[0] ?? (row.session === "ATC" ? "ATC" : "ATO"));
  };
  return [
    { field: `${name}_price_${level}`, words: `price_${level}`, group, width: 49, spare, read: readPrice, write: asPrice, shade: own },
    {
      field: `${name}_volume_${level}`, words: `volume_${level}`, group, width: 57, spare,
      read: (_symbol, row) => row[side]?.[level - 1]?.[1], write: asVolume,
      shade: (row) => shadeOf(row, row[side]?.[level - 1]?.[0]),
    },
  ];
}

/** @type {Column[]} */
const MATCH = [
  { field: "last", words: "price", group: "match", width: 60, read: (_symbol, row) => matchPrice(row), write: asPrice, shade: own },
  {
    field: "last_volume", words: "volume", group: "match", width: 48,
    read: (_symbol, row) => (isExpected(row) ? null : row.last_volume), write: asVolume, shade: ofMatch,
  },
  {
    field: "change", words: "change", group: "match", width: 46, read: (_symbol, row) => matchChange(row),
    write: (value, symbol, row, settings) => signed(asPrice(value, symbol, row, settings), /** @type {number | null} */ (value)), shade: ofMatch,
  },
  {
    field: "change_pct", words: "change_pct", group: "match", width: 46, read: (_symbol, row) => matchPercent(row),
    write: (value) => percent(/** @type {number | null} */ (value)), shade: ofMatch,
  },
];
/** @type {Column} */
const TOTAL = { field: "total_volume", words: "total_volume", group: "", width: 70, read: (_symbol, row) => row.total_volume, write: asVolume, shade: plain };

/** @param {string} field @param {number} width @param {Column["write"]} write @param {Column["shade"]} shade @returns {Column} */
const ofForeigners = (field, width, write = asVolume, shade = plain) => ({
  field: `foreign_${field}`, words: field, group: "foreign", width, read: (_symbol, _row, foreign) => foreign[field], write, shade,
});

/**
 * Those that the width has room for; where it has none even for the rest, the table scrolls.
 * @param {"board" | "warrants" | "oddlot" | "foreign" | "futures"} kind
 * @param {number} width of the table, px of letters of the usual size
 * @param {Settings} settings
 * @returns {Column[]}
 */
export function columnsFor(kind, width, settings) {
  if (width < 640) return onPhones(kind);
  if (kind === "foreign") return FLOWS;
  const limits = [priced("ceiling"), priced("floor")];
  const fixed = settings.first === "limits" ? [...limits, priced("reference")] : [priced("reference"), ...limits];
  const levels = [1, 2, 3];
  const match = [...levels.toReversed().flatMap((level) => levelOf("bids", level)), ...MATCH, ...levels.flatMap((level) => levelOf("asks", level)), TOTAL];
  const day = ["high", "average", "low"].map((field) => ({ ...priced(field, "day"), spare: 3 }));
  if (kind === "futures") return fitting([...CONTRACT, ...[...fixed, ...match].map(ofFutures), BASIS, ...day.map(ofFutures), EXPIRY], width);
  if (kind === "oddlot") return fitting([SYMBOL, ...fixed, ...match, day[0], day[2]], width);
  const flows = ["buy_volume", "sell_volume"].map((field) => ({ ...ofForeigners(field, 60), spare: 2 }));
  const symbol = kind === "warrants" ? { ...SYMBOL, width: 102 } : SYMBOL;
  return fitting([symbol, ...fixed, ...match, ...day, ...flows, { ...ofForeigners("current_room", 92), spare: 1 }], width);
}

/** @param {Column[]} columns @param {number} width px */
function fitting(columns, width) {
  let kept = columns;
  const isTooWide = () => kept.reduce((sum, column) => sum + column.width, 0) > width;
  for (let spare = 1; spare <= MOST_SPARE && isTooWide(); spare++) kept = kept.filter((column) => column.spare !== spare);
  return kept;
}

/** Without headings of groups: what a phone shows is known without them. @param {"board" | "warrants" | "oddlot" | "foreign" | "futures"} kind */
function onPhones(kind) {
  const [last, , change, changePercent] = MATCH;
  const shown = {
    board: [SYMBOL, last, change, changePercent, TOTAL],
    warrants: [SYMBOL, last, change, changePercent, TOTAL],
    oddlot: [SYMBOL, last, change, changePercent, TOTAL],
    futures: [{ ...CONTRACT[0], words: "contract", read: nameOrCode }, ofFutures(last), change, changePercent, BASIS],
    foreign: [SYMBOL, last, changePercent, { ...NET_VALUE, width: 70 }, { ...NET_VOLUME, width: 82 }],
  }[kind];
  return shown.map((column) => ({ ...column, group: "" }));
}

const NET_VALUE = ofForeigners("net_value", 84, asSignedBillions, balance);
const NET_VOLUME = ofForeigners("net_volume", 90, asBalance, balance);
/** @type {Column[]} */
const FLOWS = [
  SYMBOL, MATCH[0], MATCH[3],
  ofForeigners("buy_volume", 84), ofForeigners("sell_volume", 84), NET_VOLUME,
  ofForeigners("buy_value", 76, asBillions), ofForeigners("sell_value", 76, asBillions), NET_VALUE,
  ofForeigners("buy_speed_per_min", 76), ofForeigners("sell_speed_per_min", 76), ofForeigners("current_room", 110),
];

/** Their prices are longer, their volumes shorter. @param {Column} column @returns {Column} */
function ofFutures(column) {
  if (column === TOTAL) return { ...column, width: 66 };
  if (column.write === asPrice) return { ...column, width: column === MATCH[0] ? 69 : 53 };
  return column.write === asVolume ? { ...column, width: 45 } : column;
}

/** @type {Column[]} */
const CONTRACT = [
  { ...SYMBOL, width: 109 },
  { field: "name", words: "contract", group: "", width: 78, left: true, read: (_symbol, _row, contract) => contract.name, write: (value) => String(value ?? ""), shade: ofMatch },
];
/** What traders call it. @type {Column["read"]} */
const nameOrCode = (symbol, _row, contract) => contract.name ?? symbol;
/** @type {Column} */
const BASIS = { field: "basis", words: "basis", group: "", width: 56, read: (_symbol, _row, contract) => contract.basis, write: asPoints, shade: balance };
/** @type {Column} */
const EXPIRY = { field: "expiry", words: "expiry", group: "", width: 82, spare: 1, read: (_symbol, _row, contract) => contract.expiry, write: (value) => String(value ?? ""), shade: plain };

/** A ratio of two volumes, as per cent. @param {number | null} part @param {number | null} whole */
export const share = (part, whole) => (part == null || !whole ? "" : `${grouped((part / whole) * 100, 1)}%`);
