// Futures beside their index: the basis now, and through the day.
import { shadeOf, shadeOfChange } from "../colours.js";
import { grouped, percent, points, signed, volume } from "../formats.js";
import { List } from "../list.js";

/** @typedef {Record<string, any>} Row */

export class BasisPage {
  /** @type {any} */ #chart = null;
  /** @type {any} */ #live = null;
  /** @type {Map<number, Row>} */ #minutes = new Map();
  #contract = "";

  /** @param {HTMLElement} element @param {import("../main.js").Page} page */
  constructor(element, page) {
    this.page = page;
    const { words, open, go } = page;
    this.futures = /** @type {any} */ (page.futures);
    const one = (/** @type {number | null} */ value) => (value == null ? "" : grouped(value, 1));
    this.list = new List(/** @type {import("../list.js").Part<Row>[]} */ ([
      { field: "symbol", title: words("basis.contract"), left: true, write: (row) => `${row.name}`, look: (row) => shadeOf(row, row.last) },
      { field: "code", title: words("column.symbol"), left: true, write: (row) => row.key },
      { field: "last", title: words("column.price"), write: (row) => one(row.last), look: (row) => shadeOf(row, row.last) },
      { field: "change", title: words("column.change"), write: (row) => signed(one(row.change), row.change), look: (row) => shadeOf(row, row.last) },
      { field: "change_pct", title: words("column.change_pct"), write: (row) => percent(row.change_pct), look: (row) => shadeOf(row, row.last) },
      { field: "underlying", title: words("basis.underlying"), write: (row) => `${row.underlying} ${points(row.underlying_value)}` },
      { field: "basis", title: words("basis.basis"), write: (row) => signed(points(row.basis), row.basis), look: (row) => shadeOfChange(row.basis) },
      { field: "basis_pct", title: words("basis.basis_pct"), write: (row) => percent(row.basis_pct), look: (row) => shadeOfChange(row.basis) },
      { field: "premium", title: words("basis.state"), write: (row) => (row.premium == null ? "" : words(row.premium ? "basis.premium" : "basis.discount")) },
      { field: "total_volume", title: words("column.total_volume"), write: (row) => volume(row.total_volume) },
      { field: "expiry", title: words("basis.expiry"), write: (row) => row.expiry ?? "" },
    ]), { label: words("tab.basis"), symbol: (row) => row.key, open: (contract) => (contract === this.#contract ? open(contract) : go({ contract })) });
    const panels = document.createElement("div");
    panels.className = "panels";
    const panel = (/** @type {string} */ title) => {
      const made = panels.appendChild(document.createElement("section"));
      made.className = "panel wide";
      made.appendChild(document.createElement("h2")).textContent = title;
      return made;
    };
    const contracts = panel(words("basis.contracts"));
    contracts.classList.add("contracts");
    contracts.tabIndex = 0; // on a phone it scrolls
    contracts.append(this.list.element);
    const chart = panel("");
    this.title = /** @type {HTMLElement} */ (chart.firstElementChild);
    this.chart = chart.appendChild(document.createElement("div"));
    this.chart.className = "chart tall";
    this.note = chart.appendChild(document.createElement("p"));
    this.note.className = "note";
    element.replaceChildren(panels);
    this.stop = this.futures.onChange(() => this.paint());
    this.paint();
  }

  paint() {
    const { words, place, feed } = this.page;
    const rows = [...this.futures.rows].map(([key, row]) => ({ key, ...row })).sort((one, other) => ((one.expiry ?? "") < (other.expiry ?? "") ? -1 : 1));
    this.list.show(rows);
    const wanted = rows.find((row) => row.key === place.contract) ?? rows.find((row) => row.active) ?? rows[0];
    if (wanted && wanted.key !== this.#contract) {
      this.#contract = wanted.key;
      this.#minutes.clear();
      this.title.textContent = `${words("basis.basis")} ${wanted.name} − ${wanted.underlying}`;
      this.#live?.close();
      this.#live = feed.table(/** @type {any} */ ("basis"), { keys: [wanted.key], interval: 1000 });
      let epoch = "";
      this.#live.onChange(() => {
        if (epoch && this.#live.epoch !== epoch) this.#minutes.clear(); // another day
        epoch = this.#live.epoch;
        this.#take([...this.#live.rows.values()]);
      });
      void this.page.ask(`basis/${encodeURIComponent(wanted.key)}`).then((answer) => {
        if (answer?.symbol === this.#contract) this.#take([...answer.points, ...this.#live.rows.values()]);
      });
    }
  }

  /** @param {Row[]} minutes */
  #take(minutes) {
    for (const minute of minutes) this.#minutes.set(minute.start, minute);
    const shown = [...this.#minutes.values()].sort((one, other) => one.start - other.start);
    const all = shown.map(({ basis }) => basis);
    if (all.length) {
      const mean = all.reduce((sum, value) => sum + value, 0) / all.length;
      this.note.textContent = this.page.words("basis.note", {
        low: points(Math.min(...shown.map(({ low }) => low))), high: points(Math.max(...shown.map(({ high }) => high))), mean: points(mean), minutes: shown.length,
      });
    }
    const isShort = shown.length < 2; // one minute is no line yet
    if (!this.#chart) this.chart.textContent = isShort && all.length ? this.page.words("basis.short") : "";
    void this.page.charts().then((charts) => {
      if (!charts || isShort) return;
      if (this.#chart?.update) this.#chart.update({ points: shown });
      else this.#chart = charts.basisChart(this.chart, { points: shown });
    });
  }

  close() {
    this.stop();
    this.#live?.close();
  }
}
