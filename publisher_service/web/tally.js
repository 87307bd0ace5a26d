// What the interval merged away: matches counted by the exchange's feed beside the rows that told of them.

/** How far back it looks, in steps of a second. */
const SECONDS = 60;

export class Tally {
  /** @type {Map<string, number>} */ #trades = new Map();
  /** @type {{second: number, trades: number, rows: number}[]} */ #steps = [];

  /** It is counted from here on: what was before, nobody looked at. @param {string} symbol @param {number} trades */
  begin(symbol, trades) {
    this.#trades.set(symbol, trades);
  }

  /**
   * @param {string} symbol
   * @param {number | undefined} trades the running count of the day
   * @param {number} now ms
   * @returns {number} matches since the row before, of this symbol
   */
  note(symbol, trades, now) {
    if (trades === undefined) return 0;
    const before = this.#trades.get(symbol);
    this.#trades.set(symbol, trades);
    if (before === undefined || trades <= before) return 0;
    const step = this.#step(now);
    step.trades += trades - before;
    step.rows += 1;
    return trades - before;
  }

  /** Of the last minute. @param {number} now ms @returns {{trades: number, rows: number, merged: number}} */
  lastMinute(now) {
    this.#drop(now);
    const trades = this.#steps.reduce((sum, step) => sum + step.trades, 0);
    const rows = this.#steps.reduce((sum, step) => sum + step.rows, 0);
    return { trades, rows, merged: trades - rows };
  }

  /** @param {number} now */
  #step(now) {
    const second = Math.floor(now / 1000);
    const newest = this.#steps.at(-1);
    if (newest?.second === second) return newest;
    this.#drop(now);
    const step = { second, trades: 0, rows: 0 };
    this.#steps.push(step);
    return step;
  }

  /** @param {number} now */
  #drop(now) {
    const oldest = Math.floor(now / 1000) - SECONDS;
    while (this.#steps.length && this.#steps[0].second <= oldest) this.#steps.shift();
  }
}
