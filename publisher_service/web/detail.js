// One instrument: its book, tape, chart, foreign flow, and what the interval merged away.
import { atMostOnce } from "./at-most-once.js";
import { MARKS, shadeOf, shadeOfChange } from "./colours.js";
import { isExpected, matchPrice, share } from "./columns.js";
import { billions, clock, grouped, inPoints, percent, points, price, signed, volume } from "./formats.js";
import { List } from "./list.js";

/** @typedef {Record<string, any>} Row */

/** The chart is drawn anew so often, at most: a line of 300 points is not free. */
const CHART_EVERY_MS = 1000;

export class Detail {
  /** @type {any[]} */ #tables = [];
  /** @type {Map<number, Row>} minutes of the day, by their begin */ #bars = new Map();
  /** @type {any} */ #chart = null;
  #chartAt = -Infinity;
  #chartDue = false;
  #isDayRead = false; // before that the chart would show the last minutes only
  #isUnlisted = false;
  #paintOnce = atMostOnce(() => {
    if (this.symbol) this.#paint();
  });
  #merged = { trades: 0, rows: 0 };

  /**
   * @param {HTMLElement} element
   * @param {object} sources
   * @param {import("./banggia.js").Banggia} sources.feed
   * @param {import("./prices.js").Prices} sources.prices
   * @param {(code: string) => Row | undefined} sources.future
   * @param {(path: string) => Promise<any>} sources.ask
   * @param {() => Promise<any>} sources.charts
   * @param {(symbol: string) => boolean} sources.starred
   * @param {{close: () => void, star: (symbol: string) => void}} wishes
   */
  constructor(element, sources, wishes) {
    this.element = element;
    this.sources = sources;
    this.wishes = wishes;
    this.symbol = "";
  }

  /** @param {string} symbol empty: close @param {import("./words.js").Words} words @param {"vi" | "en"} language @param {import("./settings.js").Settings} settings */
  open(symbol, words, language, settings) {
    for (const table of this.#tables) table.close();
    this.#tables = [];
    this.#bars.clear();
    this.#isDayRead = this.#isUnlisted = false;
    this.#chart?.close();
    this.#chart = null;
    this.#chartAt = -Infinity;
    this.#merged = { trades: 0, rows: 0 };
    this.symbol = symbol;
    this.words = words;
    this.settings = settings;
    this.element.hidden = !symbol;
    if (!symbol) return this.element.replaceChildren();
    this.#build(words);
    const follow = (/** @type {string} */ channel, /** @type {(change: any) => void} */ take) => {
      const table = /** @type {any} */ (this.sources.feed.table(/** @type {any} */ (channel), { keys: [symbol], interval: settings.interval }));
      table.onChange(take);
      this.#tables.push(table);
      return table;
    };
    this.trades = follow("trades", () => this.paintSoon());
    this.flow = follow("flow", () => this.paintSoon());
    let epoch = "";
    this.live = follow("bars", () => {
      if (epoch && this.live.epoch !== epoch) this.#beginDay();
      epoch = this.live.epoch;
      this.#takeBars([...this.live.rows.values()]);
    });
    void this.#name(symbol, language);
    void this.#day(symbol);
    this.paintSoon();
  }

  /** Matches that one row told of. @param {string} symbol @param {number} trades */
  note(symbol, trades) {
    if (symbol !== this.symbol || !trades) return;
    this.#merged.trades += trades;
    this.#merged.rows += 1;
  }

  paintSoon() {
    if (this.symbol) this.#paintOnce();
  }

  /** @param {import("./words.js").Words} words */
  #build(words) {
    const make = (/** @type {string} */ tag, /** @type {string} */ className, /** @type {string} */ text = "") => {
      const made = document.createElement(tag);
      made.className = className;
      made.textContent = text;
      return made;
    };
    const head = make("header", "");
    const title = make("h2", "", this.symbol);
    this.star = make("button", "star");
    this.star.addEventListener("click", () => this.wishes.star(this.symbol));
    this.exchange = make("span", "note");
    const close = make("button", "close", "×");
    close.setAttribute("aria-label", words("detail.close"));
    close.addEventListener("click", () => this.wishes.close());
    this.name = make("p", "name");
    head.append(title, this.star, this.exchange, close, this.name);
    this.now = make("p", "now");
    this.nowPrice = this.now.appendChild(make("span", ""));
    this.nowChange = this.now.appendChild(make("small", ""));
    this.chart = make("div", "chart");
    this.facts = make("dl", "facts");
    const volumes = (/** @type {Row} */ level) => volume(level.volume, this.settings?.volumes);
    const side = (/** @type {boolean} */ isBid) => {
      const parts = [
        { field: "volume", title: words("column.volume"), write: volumes, bar: (/** @type {Row} */ level) => level.part },
        { field: "price", title: words("column.price"), write: (/** @type {Row} */ level) => level.text, look: (/** @type {Row} */ level) => level.shade },
      ];
      const list = new List(isBid ? parts : [{ ...parts[1], left: true }, parts[0]], { label: words(isBid ? "group.buy" : "group.sell") });
      list.element.classList.add(isBid ? "bids" : "asks");
      return list;
    };
    this.bids = side(true);
    this.asks = side(false);
    const book = make("div", "book");
    book.append(this.bids.element, this.asks.element);
    this.tape = new List([
      { field: "time", title: words("tape.time"), left: true, write: (/** @type {Row} */ trade) => clock(trade.time) },
      { field: "price", title: words("column.price"), write: (/** @type {Row} */ trade) => this.#price(trade.price), look: (/** @type {Row} */ trade) => trade.shade },
      { field: "volume", title: words("column.volume"), write: volumes },
      {
        field: "side", title: words("tape.side"), write: (/** @type {Row} */ trade) => words(`side.${trade.side}`),
        look: (/** @type {Row} */ trade) => ({ active_buy: "up", active_sell: "down" })[/** @type {string} */ (trade.side)] ?? "",
      },
    ], { label: words("detail.tape") });
    this.merged = make("p", "note");
    this.merged.dataset.field = "merged";
    this.foreign = make("dl", "facts");
    this.sides = make("dl", "facts");
    this.element.setAttribute("aria-label", words("detail.label", { symbol: this.symbol }));
    this.element.replaceChildren(
      head, this.now, this.chart, this.facts,
      make("h3", "", words("detail.book")), book,
      make("h3", "", words("detail.sides")), this.sides,
      make("h3", "", words("detail.foreign")), this.foreign,
      make("h3", "", words("detail.tape")), this.merged, this.tape.element,
    );
  }

  #paint() {
    const words = /** @type {import("./words.js").Words} */ (this.words);
    const row = this.sources.prices.roundLots(this.symbol) ?? {};
    const set = (/** @type {HTMLElement | undefined} */ element, /** @type {string} */ text, /** @type {string} */ look = "") => {
      if (!element) return;
      if (element.textContent !== text) element.textContent = text;
      if (look && element.className !== look) element.className = look;
    };
    const isOn = this.sources.starred(this.symbol);
    this.star?.setAttribute("aria-pressed", String(isOn));
    this.star?.setAttribute("aria-label", words("detail.star"));
    if (this.star) this.star.dataset.on = String(isOn);
    const match = matchPrice(row);
    const shade = shadeOf(row, match);
    const expected = isExpected(row);
    const change = expected && row.reference ? row.expected_price - row.reference : row.change;
    const rate = expected && row.reference ? ((row.expected_price - row.reference) / row.reference) * 100 : row.change_pct;
    set(this.exchange, [row.exchange, row.session && words(`session.${row.session}`), row.status && row.status !== "N" && words("detail.status", { status: row.status })].filter(Boolean).join(" · "));
    set(this.nowPrice, match == null ? "–" : (expected ? "≈" : "") + this.#price(match), `figure ${shade}`);
    set(this.nowChange, match == null ? "" : `${MARKS[shade]} ${signed(this.#price(change), change)}  ${percent(rate)}%`, shade);
    const future = this.sources.future(this.symbol);
    // Prices of what no list has are shown all the same, and so is the day of an index.
    if (this.#isUnlisted && this.#isDayRead) set(this.name, row.time || this.#bars.size ? "" : words("detail.unknown"));
    if (future) set(this.name, `${future.name} · ${words("basis.expiry")} ${future.expiry ?? ""}`);
    this.#tell(this.facts, [
      ["ceiling", this.#price(row.ceiling), "ceiling"], ["floor", this.#price(row.floor), "floor"], ["reference", this.#price(row.reference), "reference"],
      ["open", this.#price(row.open), shadeOf(row, row.open)], ["high", this.#price(row.high), shadeOf(row, row.high)], ["low", this.#price(row.low), shadeOf(row, row.low)],
      ["average", this.#price(row.average), shadeOf(row, row.average)], ["total_volume", volume(row.total_volume, this.settings?.volumes), ""], ["total_value", billions(row.total_value), ""],
      ...(future ? [["basis", `${signed(points(future.basis), future.basis)} (${percent(future.basis_pct)}%)`, shadeOfChange(future.basis)], ["underlying", `${future.underlying} ${points(future.underlying_value)}`, ""]] : []),
    ]);
    this.#book(row);
    const active = [row.active_buy_volume, row.active_sell_volume, row.neutral_volume, row.unseen_volume];
    const flow = this.flow?.rows.get(this.symbol);
    const unit = this.settings?.volumes;
    this.#tell(this.sides, [
      ["active_buy", `${volume(active[0], unit)}  ${share(active[0], row.total_volume)}`, "up"], ["active_sell", `${volume(active[1], unit)}  ${share(active[1], row.total_volume)}`, "down"],
      ["neutral", volume(active[2], unit) || "0", ""], ["unseen", volume(active[3], unit) || "0", ""],
      ...(flow ? [["buy_speed_per_min", volume(flow.buy_speed_per_min, unit) || "0", "up"], ["sell_speed_per_min", volume(flow.sell_speed_per_min, unit) || "0", "down"]] : []),
    ]);
    const foreign = this.sources.prices.foreign(this.symbol);
    this.#tell(this.foreign, foreign ? [
      ["buy_volume", volume(foreign.buy_volume, unit), ""], ["sell_volume", volume(foreign.sell_volume, unit), ""],
      ["net_volume", signed(volume(foreign.net_volume, unit), foreign.net_volume), shadeOfChange(foreign.net_volume)],
      ["net_value", signed(billions(foreign.net_value), foreign.net_value), shadeOfChange(foreign.net_value)],
      ["current_room", volume(foreign.current_room), ""], ["room_share", share(foreign.current_room, foreign.total_room), ""],
    ] : [["nothing", "–", ""]]);
    const trades = /** @type {Row[]} */ ([...(this.trades?.rows.values() ?? [])]).sort((one, other) => other.number - one.number);
    this.tape?.show(trades.map((trade) => ({ ...trade, shade: shadeOf(row, trade.price) })));
    const { trades: counted, rows } = this.#merged;
    set(this.merged, words("detail.merged", { trades: grouped(row.trades ?? 0), counted: grouped(counted), rows: grouped(rows), merged: grouped(counted - rows) }));
    this.#draw(row);
  }

  /** @param {Row} row */
  #book(row) {
    const word = row.session === "ATC" ? "ATC" : "ATO";
    for (const [list, levels] of /** @type {[List<Row> | undefined, any[]][]} */ ([[this.bids, row.bids ?? []], [this.asks, row.asks ?? []]])) {
      const most = Math.max(1, ...(row.bids ?? []).map((/** @type {any} */ level) => level[1]), ...(row.asks ?? []).map((/** @type {any} */ level) => level[1]));
      list?.show(levels.map(([at, size]) => ({ text: at == null ? word : this.#price(at), volume: size, part: size / most, shade: shadeOf(row, at) })));
    }
  }

  /** @param {Row} row */
  #draw(row) {
    const wait = this.#chartAt + CHART_EVERY_MS - performance.now();
    if (!this.#isDayRead || !this.#bars.size || this.#chartDue) return;
    if (wait > 0) {
      this.#chartDue = true;
      setTimeout(() => {
        this.#chartDue = false;
        this.paintSoon();
      }, wait);
      return;
    }
    this.#chartAt = performance.now();
    const bars = [...this.#bars.values()].sort((one, other) => one.start - other.start);
    const symbol = this.symbol;
    void this.sources.charts().then((charts) => {
      if (!charts || symbol !== this.symbol || !this.chart) return;
      const shown = { reference: row.reference ?? null, bars, format: (/** @type {number} */ value) => this.#price(value) };
      if (this.#chart?.update) this.#chart.update(shown);
      else this.#chart = charts.lineChart(this.chart, shown);
    });
  }

  /** @param {number | null | undefined} value */
  #price(value) {
    return price(value, inPoints(this.symbol, this.sources.prices.roundLots(this.symbol) ?? {}));
  }

  /** @param {HTMLElement | undefined} list @param {any[][]} facts name, text, look */
  #tell(list, facts) {
    if (!list) return;
    const words = /** @type {import("./words.js").Words} */ (this.words);
    if (list.dataset.names !== facts.map(([name]) => name).join()) {
      list.dataset.names = facts.map(([name]) => name).join();
      list.replaceChildren(...facts.map(([name]) => {
        const pair = document.createElement("div");
        pair.appendChild(document.createElement("dt")).textContent = words(`fact.${name}`);
        pair.appendChild(document.createElement("dd")).dataset.field = name;
        return pair;
      }));
    }
    facts.forEach(([, text, look], place) => {
      const element = /** @type {HTMLElement} */ (list.children[place].lastElementChild);
      if (element.textContent !== text) element.textContent = text;
      if (element.className !== look) element.className = look;
    });
  }

  /** What was drawn is of another day. */
  #beginDay() {
    this.#bars.clear();
    this.#isDayRead = false;
    this.#chart?.close();
    this.#chart = null;
    this.chart?.replaceChildren();
    void this.#day(this.symbol);
  }

  /** @param {Row[]} bars */
  #takeBars(bars) {
    for (const bar of bars) this.#bars.set(bar.start, bar);
    this.paintSoon();
  }

  /** @param {string} symbol @param {"vi" | "en"} language */
  async #name(symbol, language) {
    const answer = await this.sources.ask(`channels/symbols?keys=${encodeURIComponent(symbol)}`);
    if (!answer || symbol !== this.symbol || !this.name) return;
    const row = answer.data[symbol];
    this.#isUnlisted = !row;
    if (row) this.name.textContent = (language === "vi" ? row.name_vi : row.name_en) ?? row.name_vi ?? "";
    this.paintSoon();
  }

  /** @param {string} symbol */
  async #day(symbol) {
    const answer = await this.sources.ask(`bars/${encodeURIComponent(symbol)}`);
    if (symbol !== this.symbol) return;
    this.#isDayRead = true;
    const live = [...(this.live?.rows.values() ?? [])];
    if (this.chart) this.chart.dataset.empty = this.words?.("detail.no_trades") ?? "";
    this.#takeBars([...(answer?.bars ?? []), ...live]);
  }
}
