// What stands above the board of foreign flow: the market to choose, and the sums of the day.
import { shadeOfChange } from "../colours.js";
import { billions, signed } from "../formats.js";

const MARKETS = ["HOSE", "HNX", "UPCOM", "VN30", "HNX30"];

/** @param {HTMLElement} element @param {Record<string, any> | undefined} total @param {string} market @param {import("../words.js").Words} words @param {(market: string) => void} choose */
export function showForeign(element, total, market, words, choose) {
  if (element.dataset.of !== `foreign ${market} ${words("column.symbol")}`) {
    element.dataset.of = `foreign ${market} ${words("column.symbol")}`;
    const choices = document.createElement("div");
    choices.className = "choices";
    for (const name of MARKETS) {
      const button = choices.appendChild(document.createElement("button"));
      button.textContent = words(`tab.${name}`);
      button.setAttribute("aria-pressed", String(name === market));
      button.addEventListener("click", () => choose(name));
    }
    const facts = document.createElement("dl");
    facts.className = "facts";
    const whole = document.createElement("b");
    whole.textContent = words("foreign.all");
    for (const name of ["buy_value", "sell_value", "net_value", "top_buyers", "top_sellers"]) {
      const pair = facts.appendChild(document.createElement("div"));
      pair.appendChild(document.createElement("dt")).textContent = words(`foreign.${name}`);
      pair.appendChild(document.createElement("dd")).dataset.field = name;
    }
    const isFocused = element.contains(document.activeElement);
    const sums = document.createElement("div");
    sums.className = "sums";
    sums.append(whole, facts);
    element.replaceChildren(choices, sums);
    if (isFocused) /** @type {HTMLElement | null} */ (choices.querySelector('[aria-pressed="true"]'))?.focus();
  }
  const say = (/** @type {string} */ name, /** @type {string} */ text, /** @type {string} */ look) => {
    const told = /** @type {HTMLElement} */ (element.querySelector(`[data-field="${name}"]`));
    if (told.textContent !== text) told.textContent = text;
    if (told.className !== look) told.className = look;
  };
  const best = (/** @type {{symbol: string, net_value: number}[]} */ list) =>
    (list ?? []).map((one) => `${one.symbol} ${signed(billions(one.net_value), one.net_value)}`).join(" · ");
  say("buy_value", billions(total?.buy_value), "up");
  say("sell_value", billions(total?.sell_value), "down");
  say("net_value", signed(billions(total?.net_value), total?.net_value), shadeOfChange(total?.net_value));
  say("top_buyers", best(total?.top_buyers), "up");
  say("top_sellers", best(total?.top_sellers), "down");
}
