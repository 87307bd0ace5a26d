// Who moved most, how many went which way, and the sectors.
import { shadeOf, shadeOfChange } from "../colours.js";
import { billions, percent, price, signed, volume } from "../formats.js";
import { List } from "../list.js";

const MARKETS = ["HOSE", "HNX", "UPCOM", "VN30"];
const PRICES = ["gainers", "losers", "by_value", "by_volume"];
const FLOWS = ["foreign_bought", "foreign_sold"];

/** @typedef {Record<string, any>} Row */

export class MoversPage {
  /** @type {any[]} */ #tables;
  /** @type {Map<string, List<Row>>} */ #lists = new Map();
  /** Whose limits of the day are known, or asked for. @type {Set<string>} */ #limited = new Set();

  /** @param {HTMLElement} element @param {import("../main.js").Page} page */
  constructor(element, page) {
    this.page = page;
    const { feed, words, place, settings, open, go } = page;
    this.market = MARKETS.includes(place.market) ? place.market : "HOSE";
    this.movers = /** @type {any} */ (feed.table(/** @type {any} */ ("movers"), { keys: [this.market], interval: 1000 }));
    this.breadth = /** @type {any} */ (feed.table(/** @type {any} */ ("breadth"), { interval: 1000 }));
    this.sectors = /** @type {any} */ (feed.table(/** @type {any} */ ("sectors"), { interval: 1000 }));
    this.#tables = [this.movers, this.breadth, this.sectors];
    const choices = document.createElement("div");
    choices.className = "choices";
    for (const market of MARKETS) {
      const button = choices.appendChild(document.createElement("button"));
      button.textContent = words(`tab.${market}`);
      button.setAttribute("aria-pressed", String(market === this.market));
      button.addEventListener("click", () => go({ market }));
    }
    const panels = document.createElement("div");
    panels.className = "panels";
    const panel = (/** @type {string} */ title, /** @type {string} */ className = "") => {
      const made = panels.appendChild(document.createElement("section"));
      made.className = `panel ${className}`;
      made.appendChild(document.createElement("h2")).textContent = title;
      return made;
    };
    this.stripes = panel(words("movers.breadth"), "wide").appendChild(document.createElement("div"));
    this.stripes.className = "breadth";
    const symbol = (/** @type {Row} */ row) => row.symbol;
    const look = (/** @type {Row} */ row) => row.shade;
    for (const name of PRICES) {
      const list = new List(/** @type {import("../list.js").Part<Row>[]} */ ([
        { field: "symbol", title: words("column.symbol"), left: true, write: symbol, look },
        { field: "last", title: words("column.price"), write: (row) => price(row.last), look },
        { field: "change", title: words("column.change"), write: (row) => signed(price(row.change), row.change), look },
        { field: "change_pct", title: words("column.change_pct"), write: (row) => percent(row.change_pct), look },
        name === "by_volume"
          ? { field: "total_volume", title: words("column.total_volume"), write: (row) => volume(row.total_volume, settings.volumes) }
          : { field: "total_value", title: words("column.value"), write: (row) => billions(row.total_value) },
      ]), { label: words(`movers.${name}`), symbol, open });
      panel(words(`movers.${name}`)).append(list.element);
      this.#lists.set(name, list);
    }
    for (const name of FLOWS) {
      const list = new List(/** @type {import("../list.js").Part<Row>[]} */ ([
        { field: "symbol", title: words("column.symbol"), left: true, write: symbol },
        { field: "net_volume", title: words("column.net_volume"), write: (row) => signed(volume(row.net_volume, settings.volumes), row.net_volume), look: (row) => shadeOfChange(row.net_value) },
        { field: "net_value", title: words("column.net_value"), write: (row) => signed(billions(row.net_value), row.net_value), look: (row) => shadeOfChange(row.net_value), bar: (row) => row.part },
      ]), { label: words(`movers.${name}`), symbol, open });
      list.element.style.setProperty("--bar-colour", name === "foreign_bought" ? "var(--bid)" : "var(--ask)");
      panel(words(`movers.${name}`)).append(list.element);
      this.#lists.set(name, list);
    }
    this.sectorList = new List(/** @type {import("../list.js").Part<Row>[]} */ ([
      { field: "sector", title: words("movers.sector"), left: true, write: (row) => words(`sector.${row.key}`) },
      { field: "change_pct", title: words("column.change_pct"), write: (row) => percent(row.change_pct), look: (row) => shadeOfChange(row.change_pct) },
      { field: "advances", title: "▲", write: (row) => `${row.advances}`, look: () => "up" },
      { field: "unchanged", title: "■", write: (row) => `${row.unchanged}`, look: () => "reference" },
      { field: "declines", title: "▼", write: (row) => `${row.declines}`, look: () => "down" },
      { field: "total_value", title: words("column.value"), write: (row) => billions(row.total_value) },
      { field: "foreign_net_value", title: words("movers.foreign_net"), write: (row) => signed(billions(row.foreign_net_value), row.foreign_net_value), look: (row) => shadeOfChange(row.foreign_net_value) },
    ]), { label: words("movers.sectors"), symbol: (row) => row.key, open: (key) => go({ tab: key, sort: "", symbol: "" }) });
    panel(words("movers.sectors"), "half").append(this.sectorList.element);
    element.replaceChildren(choices, panels);
    this.words = words;
    for (const table of this.#tables) table.onChange(() => this.paint());
  }

  paint() {
    const row = this.movers.rows.get(this.market);
    this.#askForLimits(PRICES.flatMap((name) => row?.[name] ?? []).map(({ symbol }) => symbol));
    for (const [name, list] of this.#lists) {
      const items = /** @type {Row[]} */ (row?.[name] ?? []);
      const most = Math.max(1, ...items.map((item) => Math.abs(item.net_value ?? 0)));
      list.show(items.map((item) => ({ ...item, part: Math.abs(item.net_value ?? 0) / most, shade: this.#shade(item) })));
    }
    const sectors = [...this.sectors.rows].map(([key, of]) => ({ key, ...of }));
    this.sectorList.show(sectors.sort((one, other) => (other.change_pct ?? -99) - (one.change_pct ?? -99)));
    const markets = MARKETS.filter((market) => this.breadth.rows.has(market));
    if (this.stripes.childElementCount !== 3 * markets.length) {
      this.stripes.replaceChildren(...markets.flatMap((market) => {
        const name = document.createElement("b");
        name.textContent = this.words(`tab.${market}`);
        const stripe = document.createElement("span");
        stripe.className = "stripe";
        stripe.setAttribute("aria-hidden", "true");
        for (const shade of ["ceiling", "up", "reference", "down", "floor"]) stripe.appendChild(document.createElement("i")).className = shade;
        const text = document.createElement("span");
        text.className = "counts";
        for (const shade of ["up", "ceiling", "reference", "down", "floor", "none"]) text.appendChild(document.createElement("span")).className = shade;
        return [name, stripe, text];
      }));
    }
    markets.forEach((market, place) => {
      const counts = this.breadth.rows.get(market);
      const [, stripe, text] = [...this.stripes.children].slice(3 * place);
      const parts = [counts.ceilings, counts.advances - counts.ceilings, counts.unchanged, counts.declines - counts.floors, counts.floors];
      parts.forEach((part, at) => { /** @type {HTMLElement} */ (stripe.children[at]).style.flex = `${part} 0 0`; });
      const told = [
        `▲${counts.advances}`, counts.ceilings ? ` (CE ${counts.ceilings})` : "", `  ■${counts.unchanged}`, `  ▼${counts.declines}`,
        counts.floors ? ` (FL ${counts.floors})` : "", `  · ${this.words("movers.untraded", { count: counts.untraded })}`,
      ];
      told.forEach((part, at) => {
        if (text.children[at].textContent !== part) text.children[at].textContent = part;
      });
    });
  }

  /** By the limits of the day; by the sign of the change as long as they are not known. @param {Row} item */
  #shade(item) {
    const limits = this.page.prices.roundLots(item.symbol);
    return limits ? shadeOf(limits, item.last) : shadeOfChange(item.change);
  }

  /** Who left a list may come back: it is not asked for again and again. @param {string[]} symbols */
  #askForLimits(symbols) {
    const before = this.#limited.size;
    for (const symbol of symbols) this.#limited.add(symbol);
    if (this.#limited.size > before) this.page.prices.also([...this.#limited]);
  }

  close() {
    this.page.prices.also([]);
    for (const table of this.#tables) table.close();
  }
}
