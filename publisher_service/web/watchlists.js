// Lists of symbols that this browser keeps. Facts: each change gives new lists.

/** @typedef {Readonly<Record<string, readonly string[]>>} Lists */

const KEY = "banggia.lists";
const MOST_LISTS = 20;
const MOST_SYMBOLS = 200;
const SYMBOL = /^[A-Z0-9_]{1,20}$/;
const NAME = /^[\p{L}\p{N}_.\- ]{1,24}$/u;

/** @param {string} name @returns {boolean} whether a list may be called so */
export const mayBeCalled = (name) => NAME.test(name);

/** What is not valid is left out. @param {unknown} said @returns {Lists} */
export function listsOf(said) {
  if (said === null || typeof said !== "object") return {};
  const valid = Object.entries(said).filter(([name, symbols]) => NAME.test(name) && Array.isArray(symbols));
  return Object.fromEntries(
    valid.slice(0, MOST_LISTS).map(([name, symbols]) => [name, symbolsOf(/** @type {unknown[]} */ (symbols))]),
  );
}

/** @param {readonly unknown[]} said @returns {string[]} those that may be symbols, each once */
export function symbolsOf(said) {
  const symbols = said.filter((symbol) => typeof symbol === "string" && SYMBOL.test(symbol));
  return /** @type {string[]} */ ([...new Set(symbols)].slice(0, MOST_SYMBOLS));
}

/** The symbol in the list, or no longer in it. @param {Lists} lists @param {string} name @param {string} symbol @returns {Lists} */
export function toggled(lists, name, symbol) {
  const held = lists[name] ?? [];
  const next = held.includes(symbol) ? held.filter((other) => other !== symbol) : symbolsOf([...held, symbol]);
  return listsOf({ ...lists, [name]: next });
}

/** @param {Lists} lists @param {string} name @returns {Lists} */
export function without(lists, name) {
  return Object.fromEntries(Object.entries(lists).filter(([other]) => other !== name));
}

/** @param {Pick<Storage, "getItem">} storage @returns {Lists} */
export function loadLists(storage) {
  try {
    return listsOf(JSON.parse(storage.getItem(KEY) ?? "{}"));
  } catch {
    return {};
  }
}

/** @param {Pick<Storage, "setItem">} storage @param {Lists} lists */
export function saveLists(storage, lists) {
  try {
    storage.setItem(KEY, JSON.stringify(lists));
  } catch {
    // forbidden or full: the lists hold until the page is closed
  }
}
