// How the road from the exchange is, in plain words, always in sight.
import { wantsToken } from "./answers.js";
import { clock, duration, moment } from "./formats.js";
import { brokenPart, conditionOf, isBroken } from "./road.js";

const EXCHANGES = ["HOSE", "HNX", "UPCOM", "DERIVATIVES"];

/** @param {string} tag @param {string} className @param {string} text */
function made(tag, className, text) {
  const element = document.createElement(tag);
  element.className = className;
  element.textContent = text;
  return element;
}

export class StatusLine {
  /** @type {import("./road.js").Status | null} */ #known = null; // the newest, of an earlier link perhaps
  #brokenAt = 0; // when the road broke, whatever else broke or was mended meanwhile
  #shown = "";
  #spoken = "";

  /**
   * @param {import("./banggia.js").Banggia} feed
   * @param {{road: HTMLElement, phases: HTMLElement, broken: HTMLElement}} places
   * @param {() => void} askForToken
   */
  constructor(feed, places, askForToken) {
    this.feed = feed;
    this.places = places;
    this.askForToken = askForToken;
  }

  /** @returns {import("./road.js").Condition} */
  get condition() {
    return conditionOf(/** @type {any} */ (this.feed.state), this.#known);
  }

  get known() {
    return this.#known;
  }

  /**
   * @param {import("./words.js").Words} words
   * @param {number} heard the exchange's time of the newest row, Unix ms; 0: none
   * @param {number} now Unix ms
   */
  show(words, heard, now) {
    this.#known = /** @type {any} */ (this.feed.status) ?? this.#known;
    const condition = this.condition;
    const status = this.#known;
    const broken = isBroken(condition);
    if (!broken) this.#brokenAt = 0;
    else this.#brokenAt ||= condition === "lost" ? now : (status?.changed_at ?? now);
    const since = this.#brokenAt;
    document.documentElement.dataset.road = condition;
    const isLocked = condition === "lost" && wantsToken(this.feed.error);
    const part = brokenPart(condition, status);
    const word = isLocked ? "locked" : part === "replay" ? "still" : condition;
    const badges = [[`badge ${broken ? "broken" : condition}`, words(`road.${word}`)]];
    if (status?.replay_time != null) badges.push(["badge note replay", words("road.replay_time", { time: moment(status.replay_time) })]);
    if (status?.simulated) badges.push(["badge note simulated", words("road.simulated")]);
    if (heard) badges.push(["heard", words("road.heard", { time: clock(heard) })]);
    // The badges are spoken when they change; the time that moves on each second is not.
    const spoken = JSON.stringify(badges.filter(([name]) => name !== "heard" && !name.includes("replay")));
    this.places.road.setAttribute("aria-live", spoken === this.#spoken ? "off" : "polite");
    this.#spoken = spoken;
    const shown = JSON.stringify(badges);
    if (shown !== this.#shown) this.places.road.replaceChildren(...badges.map(([name, text]) => made("span", name, text)));
    this.#shown = shown;
    this.places.broken.hidden = !broken;
    if (isLocked) this.#showLock(words);
    else if (broken) {
      const detail = condition === "lost" ? "" : (status?.reason ?? "");
      const text = words(`broken.${part}`, { time: clock(since), ago: duration(now - since) }) + (detail ? ` · ${detail}` : "");
      if (this.places.broken.textContent !== text) this.places.broken.textContent = text;
    }
    this.#showPhases(words);
  }

  /** @param {import("./words.js").Words} words */
  #showLock(words) {
    const text = words("broken.token");
    if (this.places.broken.firstChild?.textContent === text) return;
    const enter = made("button", "", words("token.enter"));
    enter.addEventListener("click", () => this.askForToken());
    this.places.broken.replaceChildren(`${text} `, enter);
  }

  /** @param {import("./words.js").Words} words */
  #showPhases(words) {
    const phases = this.#known?.phases ?? {};
    const known = EXCHANGES.filter((exchange) => exchange in phases);
    const text = known.map((exchange) => `${exchange} ${phases[exchange]} ${words(`phase.${phases[exchange]}`)}`).join();
    if (this.places.phases.dataset.of === text) return;
    this.places.phases.dataset.of = text;
    // Where several say the same, it is said once.
    const said = [...new Set(known.map((exchange) => phases[exchange]))];
    this.places.phases.replaceChildren(...said.map((phase) => {
      const exchanges = known.filter((exchange) => phases[exchange] === phase);
      const names = exchanges.length > 1 && said.length === 1 ? ["all"] : exchanges;
      const element = made("span", "", `${names.map((exchange) => words(`exchange.${exchange}`)).join(", ")}: `);
      element.append(made("b", "", words(`phase.${phase}`)));
      return element;
    }));
  }
}
