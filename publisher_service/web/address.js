// What is shown, in the page's address: whoever opens the same address sees the same.

/**
 * @typedef {object} Place
 * @property {string} tab a tab's name; `watch:NAME` is a watch list
 * @property {string} sort a column's name; empty: as the list has them
 * @property {boolean} down the largest first
 * @property {string} symbol whose details are open; empty: nobody's
 * @property {string} market of the pages of movers and foreign flow
 * @property {string} contract of the page of the basis; empty: the active one
 * @property {string[]} keys of a watch list that came with the address
 */

/** @type {Readonly<Place>} */
export const HOME = Object.freeze({ tab: "VN30", sort: "", down: false, symbol: "", market: "HOSE", contract: "", keys: [] });

const NAME = /^[\p{L}\p{N}_.:\- ]{1,40}$/u;
const MOST_KEYS = 200;

/** @param {unknown} text @param {string} otherwise */
const name = (text, otherwise) => (typeof text === "string" && NAME.test(text) ? text : otherwise);

/** What is not valid is as if it were not there. @param {string} query as in `location.search` @returns {Place} */
export function placeOf(query) {
  const said = new URLSearchParams(query);
  const [sort, direction] = (said.get("sort") ?? "").split(" ");
  const keys = (said.get("keys") ?? "").split(",").filter((key) => NAME.test(key));
  return {
    tab: name(said.get("tab"), HOME.tab),
    sort: name(sort, HOME.sort),
    down: direction === "down",
    symbol: name(said.get("symbol"), HOME.symbol),
    market: name(said.get("market"), HOME.market),
    contract: name(said.get("contract"), HOME.contract),
    keys: keys.slice(0, MOST_KEYS),
  };
}

/** The shortest address of a place. @param {Place} place @returns {string} empty, or from the question mark on */
export function queryOf(place) {
  const said = new URLSearchParams();
  if (place.tab !== HOME.tab) said.set("tab", place.tab);
  if (place.sort) said.set("sort", place.down ? `${place.sort} down` : place.sort);
  if (place.symbol) said.set("symbol", place.symbol);
  if (place.market !== HOME.market) said.set("market", place.market);
  if (place.contract) said.set("contract", place.contract);
  if (place.keys.length) said.set("keys", place.keys.join(","));
  const text = said.toString().replaceAll("%2C", ",").replaceAll("%3A", ":");
  return text && `?${text}`;
}
