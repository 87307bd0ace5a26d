// What happened that one may want to know at once: a list, and quiet notes as they come.
import { billions, clock, inPoints, points, price, signed, volume } from "../formats.js";
import { List } from "../list.js";

/** @typedef {Record<string, any>} Row */

/** Shown at once; older ones make room. */
const MOST_NOTES = 3;
const NOTE_MS = 8000;

/** One alert in a sentence. @param {Row} alert @param {import("../words.js").Words} words */
export function sentence(alert, words) {
  const isFuture = inPoints(alert.symbol, { exchange: /^4[12]|^VN30F/.test(alert.symbol) ? "DERIVATIVES" : null });
  return words(`alert.${alert.kind}.text`, {
    price: price(alert.price, isFuture),
    volume: volume(alert.minute_volume), usual: volume(alert.usual_volume),
    net: signed(billions(alert.net_value), alert.net_value), earlier: signed(billions(alert.earlier_net_value), alert.earlier_net_value),
    basis: signed(points(alert.basis), alert.basis), underlying: points(alert.underlying_value),
    buy: billions(alert.buy_value), sell: billions(alert.sell_value),
  });
}

/** Followed from the beginning, so that nothing is missed while another page is open. */
export class Alerts {
  #seen = 0;
  unread = 0;

  /**
   * @param {HTMLElement} arrivals @param {import("../banggia.js").Banggia} feed
   * @param {{open: (symbol: string) => void, changed: () => void, nameOf: (symbol: string) => string, words: () => import("../words.js").Words, mayShow: () => boolean, isOpen: () => boolean}} wishes
   */
  constructor(arrivals, feed, wishes) {
    this.arrivals = arrivals;
    this.wishes = wishes;
    this.table = /** @type {any} */ (feed.table(/** @type {any} */ ("alerts"), {}));
    this.table.onChange((/** @type {any} */ change) => this.#take(change));
  }

  /** The newest first. @returns {Row[]} */
  get newest() {
    return /** @type {Row[]} */ ([...this.table.rows.values()]).sort((one, other) => other.number - one.number);
  }

  /** @param {{reset: boolean, rows: Map<string, Row | null>}} change */
  #take(change) {
    const all = this.newest;
    const newest = all[0]?.number ?? 0;
    // After a reset, all that is told happened before: it is a list, not news.
    const isNews = !change.reset && newest > this.#seen;
    const news = isNews ? all.filter(({ number }) => number > this.#seen) : [];
    if (newest < this.#seen) this.unread = 0; // another day
    this.#seen = newest;
    if (!this.wishes.isOpen()) this.unread += news.length;
    if (this.wishes.mayShow()) for (const alert of news.slice(0, MOST_NOTES).reverse()) this.#show(alert);
    this.wishes.changed();
  }

  /** @param {Row} alert */
  #show(alert) {
    const words = this.wishes.words();
    const note = document.createElement("button");
    note.dataset.kind = alert.kind;
    note.dataset.symbol = alert.symbol;
    note.appendChild(document.createElement("b")).textContent = this.wishes.nameOf(alert.symbol);
    note.appendChild(document.createElement("span")).textContent = sentence(alert, words);
    note.addEventListener("click", () => {
      note.remove();
      this.wishes.open(alert.symbol);
    });
    this.arrivals.append(note);
    while (this.arrivals.childElementCount > MOST_NOTES) this.arrivals.firstElementChild?.remove();
    setTimeout(() => note.remove(), NOTE_MS);
  }
}

export class AlertsPage {
  /** @param {HTMLElement} element @param {import("../main.js").Page} page */
  constructor(element, page) {
    const { words, open, alerts } = page;
    this.alerts = alerts;
    this.list = new List(/** @type {import("../list.js").Part<Row>[]} */ ([
      { field: "time", title: words("tape.time"), left: true, write: (row) => clock(row.time) },
      { field: "symbol", title: words("column.symbol"), left: true, write: (row) => [...new Set([row.symbol, alerts.wishes.nameOf(row.symbol)])].join(" · ") },
      { field: "kind", title: words("alert.kind"), left: true, write: (row) => words(`alert.${row.kind}`), look: (row) => ({ ceiling: "ceiling", floor: "floor" })[/** @type {string} */ (row.kind)] ?? "" },
      { field: "text", title: words("alert.what"), left: true, write: (row) => sentence(row, words), look: () => "wraps" },
    ]), { label: words("tab.alerts"), symbol: (row) => row.symbol, open });
    const panel = document.createElement("section");
    panel.className = "panel wide";
    panel.append(this.list.element);
    this.nothing = document.createElement("p");
    this.nothing.className = "note";
    this.nothing.textContent = words("alert.none");
    element.replaceChildren(panel, this.nothing);
    this.paint();
  }

  paint() {
    const all = this.alerts.newest;
    this.nothing.hidden = all.length > 0;
    this.list.show(all);
  }

  close() {
    // the alerts are followed on
  }
}
