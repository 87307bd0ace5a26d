// The hot table. It holds elements for the rows in sight only, writes what changed, and writes it once a frame.

import { atMostOnce } from "./at-most-once.js";
import { isExpected } from "./columns.js";

/** Rows beside those in sight, so that a scroll shows no gap. */
const SPARE_ROWS = 6;
/** Values are always written; what flashes in one frame is bounded, since an animation costs more than a text. */
const MOST_FLASHES = 60;
/** What a cell has beside its text: a mark for its colour, air. */
const MARK_PX = 20;
const PADDING_PX = 7;
const NO_ROW = Object.freeze({});

/**
 * @typedef {import("./columns.js").Column} Column
 * @typedef {{element: HTMLElement, text: Text, value: unknown, look: string, flash: "" | "f" | "g"}} Cell
 * @typedef {{element: HTMLElement, star: HTMLElement, cells: Cell[], place: number, symbol: string}} Line
 *
 * @typedef {object} Source what the grid asks for
 * @property {(symbol: string) => Record<string, any> | undefined} row
 * @property {(symbol: string) => Record<string, any> | undefined} beside its row of foreign flow, of futures the one with the basis
 * @property {(symbol: string) => boolean} starred
 */

export class Grid {
  /** @type {Column[]} */ #columns = [];
  /** @type {number[]} */ #lengths = []; // of each column's longest text, letters
  /** @type {number[]} */ #needs = []; // and its width, in zeros
  #areTooNarrow = false;
  #size = 1;
  /** @type {string[]} */ #order = [];
  /** @type {Line[]} */ #lines = []; // the row at place p is in line p modulo their number
  #dirty = new Set();
  #all = true;
  #ask = atMostOnce(() => this.#paint());
  #chosen = "";
  #rowHeight = 22;
  /** @type {HTMLElement} */ #head;
  /** @type {HTMLElement} */ #body;

  /**
   * @param {HTMLElement} element scrolls, and has the role `grid`
   * @param {Source} source
   * @param {import("./settings.js").Settings} settings read anew with `setColumns`
   * @param {{open: (symbol: string) => void, star: (symbol: string) => void, sort: (field: string) => void, choose: (symbol: string) => void}} wishes
   */
  constructor(element, source, settings, wishes) {
    this.element = element;
    this.source = source;
    this.settings = settings;
    this.wishes = wishes;
    this.flashes = true;
    this.painted = 0; // cells written, ever: for those who measure
    this.#head = element.appendChild(group("head"));
    this.#body = element.appendChild(group("body"));
    element.addEventListener("scroll", () => this.#ask(), { passive: true });
    element.addEventListener("keydown", (event) => {
      if (event.target === element) this.press(event);
    });
    this.#body.addEventListener("click", (event) => this.#click(event));
    this.#head.addEventListener("click", (event) => {
      const field = /** @type {HTMLElement} */ (event.target).closest("[data-sort]")?.getAttribute("data-sort");
      if (field) this.wishes.sort(field);
    });
    new ResizeObserver(() => this.#ask()).observe(element);
  }

  /**
   * @param {Column[]} columns
   * @param {(name: string) => string} words
   * @param {{sort: string, down: boolean}} sorted
   * @param {number} [size] of letters, the usual one is 1
   */
  setColumns(columns, words, sorted, size = 1) {
    this.#columns = columns;
    this.#size = size;
    this.#lengths = columns.map(() => 0);
    // The name of a column is written in narrower letters; an arrow stands beside it.
    this.#needs = columns.map((column) => {
      const letter = column.field === "symbol" ? 1 : 0.85; // that one is bold
      return letter * words(`column.${column.words}`).length + (column.field === sorted.sort ? 1.5 : 0);
    });
    this.#fit();
    this.element.setAttribute("aria-colcount", String(columns.length));
    const focused = this.#head.contains(document.activeElement) ? document.activeElement?.getAttribute("data-sort") : null;
    this.#head.replaceChildren(...headings(columns, words, sorted));
    if (focused) /** @type {HTMLElement | null} */ (this.#head.querySelector(`[data-sort="${focused}"]`))?.focus();
    this.#lines = [];
    this.#body.replaceChildren();
    this.#all = true;
    this.#ask();
  }

  /** @param {string[]} order symbols, top to bottom */
  setOrder(order) {
    this.#order = order;
    this.element.setAttribute("aria-rowcount", String(order.length + this.#head.childElementCount));
    this.#ask();
  }

  get order() {
    return this.#order;
  }

  /** The symbol of the row that is chosen; empty: none. */
  get chosen() {
    return this.#chosen;
  }

  get rowHeight() {
    return this.#rowHeight;
  }

  /** Rows that fit between the headings and the lower edge. */
  get rowsInSight() {
    return Math.max(1, Math.floor((this.element.clientHeight - this.#head.offsetHeight) / this.#rowHeight));
  }

  /** Something of it changed. @param {string} symbol */
  mark(symbol) {
    this.#dirty.add(symbol);
    this.#ask();
  }

  markAll() {
    this.#all = true;
    this.#ask();
  }

  /** @param {string} symbol empty: none @param {boolean} [inSight] scroll to it */
  choose(symbol, inSight = false) {
    this.#chosen = symbol;
    if (inSight) {
      const place = this.#order.indexOf(symbol);
      const top = place * this.#rowHeight;
      const seen = this.element.clientHeight - this.#head.offsetHeight;
      if (place >= 0 && top < this.element.scrollTop) this.element.scrollTop = top;
      if (place >= 0 && top + this.#rowHeight > this.element.scrollTop + seen) this.element.scrollTop = top + this.#rowHeight - seen;
    }
    this.#all = true;
    this.#ask();
  }

  #paint() {
    if (this.element.hidden) return;
    const styled = getComputedStyle(this.element).getPropertyValue("--row");
    this.#rowHeight = Number.parseFloat(styled) || 22;
    this.#body.style.height = `${this.#order.length * this.#rowHeight}px`;
    this.#room();
    const first = Math.max(0, Math.floor(this.element.scrollTop / this.#rowHeight) - SPARE_ROWS);
    let flashes = this.flashes && !this.#all ? MOST_FLASHES : 0;
    for (let place = first; place < first + this.#lines.length; place++) {
      const line = this.#lines[place % this.#lines.length];
      const symbol = this.#order[place];
      if (symbol === undefined) {
        line.element.hidden = true;
        line.place = -1;
        line.symbol = "";
      } else if (line.place !== place || line.symbol !== symbol) {
        this.#bind(line, place, symbol);
        this.#write(line, 0);
      } else if (this.#all || this.#dirty.has(symbol)) {
        flashes -= this.#write(line, flashes);
      }
    }
    this.#dirty.clear();
    this.#all = false;
    if (this.#areTooNarrow) this.#fit();
    const active = this.#lines.find(({ symbol }) => symbol && symbol === this.#chosen);
    if (active) this.element.setAttribute("aria-activedescendant", active.element.id);
    else this.element.removeAttribute("aria-activedescendant");
  }

  /** No figure is ever cut: a column is at least as wide as the longest text that was written into it. */
  #fit() {
    const least = this.#columns.map(({ width, field }, place) => {
      const isLast = place === this.#columns.length - 1;
      const beside = PADDING_PX + (isLast ? 2 : 0) + (field === "symbol" && this.settings.marks ? MARK_PX : 0);
      const star = field === "symbol" ? " + var(--star)" : "";
      return `max(${Math.round(width * this.#size)}px, ${this.#needs[place].toFixed(2)}ch + ${beside}px${star})`;
    });
    this.element.style.setProperty("--tracks", this.#columns.map(({ width }, place) => `minmax(${least[place]}, ${width}fr)`).join(" "));
    this.element.style.setProperty("--width", `calc(${least.join(" + ")})`);
    this.#areTooNarrow = false;
  }

  /** @param {number} place of the column @param {string} text longer than those before */
  #note(place, text) {
    this.#lengths[place] = text.length;
    const { field } = this.#columns[place];
    const [letters, signs, points] = [/\p{L}/gu, /[-+≈]/g, /[,.]/g].map((kind) => text.match(kind)?.length ?? 0);
    const need = (text.length + 0.2 * letters + 0.35 * signs - 0.5 * points) * (field === "symbol" || field === "last" ? 1.1 : 1);
    if (need <= this.#needs[place]) return;
    this.#needs[place] = need;
    this.#areTooNarrow = true;
  }

  /** As many lines as the height needs. */
  #room() {
    const wanted = Math.ceil(this.element.clientHeight / this.#rowHeight) + 2 * SPARE_ROWS;
    if (this.#lines.length >= wanted && this.#lines.length <= wanted + 2 * SPARE_ROWS) return;
    this.#body.replaceChildren();
    this.#lines = Array.from({ length: wanted }, () => this.#line());
    this.#body.append(...this.#lines.map(({ element }) => element));
  }

  /** @returns {Line} */
  #line() {
    const element = document.createElement("div");
    element.className = "row";
    element.setAttribute("role", "row");
    const star = document.createElement("button");
    star.className = "star";
    star.type = "button";
    star.tabIndex = -1;
    const cells = this.#columns.map((column, place) => {
      const cell = document.createElement("span");
      cell.setAttribute("role", place === 0 ? "rowheader" : "gridcell");
      cell.setAttribute("aria-colindex", String(place + 1));
      cell.dataset.field = column.field;
      if (column.left) cell.dataset.left = "";
      if (isEdge(this.#columns, place)) cell.dataset.edge = "";
      if (place === 0) cell.append(star);
      const text = cell.appendChild(new Text(""));
      element.append(cell);
      return { element: cell, text, value: undefined, look: "", flash: /** @type {""} */ ("") };
    });
    return { element, star, cells, place: -1, symbol: "" };
  }

  /** @param {Line} line @param {number} place @param {string} symbol */
  #bind(line, place, symbol) {
    line.place = place;
    line.symbol = symbol;
    line.element.hidden = false;
    line.element.id = `row-${place}`;
    line.element.dataset.symbol = symbol;
    line.element.setAttribute("aria-rowindex", String(place + this.#head.childElementCount + 1));
    line.element.style.transform = `translateY(${place * this.#rowHeight}px)`;
    for (const cell of line.cells) {
      cell.value = undefined;
      cell.flash = "";
    }
  }

  /** What changed of a row. @param {Line} line @param {number} flashes that it may have @returns {number} those it had */
  #write(line, flashes) {
    const row = this.source.row(line.symbol) ?? NO_ROW;
    const beside = this.source.beside(line.symbol) ?? NO_ROW;
    const chosen = line.symbol === this.#chosen;
    let flashed = 0;
    this.#columns.forEach((column, place) => {
      const cell = line.cells[place];
      const value = column.read(line.symbol, row, beside);
      const shade = column.shade(row, value);
      const look = column.field === "last" && isExpected(row) ? `${shade} expected` : shade;
      if (value === cell.value && look === cell.look && !this.#all) return;
      const text = column.write(value, line.symbol, row, this.settings);
      if (text !== cell.text.data) {
        cell.text.data = text;
        this.painted++;
        if (text.length > this.#lengths[place]) this.#note(place, column.field === "last" ? `${text}≈` : text); // in auctions it has a mark
        if (cell.value !== undefined && flashed < flashes) {
          cell.flash = cell.flash === "f" ? "g" : "f";
          flashed++;
          cell.element.className = `${look} ${cell.flash}`;
        } else if (cell.look !== look || cell.value === undefined) cell.element.className = look;
      } else if (cell.look !== look || cell.value === undefined) cell.element.className = look;
      cell.value = value ?? null;
      cell.look = look;
    });
    if (line.element.classList.contains("chosen") !== chosen) line.element.classList.toggle("chosen", chosen);
    if (line.element.getAttribute("aria-selected") !== String(chosen)) line.element.setAttribute("aria-selected", String(chosen));
    const starred = this.source.starred(line.symbol);
    if (line.star.dataset.on !== String(starred) || line.star.dataset.of !== line.symbol) {
      line.star.dataset.on = String(starred);
      line.star.dataset.of = line.symbol;
      line.star.setAttribute("aria-pressed", String(starred));
      line.star.setAttribute("aria-label", `★ ${line.symbol}`);
    }
    return flashed;
  }

  /** @param {MouseEvent} event */
  #click(event) {
    const target = /** @type {HTMLElement} */ (event.target);
    const symbol = /** @type {HTMLElement | null} */ (target.closest(".row"))?.dataset.symbol;
    if (!symbol) return;
    if (target.closest(".star")) this.wishes.star(symbol);
    else this.wishes.open(symbol);
  }

  /** A key, of the grid's own or of nobody's. @param {KeyboardEvent} event */
  press(event) {
    if (event.ctrlKey || event.metaKey || event.altKey) return;
    const place = this.#order.indexOf(this.#chosen);
    const last = this.#order.length - 1;
    /** @type {Record<string, number>} */
    const steps = {
      ArrowDown: place + 1, ArrowUp: place < 0 ? 0 : place - 1, PageDown: place + this.rowsInSight,
      PageUp: place - this.rowsInSight, Home: 0, End: last,
    };
    if (event.key in steps && last >= 0) {
      const symbol = this.#order[Math.min(last, Math.max(0, steps[event.key]))];
      this.choose(symbol, true);
      this.wishes.choose(symbol);
    } else if (event.key === "Enter" && this.#chosen) this.wishes.open(this.#chosen);
    else if (event.key === "s" && this.#chosen) this.wishes.star(this.#chosen);
    else return;
    event.preventDefault();
    this.element.focus();
  }
}

/** @param {string} name */
function group(name) {
  const element = document.createElement("div");
  element.className = name;
  element.setAttribute("role", "rowgroup");
  return element;
}

/** Whether a group of columns begins here, or has just ended. @param {Column[]} columns @param {number} place */
const isEdge = (columns, place) => place > 0 && columns[place].group !== columns[place - 1].group;

/** Two lines: groups of columns, and columns. @param {Column[]} columns @param {(name: string) => string} words @param {{sort: string, down: boolean}} sorted */
function headings(columns, words, sorted) {
  const [above, below] = [0, 1].map((place) => {
    const element = document.createElement("div");
    element.className = "heading";
    element.setAttribute("role", "row");
    element.setAttribute("aria-rowindex", String(place + 1));
    return element;
  });
  columns.forEach((column, place) => {
    const button = document.createElement("button");
    button.type = "button";
    button.dataset.sort = column.field;
    button.textContent = words(`column.${column.words}`);
    button.title = words("grid.sort", { column: words(`hint.${column.words}`) });
    const cell = document.createElement("span");
    cell.setAttribute("role", "columnheader");
    cell.setAttribute("aria-colindex", String(place + 1));
    cell.dataset.field = column.field;
    if (column.left) cell.dataset.left = "";
    const isSorted = sorted.sort === column.field;
    cell.setAttribute("aria-sort", isSorted ? (sorted.down ? "descending" : "ascending") : "none");
    cell.append(button);
    below.append(cell);
    const last = /** @type {HTMLElement | null} */ (above.lastElementChild);
    if (column.group && last?.dataset.group === column.group) {
      const span = Number(last.getAttribute("aria-colspan")) + 1;
      last.setAttribute("aria-colspan", String(span));
      last.style.gridColumnEnd = `span ${span}`;
      return;
    }
    const title = document.createElement("span");
    title.setAttribute("role", "columnheader");
    title.setAttribute("aria-colindex", String(place + 1));
    title.setAttribute("aria-colspan", "1");
    title.dataset.group = column.group;
    title.textContent = column.group && words(`group.${column.group}`);
    above.append(title);
  });
  return columns.some(({ group: name }) => name) ? [above, below] : [below];
}
