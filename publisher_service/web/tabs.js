// The tabs: which rows each shows, and how they are subscribed to.

/**
 * @typedef {object} Tab
 * @property {string} name in the address
 * @property {"grid" | "page"} kind
 * @property {"board" | "warrants" | "oddlot" | "foreign" | "futures"} [columns] warrants: codes are long
 * @property {string} [group]
 * @property {string[]} [without] groups that are left out of it
 * @property {"market" | "oddlot"} [channel]
 */

/** @type {readonly (Tab | null)[]} null: a gap */
export const TABS = [
  { name: "VN30", kind: "grid", columns: "board", group: "VN30" },
  { name: "HNX30", kind: "grid", columns: "board", group: "HNX30" },
  null,
  { name: "HOSE", kind: "grid", columns: "board", group: "HOSE", without: ["warrants", "etfs"] },
  { name: "HNX", kind: "grid", columns: "board", group: "HNX" },
  { name: "UPCOM", kind: "grid", columns: "board", group: "UPCOM" },
  null,
  { name: "futures", kind: "grid", columns: "futures", group: "futures" },
  { name: "warrants", kind: "grid", columns: "warrants", group: "warrants" },
  { name: "etfs", kind: "grid", columns: "warrants", group: "etfs" },
  { name: "oddlot", kind: "grid", columns: "oddlot", channel: "oddlot" },
  null,
  { name: "movers", kind: "page" },
  { name: "foreign", kind: "grid", columns: "foreign" },
  { name: "basis", kind: "page" },
  { name: "alerts", kind: "page" },
];
const WATCH = "watch:";
const SECTOR = /^VN[A-Z]{2,4}$/;

/** @param {string} list @returns {string} the tab of a watch list */
export const tabOfList = (list) => WATCH + list;

/** @param {string} tab @returns {string} the watch list of a tab; empty: it is none */
export const listOfTab = (tab) => (tab.startsWith(WATCH) ? tab.slice(WATCH.length) : "");

/**
 * The tab of a place; of one that is not known, the first.
 * @param {import("./address.js").Place} place @returns {Tab}
 */
export function tabOf(place) {
  if (listOfTab(place.tab)) return { name: place.tab, kind: "grid", columns: "board" };
  const tab = TABS.find((one) => one?.name === place.tab);
  if (tab?.name === "foreign") return { ...tab, group: place.market, without: ["warrants", "etfs"] };
  if (!tab && SECTOR.test(place.tab)) return { name: place.tab, kind: "grid", columns: "board", group: place.tab };
  return /** @type {Tab} */ (tab ?? TABS[0]);
}

/**
 * @param {HTMLElement} element @param {import("./address.js").Place} place @param {readonly string[]} lists
 * @param {import("./words.js").Words} words @param {(tab: string) => string} address of a tab
 */
export function showTabs(element, place, lists, words, address) {
  const current = tabOf(place).name;
  /** @param {string} name @param {string} text */
  const link = (name, text) => {
    const made = document.createElement("a");
    made.href = address(name);
    made.dataset.tab = name;
    made.textContent = text;
    if (name === current) made.setAttribute("aria-current", "page");
    return made;
  };
  const gap = () => Object.assign(document.createElement("span"), { className: "gap" });
  const own = lists.map((list) => link(tabOfList(list), `★ ${list}`));
  const known = TABS.map((tab) => (tab ? link(tab.name, words(`tab.${tab.name}`)) : gap()));
  // A sector, or a watch list that came with an address, has a tab as long as it is shown.
  const isKnown = TABS.some((tab) => tab?.name === current) || lists.includes(listOfTab(current));
  const visiting = listOfTab(current) ? `★ ${listOfTab(current)}` : words(`sector.${current}`);
  const isFocused = element.contains(document.activeElement);
  element.replaceChildren(...own, ...(own.length ? [gap()] : []), ...known, ...(isKnown ? [] : [link(current, visiting)]));
  const shown = /** @type {HTMLElement | null} */ (element.querySelector("[aria-current]"));
  shown?.scrollIntoView({ block: "nearest", inline: "nearest" });
  if (isFocused) shown?.focus();
}
