// The indices on top, and the nearest future with its basis: a card each.
import { atMostOnce } from "./at-most-once.js";
import { shadeOfChange } from "./colours.js";
import { grouped, percent, points, signed, volume } from "./formats.js";

const INDICES = ["VNINDEX", "VN30", "HNXIndex", "HNX30", "HNXUpcomIndex"];
/** The tab that a card opens. @type {Record<string, string>} */
const TAB_OF = { VNINDEX: "HOSE", VN30: "VN30", HNXIndex: "HNX", HNX30: "HNX30", HNXUpcomIndex: "UPCOM" };
/** The series of a chart is asked for anew so often; between, the newest value moves its end. */
const SERIES_EVERY_MS = 60_000;

/** @typedef {Record<string, any>} Row */

class Card {
  #drawn = "";

  /** @param {string} key @param {(tab: string) => void} open */
  constructor(key, open) {
    this.element = document.createElement("article");
    this.element.className = "card";
    this.element.dataset.index = key;
    /** @param {HTMLElement} parent @param {string} tag @param {string} field */
    const add = (parent, tag, field) => {
      const made = parent.appendChild(document.createElement(tag));
      made.dataset.field = field;
      return made.appendChild(new Text(""));
    };
    const title = this.element.appendChild(document.createElement("h2"));
    this.title = title.appendChild(new Text(""));
    const phase = title.appendChild(document.createElement("span"));
    phase.className = "phase";
    this.phase = phase.appendChild(new Text(""));
    this.chart = document.createElement("div");
    this.chart.className = "chart";
    this.chart.setAttribute("aria-hidden", "true");
    this.figures = document.createElement("div");
    this.value = add(this.figures, "b", "value");
    this.change = add(this.figures, "span", "change");
    this.first = document.createElement("small");
    this.second = document.createElement("small");
    this.element.append(this.figures, this.chart, this.first, this.second);
    this.element.addEventListener("click", () => open(key));
    this.series = /** @type {{time: number, value: number}[]} */ ([]);
    this.handle = /** @type {any} */ (null);
  }

  /** @param {string} title @param {string} phase @param {number | null} value @param {string} text @param {string} change @param {number | null} sign */
  show(title, phase, value, text, change, sign) {
    set(this.title, title);
    set(this.phase, phase);
    set(this.value, text);
    set(this.change, change);
    const look = `figures figure ${shadeOfChange(value == null ? null : sign)}`;
    if (this.figures.className !== look) this.figures.className = look;
  }

  /** @param {any} charts @param {number | null} reference @param {{time: number, value: number} | null} newest */
  draw(charts, reference, newest) {
    if (!charts || (!this.series.length && !this.handle)) return;
    const isNewer = newest && this.series.length > 0 && newest.time > this.series[this.series.length - 1].time;
    const points = isNewer ? [...this.series, newest] : this.series;
    const drawn = JSON.stringify([reference, points.length, points.at(-1)]);
    if (drawn === this.#drawn) return;
    this.#drawn = drawn;
    if (this.handle?.update) this.handle.update({ reference, points });
    else this.handle = charts.miniChart(this.chart, { reference, points });
  }
}

/** @param {Text} node @param {string} text */
function set(node, text) {
  if (node.data !== text) node.data = text;
}

export class Ribbon {
  /** @type {Map<string, Card>} */ #cards = new Map();
  /** @type {any} */ #charts = null;
  #epoch = "";
  paintSoon = atMostOnce(() => this.#paint());

  /**
   * @param {HTMLElement} element
   * @param {import("./banggia.js").Banggia} feed
   * @param {{open: (tab: string) => void, ask: (path: string) => Promise<any>, charts: () => Promise<any>}} wishes
   */
  constructor(element, feed, wishes) {
    this.element = element;
    this.wishes = wishes;
    this.words = /** @type {import("./words.js").Words} */ ((name) => name);
    this.index = feed.table("index", { interval: 500, mode: "fields" });
    this.futures = feed.table("derivatives", { interval: 500, mode: "fields" });
    for (const table of [this.index, this.futures]) /** @type {any} */ (table).onChange(() => this.paintSoon());
    setTimeout(() => this.#readSeries(), 800);
    setInterval(() => this.#readSeries(), SERIES_EVERY_MS);
  }

  /** The exchange's time of the newest row, Unix ms. */
  get heard() {
    let newest = 0;
    for (const row of this.index.rows.values()) if (row.time > newest) newest = row.time;
    return newest;
  }

  #paint() {
    const epoch = this.index.epoch ?? "";
    if (this.#epoch && epoch !== this.#epoch) {
      for (const card of this.#cards.values()) card.series = []; // another day
      void this.#readSeries();
    }
    this.#epoch = epoch;
    for (const key of INDICES) {
      const row = /** @type {any} */ (this.index.rows.get(key));
      if (row) this.#index(key, row);
    }
    const front = [...this.futures.rows].find(([, row]) => row.active && row.underlying === "VN30");
    if (front) this.#future(front[0], front[1]);
  }

  /** @param {string} key @param {Row} row */
  #index(key, row) {
    const words = this.words;
    const card = this.#card(key, key);
    const isExpected = row.expected_value != null && (row.session === "ATO" || row.session === "ATC");
    const phase = words(`session.${row.session ?? "C"}`);
    card.show(
      words(`index.${key}`), isExpected ? `${phase} ≈${points(row.expected_value)}` : phase, row.value, points(row.value),
      `${signed(points(row.change), row.change)} (${percent(row.change_pct)}%)`, row.change,
    );
    const value = row.total_value == null ? "–" : grouped(row.total_value / 1e9);
    const put = grouped((row.put_through_value ?? 0) / 1e9);
    const through = row.put_through_value ? ` · ${words("ribbon.put_through")} ${put} ${words("unit.billion")}` : "";
    const tip = words("ribbon.tip", { index: words(`index.${key}`), value, through: put });
    if (card.element.title !== tip) card.element.title = tip;
    set(textOf(card.first), `${volume(row.total_volume) || "0"} ${words("ribbon.shares")} · ${value} ${words("unit.billion")}${through}`);
    counts(card.second, row);
    card.draw(this.#charts, row.reference, row.value == null ? null : { time: row.time, value: row.value });
  }

  /** @param {string} code @param {Row} row */
  #future(code, row) {
    const words = this.words;
    const card = this.#card("front", code);
    card.element.dataset.symbol = code;
    card.show(
      row.name, row.name === code ? "" : code, row.last, row.last == null ? "–" : grouped(row.last, 1),
      `${signed(row.change == null ? "" : grouped(row.change, 1), row.change)} (${percent(row.change_pct)}%)`, row.change,
    );
    set(textOf(card.first), `${volume(row.total_volume) || "0"} ${words("ribbon.contracts")}`);
    set(textOf(card.second), `${words("basis.basis")} ${signed(points(row.basis), row.basis)} (${percent(row.basis_pct)}%)`);
    card.draw(this.#charts, row.reference, row.last == null ? null : { time: row.time, value: row.last });
  }

  /** @param {string} name @param {string} key */
  #card(name, key) {
    let card = this.#cards.get(name);
    if (!card) {
      card = new Card(name, () => this.wishes.open(TAB_OF[name] ?? "basis"));
      this.#cards.set(name, card);
      const order = [...INDICES, "front"].filter((one) => this.#cards.has(one));
      this.element.replaceChildren(...order.map((one) => /** @type {Card} */ (this.#cards.get(one)).element));
    }
    card.element.dataset.key = key;
    return card;
  }

  async #readSeries() {
    if (document.hidden) return;
    this.#charts ??= await this.wishes.charts();
    if (!this.#charts) return;
    for (const card of this.#cards.values()) {
      const answer = await this.wishes.ask(`bars/${card.element.dataset.key}`);
      const bars = /** @type {{start: number, close: number}[]} */ (answer?.bars ?? []);
      if (bars.length) card.series = bars.map(({ start, close }) => ({ time: start, value: close }));
    }
    this.paintSoon();
  }
}

/** @param {HTMLElement} element @returns {Text} */
function textOf(element) {
  return /** @type {Text} */ (element.firstChild ?? element.appendChild(new Text("")));
}

/** How many went which way. @param {HTMLElement} element @param {Row} row */
function counts(element, row) {
  if (!element.firstChild) {
    for (const shade of ["up", "ceiling", "reference", "down", "floor"]) {
      const part = element.appendChild(document.createElement("span"));
      part.className = shade;
      part.append(new Text(""));
    }
  }
  const texts = [
    `▲${row.advances ?? "–"}`, row.ceilings ? ` (CE ${row.ceilings})` : "", `  ■${row.unchanged ?? "–"}`, `  ▼${row.declines ?? "–"}`,
    row.floors ? ` (FL ${row.floors})` : "",
  ];
  texts.forEach((text, place) => set(/** @type {Text} */ (element.children[place].firstChild), text));
}
