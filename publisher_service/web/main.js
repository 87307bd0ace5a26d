// The one wiring file of the board: what is shown follows from the address, the settings and the lists; news paint it.
import { HOME, placeOf, queryOf } from "./address.js";
import { ask, keepToken, takeToken, wantsToken } from "./answers.js";
import { atMostOnce } from "./at-most-once.js";
import { Banggia } from "./banggia.js";
import { columnsFor } from "./columns.js";
import { askFor, choice, showHelp, showSettings } from "./dialogs.js";
import { grouped } from "./formats.js";
import { Grid } from "./grid.js";
import { ordered, sameOrder } from "./order.js";
import { Prices } from "./prices.js";
import { Ribbon } from "./ribbon.js";
import { loadSettings, saveSettings } from "./settings.js";
import { StatusLine } from "./status.js";
import { listOfTab, showTabs, tabOf, tabOfList, TABS } from "./tabs.js";
import { Tally } from "./tally.js";
import { loadLists, mayBeCalled, saveLists, symbolsOf, toggled, without } from "./watchlists.js";
import { languageOf, loadWords } from "./words.js";
import { Wall } from "./wall.js";

/**
 * What a page beside the board is made with.
 * @typedef {object} Page
 * @property {Banggia} feed
 * @property {import("./words.js").Words} words
 * @property {import("./address.js").Place} place
 * @property {import("./settings.js").Settings} settings
 * @property {(symbol: string) => void} open
 * @property {(patch: Partial<import("./address.js").Place>) => void} go
 * @property {any} futures
 * @property {any} alerts
 * @property {Prices} prices
 * @property {(path: string) => Promise<any>} ask
 * @property {() => Promise<any>} charts
 */

/** Rows change places so often, at most: they must stay readable. */
const SORT_EVERY_MS = 1000;
const FOLLOW_EVERY_MS = 500;
/** After the first picture: alerts and mini charts can wait so long. */
const LATER_MS = 1500;
const TICK_MS = 500;
const INTERVALS_MS = [100, 250, 500, 1000, 2000, 5000];

const byId = (/** @type {string} */ id) => /** @type {HTMLElement} */ (document.getElementById(id));
const root = document.documentElement;
const token = takeToken();
const lightSystem = matchMedia("(prefers-color-scheme: light)");
const calmSystem = matchMedia("(prefers-reduced-motion: reduce)");

let settings = loadSettings(localStorageOrNone());
let lists = loadLists(localStorageOrNone());
let place = placeOf(location.search);
let language = languageOf(settings.language);
dress();
const wordsOnTheirWay = loadWords(language);
// The link opens meanwhile.
const feed = new Banggia(new URL(".", document.baseURI).href, { token: /** @type {any} */ (token) });
let words = await wordsOnTheirWay;
const status = new StatusLine(feed, { road: byId("road"), phases: byId("phases"), broken: byId("broken") }, askForToken);
const tally = new Tally();
const questions = (/** @type {string} */ path) => ask(path, token);
const charts = once(() => import("./charts.js").catch(() => null));

const prices = new Prices(feed, {
  row(symbol, fields, isNew) {
    grid.mark(symbol);
    if (fields && "trades" in fields) {
      if (isNew) tally.begin(symbol, fields.trades);
      else detail?.note(symbol, tally.note(symbol, fields.trades, performance.now()));
    }
    if (symbol === place.symbol) detail?.paintSoon();
    if (symbol === "_total") showBefore();
    if (place.sort) sortSoon();
  },
  list: () => listSoon(),
  change(change) {
    if (!change.reset) return;
    byId("grid").dataset.epoch = prices.table?.epoch ?? "";
    page?.paint(); // limits that it waited for
  },
});

const grid = new Grid(
  byId("grid"),
  { row: (symbol) => prices.row(symbol), beside, starred: (symbol) => currentSymbols().includes(symbol) },
  settings,
  { open, star, sort, choose: () => followChosen() },
);
const wall = new Wall(grid, byId("page"), () => render());
const ribbon = new Ribbon(byId("ribbon"), feed, { open: (tab) => go({ tab }), ask: questions, charts });

/** @type {import("./detail.js").Detail | null} */ let detail = null;
/** @type {{paint: () => void, close: () => void} | null} */ let page = null;
/** @type {any} */ let alerts = null;
/** @type {import("./search.js").Search | null} */ let search = null;
/** While details are open they follow the row that is chosen, not faster than a publisher wants to be asked. */
const followChosen = atMostOnce(() => {
  if (place.symbol && place.symbol !== grid.chosen) go({ symbol: grid.chosen }, true);
}, (call) => setTimeout(call, FOLLOW_EVERY_MS));
let shownPage = "";
let shownColumns = "";
let shownSymbol = "";

/** What a row reads beside its prices. @param {string} symbol */
function beside(symbol) {
  return prices.foreign(symbol) ?? ribbon.futures.rows.get(symbol);
}

// ── Where we are

/** @param {Partial<import("./address.js").Place>} patch @param {boolean} [isSmall] of no interest to the back button */
function go(patch, isSmall = false) {
  const next = { ...place, ...patch };
  if (next.tab !== place.tab) {
    if (!("sort" in patch)) Object.assign(next, { sort: HOME.sort, down: HOME.down });
    if (!("symbol" in patch)) next.symbol = "";
    if (!("keys" in patch)) next.keys = [...(lists[listOfTab(next.tab)] ?? [])];
    byId("grid").scrollTop = 0;
  }
  place = next;
  const address = location.pathname + queryOf(place);
  if (isSmall) history.replaceState(null, "", address);
  else if (address !== location.pathname + location.search) history.pushState(null, "", address);
  render();
}

/** @param {string} symbol */
function open(symbol) {
  go({ symbol: symbol === place.symbol && !byId("detail").hidden ? "" : symbol });
}

/** @param {string} field */
function sort(field) {
  const first = field !== "symbol"; // the largest first, but letters from A
  const isSame = place.sort === field;
  if (isSame && place.down !== first) go({ sort: "", down: false }, true);
  else go({ sort: field, down: isSame ? !first : first }, true);
}

// ── Watch lists

function currentList() {
  return listOfTab(place.tab) || Object.keys(lists)[0] || words("list.first");
}

function currentSymbols() {
  return listOfTab(place.tab) && place.keys.length ? place.keys : (lists[currentList()] ?? []);
}

/** @param {string} symbol */
function star(symbol) {
  const list = currentList();
  setLists(toggled(listOfTab(place.tab) && place.keys.length ? { ...lists, [list]: place.keys } : lists, list, symbol));
}

/** @param {import("./watchlists.js").Lists} next */
function setLists(next) {
  lists = next;
  saveLists(/** @type {Storage} */ (localStorageOrNone()), lists);
  const list = listOfTab(place.tab);
  if (list) go({ keys: [...(lists[list] ?? [])] }, true);
  else render();
}

// ── Pictures

/** @param {Partial<import("./settings.js").Settings>} patch */
async function setSettings(patch) {
  settings = { ...settings, ...patch };
  saveSettings(/** @type {Storage} */ (localStorageOrNone()), settings);
  grid.settings = settings;
  const next = languageOf(settings.language);
  if (next !== language) {
    language = next;
    words = await loadWords(language);
    search?.forget();
  }
  dress();
  shownColumns = shownPage = shownSymbol = "";
  render();
}

/** What CSS has to know. */
function dress() {
  root.lang = language;
  root.dataset.theme = settings.theme === "auto" ? (lightSystem.matches ? "light" : "dark") : settings.theme;
  root.dataset.marks = String(settings.marks);
  root.dataset.density = settings.density;
}

function render() {
  const tab = tabOf(place);
  const isGrid = tab.kind === "grid";
  showListTools(); // what they leave of the line is the tabs'
  showTabs(byId("tabs"), place, Object.keys(lists), words, addressOfTab);
  showUnread();
  say();
  const columns = columnsFor(tab.columns ?? "board", gridWidth(), settings);
  const list = listOfTab(place.tab);
  prices.select({
    channel: isGrid ? (tab.channel ?? "market") : null,
    group: tab.group ?? "",
    without: tab.without ?? [],
    symbols: list ? symbolsOf(currentSymbols()) : null,
    symbol: place.symbol,
    foreigners: isGrid && columns.some(({ field }) => field.startsWith("foreign_")),
    interval: settings.interval,
  });
  byId("grid").hidden = !isGrid;
  byId("page").hidden = isGrid;
  if (isGrid) {
    const wanted = JSON.stringify([columns.map(({ field }) => field), language, place.sort, place.down, letterSize(), settings]);
    if (wanted !== shownColumns) grid.setColumns(columns, words, place, letterSize());
    shownColumns = wanted;
    grid.element.setAttribute("aria-label", words("grid.label", { tab: byId("tabs").querySelector("[aria-current]")?.textContent ?? "" }));
  }
  grid.flashes = settings.flashes && !calmSystem.matches;
  grid.markAll();
  if (place.symbol) grid.choose(place.symbol);
  showBefore();
  void showPage(tab.kind === "page" ? tab.name : "");
  void showDetail();
  orderNow();
  ribbon.words = words;
  ribbon.paintSoon();
  tick();
}

/** Of the grid's letters, as the style sheet has it; columns of phones are made for large ones. */
function letterSize() {
  if (innerWidth < 640) return 1;
  return wall.isOn ? 1.5 : settings.density === "roomy" ? 1.17 : 1;
}

/** What the details leave of the window, without the scroll bar, in px of letters of the usual size. */
function gridWidth() {
  const free = innerWidth > 900 && place.symbol ? innerWidth - 392 : innerWidth;
  return (innerWidth < 640 ? free : free - 10) / letterSize();
}

/** The words of what stands still. */
function say() {
  document.title = `${byId("tabs").querySelector("[aria-current]")?.textContent ?? place.tab} · banggia · ${words("page.title")}`;
  const tools = { language: words("tool.language.text"), theme: "◐", options: "⚙", help: "?", wall: wall.isOn ? "×" : "⤢" };
  for (const [name, text] of Object.entries(tools)) {
    const title = words(name === "wall" && wall.isOn ? "wall.leave" : `tool.${name}`);
    byId(name).textContent = text;
    byId(name).title = title;
    // Who says "VI" to the machine means this one: a word that is seen is part of the name.
    byId(name).setAttribute("aria-label", /\p{L}/u.test(text) ? `${text} · ${title}` : title);
  }
  const input = /** @type {HTMLInputElement} */ (byId("search"));
  input.placeholder = innerWidth < 640 ? words("search.label") : `${words("search.label")}  ( / )`;
  input.setAttribute("aria-label", words("search.label"));
  byId("found").setAttribute("aria-label", words("search.found"));
  byId("tabs").setAttribute("aria-label", words("tabs.label"));
  byId("ribbon").setAttribute("aria-label", words("ribbon.label"));
  byId("units").textContent = words("foot.units", { volumes: words(`settings.volumes.${settings.volumes}`) });
  byId("interval").replaceChildren(intervalChoice());
  byId("legend").replaceChildren(...["ceiling", "up", "reference", "down", "floor"].map((shade) => Object.assign(document.createElement("span"), { className: shade, textContent: words(`legend.${shade}`) })));
}

function showOptions() {
  showSettings(words, settings, /** @type {any} */ (feed.status)?.intervals ?? INTERVALS_MS, async (patch) => {
    await setSettings(patch);
    if ("language" in patch) showOptions(); // in that language
  });
}

function intervalChoice() {
  const label = document.createElement("label");
  const offered = /** @type {any} */ (feed.status)?.intervals ?? INTERVALS_MS;
  label.append(`${words("foot.interval")} `, choice(offered.map((/** @type {number} */ ms) => [ms, `${ms / 1000} s`]), settings.interval, (value) => setSettings({ interval: Number(value) })));
  return label;
}

/** @param {string} tab */
function addressOfTab(tab) {
  return location.pathname + queryOf({ ...HOME, tab, market: place.market, keys: [...(lists[listOfTab(tab)] ?? [])] });
}

function showListTools() {
  const list = listOfTab(place.tab);
  const made = (/** @type {string} */ text, /** @type {() => void} */ act, short = text) => {
    const button = document.createElement("button");
    button.type = "button";
    button.textContent = short;
    button.title = text;
    button.setAttribute("aria-label", text);
    button.addEventListener("click", act);
    return button;
  };
  const add = () => askFor(words, words("list.add"), words("list.name"), "text", (name) => {
    if (!mayBeCalled(name) || name in lists) return false;
    lists = { ...lists, [name]: [] };
    saveLists(/** @type {Storage} */ (localStorageOrNone()), lists);
    go({ tab: tabOfList(name), keys: [] });
    return true;
  });
  const isKept = list in lists && lists[list].join() === place.keys.join();
  const keep = () => setLists({ ...lists, [list]: place.keys });
  const remove = () => {
    if (!confirm(words("list.remove.sure", { list }))) return;
    setLists(without(lists, list));
    go({ tab: HOME.tab });
  };
  byId("lists").replaceChildren(
    ...(list && !isKept && place.keys.length ? [made(words("list.keep"), keep)] : []),
    ...(list && isKept ? [made(words("list.remove"), remove)] : []),
    made(words("list.add"), add, "+ ★"),
  );
}

function showUnread() {
  const link = byId("tabs").querySelector('[data-tab="alerts"]');
  const unread = alerts?.unread ?? 0;
  if (!link) return;
  link.querySelector(".unread")?.remove();
  if (unread) link.append(Object.assign(document.createElement("span"), { className: "unread", textContent: String(unread) }));
}

function showBefore() {
  const element = byId("before");
  const isForeign = tabOf(place).name === "foreign";
  element.hidden = !isForeign;
  if (isForeign) void import("./views/foreign.js").then(({ showForeign }) => showForeign(element, prices.foreign("_total"), place.market, words, (market) => go({ market })));
}

const PAGES = {
  movers: () => import("./views/movers.js").then(({ MoversPage }) => MoversPage),
  basis: () => import("./views/basis.js").then(({ BasisPage }) => BasisPage),
  alerts: () => import("./views/alerts.js").then(({ AlertsPage }) => AlertsPage),
};

/** @param {string} name empty: none */
async function showPage(name) {
  const wanted = name && JSON.stringify([name, place.market, place.contract, language, settings]);
  if (wanted === shownPage) return;
  shownPage = wanted;
  const isFocused = byId("page").contains(document.activeElement);
  page?.close();
  page = null;
  byId("page").replaceChildren();
  if (!name) return;
  if (name === "alerts") await followAlerts();
  const Class = await PAGES[/** @type {keyof typeof PAGES} */ (name)]();
  if (shownPage !== wanted) return; // another was chosen meanwhile
  if (name === "alerts") alerts.unread = 0;
  page = new Class(byId("page"), { feed, words, place, settings, open, go, prices, futures: ribbon.futures, alerts, ask: questions, charts });
  if (isFocused) /** @type {HTMLElement | null} */ (byId("page").querySelector('[aria-pressed="true"]'))?.focus();
  showUnread();
}

async function showDetail() {
  const wanted = place.symbol && JSON.stringify([place.symbol, language, settings]);
  if (wanted === shownSymbol) return;
  shownSymbol = wanted;
  if (!detail) {
    if (!place.symbol) return;
    const { Detail } = await import("./detail.js");
    detail ??= new Detail(byId("detail"), {
      feed, prices, ask: questions, charts, future: (code) => ribbon.futures.rows.get(code),
      starred: (symbol) => currentSymbols().includes(symbol),
    }, { close: () => go({ symbol: "" }), star });
  }
  if (shownSymbol !== wanted) return;
  detail.open(place.symbol, words, language, settings);
}

const followAlerts = once(async () => {
  const { Alerts } = await import("./views/alerts.js");
  alerts = new Alerts(byId("arrivals"), feed, {
    open, nameOf: (symbol) => /** @type {any} */ (ribbon.futures.rows.get(symbol))?.name ?? symbol, words: () => words, mayShow: () => settings.arrivals && tabOf(place).name !== "alerts", isOpen: () => tabOf(place).name === "alerts",
    changed() {
      showUnread();
      if (tabOf(place).name === "alerts") page?.paint();
    },
  });
});

// ── The order of rows

const listSoon = atMostOnce(orderNow);
const sortSoon = atMostOnce(orderNow, (call) => setTimeout(call, SORT_EVERY_MS));

function orderNow() {
  const tab = tabOf(place);
  if (tab.kind !== "grid") return showEmpty("");
  const column = place.sort ? columnsFor(tab.columns ?? "board", gridWidth(), settings).find(({ field }) => field === place.sort) : undefined;
  const none = Object.freeze({});
  const symbols = prices.symbols;
  const value = (/** @type {string} */ symbol) => {
    const read = column?.read(symbol, prices.row(symbol) ?? none, beside(symbol) ?? none);
    return typeof read === "string" && column?.field !== "symbol" ? null : read;
  };
  const order = ordered(symbols, column ? value : null, place.down);
  if (!sameOrder(order, grid.order)) grid.setOrder(order);
  byId("count").textContent = words("foot.count", { count: grouped(order.length) });
  const table = prices.table;
  if (order.length) showEmpty("");
  else if (listOfTab(place.tab)) showEmpty(words("empty.watch"));
  else if (wantsToken(feed.error)) showEmpty(""); // the line above says it
  else if (table?.error?.code === "forbidden") showEmpty(words("empty.forbidden"));
  else if (table?.error) showEmpty(words("empty.failed", { reason: table.error.message }));
  else if (!table || table.state === "loading") showEmpty(words("empty.loading"));
  else showEmpty(words(tab.name === "oddlot" ? "empty.oddlot" : "empty.nothing"));
}

/** @param {string} text */
function showEmpty(text) {
  byId("empty").hidden = !text;
  byId("empty").textContent = text;
}

// ── Time

let isAskedForToken = false;

/** What is shown that moves with the clock. */
function tick() {
  status.show(words, ribbon.heard, Date.now());
  const { trades, rows, merged } = tally.lastMinute(performance.now());
  const text = trades ? words("foot.merged", { trades: grouped(trades), rows: grouped(rows), merged: grouped(merged) }) : "";
  if (byId("merged").textContent !== text) byId("merged").textContent = text;
  if (!isAskedForToken && wantsToken(feed.error)) {
    isAskedForToken = true;
    askForToken();
  }
}

/** Once by itself, then whenever one wants to give it. */
function askForToken() {
  const reason = feed.error?.message ?? "";
  const why = token === undefined ? words("token.none") : reason.includes("expired") ? words("token.expired") : words("token.refused", { reason });
  askFor(words, words("token.title"), words("token.label"), "password", (said) => {
    keepToken(said);
    location.reload();
    return true;
  }, why);
}

// ── Hands

byId("tabs").addEventListener("click", (event) => {
  const link = /** @type {HTMLElement} */ (event.target).closest("a");
  if (!link || event.ctrlKey || event.metaKey || event.shiftKey) return;
  event.preventDefault();
  go({ tab: link.dataset.tab });
});
byId("language").addEventListener("click", () => setSettings({ language: language === "vi" ? "en" : "vi" }));
byId("theme").addEventListener("click", () => setSettings({ theme: root.dataset.theme === "dark" ? "light" : "dark" }));
byId("options").addEventListener("click", showOptions);
byId("help").addEventListener("click", () => showHelp(words));
/** @type {any} */ (ribbon.futures).onChange((/** @type {{rows: Map<string, unknown>}} */ { rows }) => {
  for (const symbol of rows.keys()) grid.mark(symbol);
});
byId("wall").addEventListener("click", () => wall.toggle());
void import("./search.js").then(({ Search, entriesOf }) => {
  search = new Search(/** @type {HTMLInputElement} */ (byId("search")), byId("found"), {
    entries: async () => entriesOf((await questions("channels/symbols"))?.data ?? {}, language), add: star,
    nothing: () => words("search.none"),
    open(symbol) {
      open(symbol);
      grid.element.focus(); // the arrow keys go on from there
    },
  });
});

addEventListener("keydown", (event) => {
  const target = /** @type {HTMLElement} */ (event.target);
  if (event.ctrlKey || event.metaKey || event.altKey || target.closest("input, select, dialog")) return;
  const names = TABS.flatMap((tab) => tab?.name ?? []);
  const isWide = grid.element.scrollWidth > grid.element.clientWidth;
  if (event.key === "/") byId("search").focus();
  else if (event.key === "?") showHelp(words);
  else if (event.key === "f") wall.toggle();
  else if (event.key === "Escape" && wall.isOn) wall.toggle();
  else if (event.key === "Escape" && place.symbol) {
    go({ symbol: "" });
    grid.element.focus();
  } else if (/^[1-9]$/.test(event.key)) go({ tab: names[Number(event.key) - 1] });
  else if ((event.key === "ArrowLeft" || event.key === "ArrowRight") && !isWide && !event.repeat) {
    const at = names.indexOf(tabOf(place).name) + (event.key === "ArrowLeft" ? -1 : 1);
    go({ tab: names[(at + names.length) % names.length] });
  } else if (target === document.body && !grid.element.hidden) return grid.press(event);
  else return;
  event.preventDefault();
});
addEventListener("popstate", () => {
  place = placeOf(location.search);
  render();
});
addEventListener("resize", atMostOnce(render, (call) => setTimeout(call, 150)));
lightSystem.addEventListener("change", () => setSettings({}));
feed.onStatus(() => tick());
setInterval(tick, TICK_MS);
setTimeout(followAlerts, LATER_MS);
render();

/** @template T @param {() => T} make @returns {() => T} */
function once(make) {
  /** @type {{made: T} | null} */ let held = null;
  return () => (held ??= { made: make() }).made;
}

/** Even to name it may be forbidden. @returns {Pick<Storage, "getItem" | "setItem">} */
function localStorageOrNone() {
  try {
    return localStorage;
  } catch {
    return { getItem: () => null, setItem: () => {} };
  }
}
