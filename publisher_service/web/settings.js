// How this browser wants the board. Kept in its storage; a browser that keeps nothing gets the defaults each time.

/**
 * @typedef {object} Settings
 * @property {"" | "vi" | "en"} language empty: the browser's
 * @property {"auto" | "dark" | "light"} theme
 * @property {boolean} marks ▲ ▼ CE FL beside the colours
 * @property {"shares" | "x10" | "x100"} volumes
 * @property {"limits" | "reference"} first which of the day's fixed prices comes first
 * @property {"compact" | "roomy"} density
 * @property {number} interval ms
 * @property {boolean} flashes
 * @property {boolean} arrivals alerts are shown as they come
 */

/** Each with what it may be. @type {Record<string, readonly unknown[]>} */
const CHOICES = {
  language: ["", "vi", "en"],
  theme: ["auto", "dark", "light"],
  marks: [false, true],
  volumes: ["shares", "x10", "x100"],
  first: ["limits", "reference"],
  density: ["compact", "roomy"],
  interval: [500, 100, 250, 1000, 2000, 5000],
  flashes: [true, false],
  arrivals: [true, false],
};
const KEY = "banggia.settings";

/** What is not valid gets its default. @param {unknown} said @returns {Settings} */
export function settingsOf(said) {
  const given = /** @type {Record<string, unknown>} */ (said !== null && typeof said === "object" ? said : {});
  const settings = Object.entries(CHOICES).map(([name, may]) => [name, may.includes(given[name]) ? given[name] : may[0]]);
  return /** @type {Settings} */ (Object.fromEntries(settings));
}

/** @param {Pick<Storage, "getItem">} storage @returns {Settings} */
export function loadSettings(storage) {
  try {
    return settingsOf(JSON.parse(storage.getItem(KEY) ?? "{}"));
  } catch {
    return settingsOf({}); // the storage is forbidden, or somebody else wrote into it
  }
}

/** @param {Pick<Storage, "setItem">} storage @param {Settings} settings */
export function saveSettings(storage, settings) {
  try {
    storage.setItem(KEY, JSON.stringify(settings));
  } catch {
    // forbidden or full: the choice holds until the page is closed
  }
}
