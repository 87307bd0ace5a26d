// The rows that the board shows: of the tab, and no more, as only these are subscribed to.

/**
 * @typedef {Record<string, any>} Row
 *
 * @typedef {object} Selection
 * @property {"market" | "oddlot" | null} channel null: no rows but that of `symbol`
 * @property {string} group whose members are shown; empty: `symbols`, or all rows
 * @property {readonly string[]} without groups whose members are left out
 * @property {readonly string[] | null} symbols
 * @property {string} symbol one more, for the details
 * @property {boolean} foreigners their rows too
 * @property {number} interval ms
 */

export class Prices {
  /** @type {any} */ #market = null;
  /** @type {any} */ #foreign = null;
  /** @type {any} */ #groups = null;
  /** @type {any} */ #oddlot = null;
  /** @type {Selection | null} */ #selection = null;
  /** @type {string[] | null} */ #members = null;
  /** @type {Set<string> | null} members of the group, with those that are left out */ #all = null;
  /** @type {readonly string[]} */ #also = [];
  /** @type {Map<string, string>} what each table was asked for last */ #asked = new Map();

  /**
   * @param {import("./banggia.js").Banggia} feed
   * @param {{row: (symbol: string, fields: Row | null, isNew: boolean) => void, list: () => void, change: (change: any) => void}} news
   */
  constructor(feed, news) {
    this.feed = feed;
    this.news = news;
  }

  /** Follow round lots of these too, for a page that has no rows of its own. @param {readonly string[]} symbols */
  also(symbols) {
    this.#also = symbols;
    if (this.#selection) this.select(this.#selection);
  }

  /** Follow this. @param {Selection} next */
  select(next) {
    const before = this.#selection;
    this.#selection = next;
    const own = next.group ? [`@${next.group}`] : (next.symbols ?? undefined);
    const listed = next.channel === "market" ? own : this.#also;
    // One outside of the tab costs the tab a selection of its own; so it is named only if it has to be.
    const isListed = !next.symbol || (next.channel === "market" ? this.#holds(next.symbol, before) : this.#also.includes(next.symbol));
    const keys = listed === undefined || isListed ? listed : [...listed, next.symbol];
    this.#market = this.#follow(this.#market, "market", keys, next.interval, (change) => this.#take(change, true));
    const flows = next.foreigners ? (keys === undefined ? undefined : [...keys, "_total"]) : next.symbol ? [next.symbol] : [];
    this.#foreign = this.#follow(this.#foreign, "foreign", flows, next.interval, (change) => this.#take(change, false));
    this.#oddlot = this.#follow(this.#oddlot, "oddlot", next.channel === "oddlot" ? undefined : [], next.interval, (change) => this.#take(change, true));
    const groups = next.group ? [next.group, ...next.without] : [];
    this.#groups = this.#follow(this.#groups, "groups", groups, undefined, () => this.#setMembers());
    if (!before || before.group !== next.group || before.symbols !== next.symbols || before.channel !== next.channel) this.#setMembers();
  }

  /** The symbols, as the list has them. @returns {string[]} */
  get symbols() {
    const table = this.table;
    if (this.#members) return this.#members.filter((symbol) => table?.rows.has(symbol));
    if (this.#selection?.symbols) return [...this.#selection.symbols];
    return table && !this.#selection?.group ? [...table.rows.keys()].sort() : [];
  }

  /** What the rows are read from. */
  get table() {
    return this.#selection?.channel === "oddlot" ? this.#oddlot : this.#selection?.channel === "market" ? this.#market : null;
  }

  /** @param {string} symbol @returns {Row | undefined} */
  row(symbol) {
    return this.table?.rows.get(symbol);
  }

  /** Of round lots, whatever the tab shows. @param {string} symbol @returns {Row | undefined} */
  roundLots(symbol) {
    return this.#market?.rows.get(symbol);
  }

  /** @param {string} symbol @returns {Row | undefined} */
  foreign(symbol) {
    return this.#foreign?.rows.get(symbol);
  }

  /** @param {string} symbol @param {Selection | null} before */
  #holds(symbol, before) {
    const now = this.#selection;
    if (now?.symbols) return now.symbols.includes(symbol);
    if (now?.channel === "oddlot") return false;
    return before?.group === now?.group && Boolean(this.#all?.has(symbol));
  }

  #setMembers() {
    const selection = /** @type {Selection} */ (this.#selection);
    const rows = this.#groups?.rows;
    const listed = selection.group ? rows?.get(selection.group)?.keys : null;
    if (selection.group && listed) {
      const left = new Set(selection.without.flatMap((name) => rows.get(name)?.keys ?? []));
      this.#all = new Set(listed);
      this.#members = listed.filter((/** @type {string} */ symbol) => !left.has(symbol));
    } else {
      this.#all = null;
      this.#members = null;
    }
    this.news.list();
  }

  /** @param {any} change @param {boolean} isPrice */
  #take(change, isPrice) {
    let added = change.reset;
    for (const [symbol, fields] of change.rows) {
      if (fields === null || (isPrice && "exchange" in fields)) added = true;
      this.news.row(symbol, fields, change.reset);
    }
    if (isPrice) this.news.change(change);
    if (added) this.news.list();
  }

  /**
   * @param {any} table @param {string} channel @param {readonly string[] | undefined} keys none: not followed
   * @param {number | undefined} interval @param {(change: any) => void} take
   */
  #follow(table, channel, keys, interval, take) {
    if (keys?.length === 0) {
      table?.close();
      return null;
    }
    const asked = JSON.stringify([keys, interval]);
    if (!table) {
      this.#asked.set(channel, asked);
      const made = this.feed.table(/** @type {any} */ (channel), { keys, interval, mode: "fields" });
      made.onChange(take);
      made.onState(() => this.news.list());
      return made;
    }
    if (this.#asked.get(channel) !== asked) table.update({ keys, interval });
    this.#asked.set(channel, asked);
    return table;
  }
}
