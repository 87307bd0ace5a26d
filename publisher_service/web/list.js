// A small live table, for the pages beside the board: as many rows as there are, written in place.

/**
 * @template T
 * @typedef {object} Part
 * @property {string} field
 * @property {string} title
 * @property {(item: T) => string} write
 * @property {(item: T) => string} [look] a class
 * @property {boolean} [left]
 * @property {(item: T) => number} [bar] 0 to 1: a bar behind the text
 */

/** @template T */
export class List {
  /** @type {{element: HTMLElement, cells: {element: HTMLElement, text: Text, look: string}[]}[]} */ #rows = [];

  /**
   * @param {Part<T>[]} parts
   * @param {{label: string, symbol?: (item: T) => string, open?: (symbol: string) => void, headings?: boolean}} options
   */
  constructor(parts, { label, symbol, open, headings = true }) {
    this.parts = parts;
    this.symbol = symbol;
    this.element = document.createElement("table");
    this.element.className = "list";
    this.element.setAttribute("aria-label", label);
    if (headings) {
      const head = this.element.createTHead().insertRow();
      for (const { title, left, field } of parts) {
        const cell = document.createElement("th");
        cell.scope = "col";
        cell.textContent = title;
        cell.dataset.field = field;
        if (left) cell.className = "left";
        head.append(cell);
      }
    }
    this.body = this.element.createTBody();
    if (!open) return;
    this.element.classList.add("opens");
    this.body.addEventListener("click", (event) => {
      const row = /** @type {HTMLElement} */ (event.target).closest("tr");
      if (row?.dataset.symbol) open(row.dataset.symbol);
    });
    this.body.addEventListener("keydown", (event) => {
      const row = /** @type {HTMLElement} */ (event.target);
      if (event.key === "Enter" && row.dataset.symbol) open(row.dataset.symbol);
    });
  }

  /** @param {readonly T[]} items */
  show(items) {
    while (this.#rows.length > items.length) this.#rows.pop()?.element.remove();
    items.forEach((item, place) => {
      const row = this.#rows[place] ?? this.#add();
      const symbol = this.symbol?.(item);
      if (symbol !== undefined && row.element.dataset.symbol !== symbol) row.element.dataset.symbol = symbol;
      this.parts.forEach((part, at) => {
        const cell = row.cells[at];
        const text = part.write(item);
        const look = `${part.left ? "left " : ""}${part.look?.(item) ?? ""}`;
        if (cell.text.data !== text) cell.text.data = text;
        if (cell.look !== look) cell.element.className = cell.look = look;
        if (part.bar) cell.element.style.setProperty("--bar", `${Math.round(part.bar(item) * 100)}%`);
      });
    });
  }

  #add() {
    const element = this.body.insertRow();
    if (this.symbol) element.tabIndex = 0;
    const cells = this.parts.map((part) => {
      const cell = element.insertCell();
      cell.dataset.field = part.field;
      return { element: cell, text: cell.appendChild(new Text("")), look: "" };
    });
    const row = { element, cells };
    this.#rows.push(row);
    return row;
  }
}
