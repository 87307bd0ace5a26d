// The wall screen: full screen, large, and it turns its pages by itself.

const PAGE_MS = 8000;

export class Wall {
  /** @type {ReturnType<typeof setInterval> | undefined} */ #timer;

  /** @param {import("./grid.js").Grid} grid @param {HTMLElement} page @param {() => void} changed */
  constructor(grid, page, changed) {
    this.grid = grid;
    this.changed = changed;
    this.page = page;
    document.addEventListener("fullscreenchange", () => {
      if (!document.fullscreenElement) this.#set(false);
    });
  }

  get isOn() {
    return this.#timer !== undefined;
  }

  toggle() {
    const next = !this.isOn;
    this.#set(next);
    // Where full screen is not permitted, the wall fills the window.
    if (next) document.documentElement.requestFullscreen?.().catch(() => {});
    else if (document.fullscreenElement) void document.exitFullscreen();
  }

  /** @param {boolean} isOn */
  #set(isOn) {
    document.documentElement.dataset.wall = String(isOn);
    clearInterval(this.#timer);
    this.#timer = isOn ? setInterval(() => this.#turn(), PAGE_MS) : undefined;
    this.changed();
  }

  #turn() {
    const shown = this.grid.element.hidden ? this.page : this.grid.element;
    const step = this.grid.element.hidden ? shown.clientHeight : this.grid.rowsInSight * this.grid.rowHeight;
    const isAtEnd = shown.scrollTop + shown.clientHeight >= shown.scrollHeight - 1;
    shown.scrollTop = isAtEnd ? 0 : shown.scrollTop + step;
  }
}
