// Finding an instrument by its code or its name, in either language, with or without accents.

const MOST_FOUND = 12;

/** @typedef {{symbol: string, name: string, exchange: string, text: string}} Entry */

/** Without accents, small. @param {string} text @returns {string} */
export function plainText(text) {
  return text.normalize("NFD").replace(/\p{M}/gu, "").replaceAll("đ", "d").replaceAll("Đ", "D").toLowerCase();
}

/** @param {Record<string, any>} rows of the channel `symbols` @param {"vi" | "en"} language @returns {Entry[]} */
export function entriesOf(rows, language) {
  return Object.entries(rows).map(([symbol, row]) => ({
    symbol,
    name: (language === "vi" ? row.name_vi : row.name_en) ?? row.name_vi ?? row.name_en ?? "",
    exchange: row.exchange ?? "",
    text: plainText(`${row.name_vi ?? ""} ${row.name_en ?? ""}`),
  }));
}

/** Codes that begin so, then codes that hold it, then names. @param {readonly Entry[]} entries @param {string} said @returns {Entry[]} */
export function found(entries, said) {
  const wanted = plainText(said.trim());
  if (!wanted) return [];
  const rank = (/** @type {Entry} */ entry) => {
    const code = entry.symbol.toLowerCase();
    if (code === wanted) return 0;
    if (code.startsWith(wanted)) return 1;
    if (code.includes(wanted)) return 2;
    return entry.text.includes(wanted) ? 3 : 4;
  };
  const ranked = entries.map((entry) => ({ entry, rank: rank(entry) })).filter((one) => one.rank < 4);
  ranked.sort((one, other) => one.rank - other.rank || one.entry.symbol.length - other.entry.symbol.length || (one.entry.symbol < other.entry.symbol ? -1 : 1));
  return ranked.slice(0, MOST_FOUND).map(({ entry }) => entry);
}

export class Search {
  /** @type {Entry[] | null} */ #entries = null;
  /** @type {Entry[]} */ #shown = [];
  #at = 0;

  /**
   * @param {HTMLInputElement} input @param {HTMLElement} list
   * @param {{entries: () => Promise<Entry[]>, nothing: () => string, open: (symbol: string) => void, add: (symbol: string) => void}} wishes
   */
  constructor(input, list, wishes) {
    this.input = input;
    this.list = list;
    this.wishes = wishes;
    input.addEventListener("focus", () => this.#load());
    input.addEventListener("input", () => this.#show());
    input.addEventListener("blur", () => this.#close());
    input.addEventListener("keydown", (event) => this.#key(event));
    list.addEventListener("mousedown", (event) => {
      event.preventDefault(); // the input keeps the focus
      const symbol = /** @type {HTMLElement} */ (event.target).closest("li")?.dataset.symbol;
      if (symbol) this.#take(symbol, event.shiftKey);
    });
  }

  /** The names are of another language, or of another day. */
  forget() {
    this.#entries = null;
  }

  async #load() {
    if (!this.#entries?.length) this.#entries = await this.wishes.entries(); // none: it was not answered
    this.#show();
  }

  #show() {
    this.#shown = found(this.#entries ?? [], this.input.value);
    this.#at = 0;
    this.#paint();
  }

  /** Whether nothing is called so. */
  get #isNothing() {
    return !this.#shown.length && Boolean(this.#entries?.length && this.input.value.trim());
  }

  #paint() {
    this.list.hidden = !this.#shown.length && !this.#isNothing;
    this.input.setAttribute("aria-expanded", String(!this.list.hidden));
    if (this.#isNothing) {
      const item = document.createElement("li");
      item.setAttribute("role", "option");
      item.setAttribute("aria-disabled", "true");
      item.textContent = this.wishes.nothing();
      this.list.replaceChildren(item);
      return this.input.removeAttribute("aria-activedescendant");
    }
    this.list.replaceChildren(...this.#shown.map((entry, place) => {
      const item = document.createElement("li");
      item.id = `found-${place}`;
      item.setAttribute("role", "option");
      item.setAttribute("aria-selected", String(place === this.#at));
      item.dataset.symbol = entry.symbol;
      for (const [tag, text] of [["b", entry.symbol], ["span", entry.name], ["small", entry.exchange]]) {
        item.appendChild(document.createElement(tag)).textContent = text;
      }
      return item;
    }));
    if (this.list.hidden) this.input.removeAttribute("aria-activedescendant");
    else this.input.setAttribute("aria-activedescendant", `found-${this.#at}`);
  }

  /** @param {KeyboardEvent} event */
  #key(event) {
    if (event.key === "Escape") {
      this.input.value = "";
      this.#close();
      this.input.blur();
    } else if (event.key === "ArrowDown" || event.key === "ArrowUp") {
      const step = event.key === "ArrowDown" ? 1 : -1;
      this.#at = Math.min(this.#shown.length - 1, Math.max(0, this.#at + step));
      this.#paint();
    } else if (event.key === "Enter") {
      // A code that is typed faster than the list comes counts as well; one that is not in the list does not.
      const symbol = this.#shown[this.#at]?.symbol ?? this.input.value.trim().toUpperCase();
      if (symbol && !this.#isNothing) this.#take(symbol, event.shiftKey);
    } else return;
    event.preventDefault();
  }

  /** @param {string} symbol @param {boolean} isAdded to the watch list */
  #take(symbol, isAdded) {
    this.input.value = "";
    this.#close();
    if (isAdded) return this.wishes.add(symbol);
    this.input.blur();
    this.wishes.open(symbol);
  }

  #close() {
    this.#shown = [];
    this.#paint();
    this.list.hidden = true;
    this.input.setAttribute("aria-expanded", "false");
  }
}
