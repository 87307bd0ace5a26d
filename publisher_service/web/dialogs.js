// What opens above the board: settings, help, a list's name, a token.

/** @typedef {import("./words.js").Words} Words */
/** @typedef {import("./settings.js").Settings} Settings */

/** @param {Words} words @param {string} title @param {Node[]} content @param {Node[]} [buttons] @returns {HTMLDialogElement} */
function opened(words, title, content, buttons = []) {
  document.querySelector("dialog")?.remove();
  const dialog = document.body.appendChild(document.createElement("dialog"));
  const heading = dialog.appendChild(document.createElement("h2"));
  heading.textContent = title;
  heading.id = "dialog-title";
  dialog.setAttribute("aria-labelledby", heading.id);
  const row = document.createElement("div");
  row.className = "buttons";
  row.append(...buttons, button(words("dialog.close"), () => dialog.close()));
  dialog.append(...content, row);
  dialog.addEventListener("close", () => dialog.remove());
  dialog.addEventListener("click", (event) => {
    if (event.target === dialog) dialog.close(); // beside it
  });
  dialog.showModal();
  return dialog;
}

/** @param {string} text @param {() => void} act */
function button(text, act) {
  const made = document.createElement("button");
  made.type = "button";
  made.textContent = text;
  made.addEventListener("click", act);
  return made;
}

/** @param {string} label @param {HTMLElement} control */
function field(label, control) {
  const made = document.createElement("label");
  made.className = "field";
  made.append(label, control);
  return made;
}

/** @param {readonly (readonly [string | number, string])[]} choices @param {string | number} value @param {(value: string) => void} take */
export function choice(choices, value, take) {
  const select = document.createElement("select");
  for (const [name, text] of choices) select.add(new Option(text, String(name), false, name === value));
  select.addEventListener("change", () => take(select.value));
  return select;
}

/** @param {Words} words @param {Settings} settings @param {readonly number[]} intervals @param {(patch: Partial<Settings>) => void} change */
export function showSettings(words, settings, intervals, change) {
  const named = (/** @type {string} */ name, /** @type {string[]} */ values) =>
    choice(values.map((value) => /** @type {const} */ ([value, words(`settings.${name}.${value || "auto"}`)])), /** @type {any} */ (settings)[name], (value) => change({ [name]: value }));
  const yes = (/** @type {"marks" | "flashes" | "arrivals"} */ name) => {
    const box = document.createElement("input");
    box.type = "checkbox";
    box.name = name;
    box.checked = settings[name];
    box.addEventListener("change", () => change({ [name]: box.checked }));
    return box;
  };
  opened(words, words("settings.title"), [
    field(words("settings.language"), named("language", ["", "vi", "en"])),
    field(words("settings.theme"), named("theme", ["auto", "dark", "light"])),
    field(words("settings.density"), named("density", ["compact", "roomy"])),
    field(words("settings.marks"), yes("marks")),
    field(words("settings.flashes"), yes("flashes")),
    field(words("settings.arrivals"), yes("arrivals")),
    field(words("settings.volumes"), named("volumes", ["shares", "x10", "x100"])),
    field(words("settings.first"), named("first", ["limits", "reference"])),
    field(words("settings.interval"), choice(intervals.map((ms) => /** @type {const} */ ([ms, `${ms / 1000} s`])), settings.interval, (value) => change({ interval: Number(value) }))),
  ]);
}

const KEYS = ["/", "↑ ↓", "Enter", "Esc", "← →", "1 … 9", "s", "f", "?"];

/** @param {Words} words */
export function showHelp(words) {
  const keys = document.createElement("dl");
  for (const key of KEYS) {
    keys.appendChild(document.createElement("dt")).appendChild(document.createElement("kbd")).textContent = key;
    keys.appendChild(document.createElement("dd")).textContent = words(`help.${key}`);
  }
  const colours = document.createElement("dl");
  for (const shade of ["ceiling", "up", "reference", "down", "floor"]) {
    const name = colours.appendChild(document.createElement("dt"));
    name.className = shade;
    name.textContent = words(`legend.${shade}`);
    colours.appendChild(document.createElement("dd")).textContent = words(`help.${shade}`);
  }
  const notes = ["expected", "units", "merged"].map((name) => Object.assign(document.createElement("p"), { textContent: words(`help.${name}`), className: "note" }));
  opened(words, words("help.title"), [keys, colours, ...notes]);
}

/**
 * Ask for a line of text.
 * @param {Words} words @param {string} title @param {string} label @param {"text" | "password"} type
 * @param {(text: string) => boolean} take says whether it will do
 * @param {string} [why] said above
 */
export function askFor(words, title, label, type, take, why = "") {
  const form = document.createElement("form");
  const input = document.createElement("input");
  input.type = type;
  input.required = true;
  input.autocomplete = "off";
  if (why) form.appendChild(Object.assign(document.createElement("p"), { className: "note", textContent: why }));
  form.append(field(label, input));
  const send = button(words("dialog.ok"), () => form.requestSubmit());
  const dialog = opened(words, title, [form], [send]);
  form.addEventListener("submit", (event) => {
    event.preventDefault();
    if (take(input.value.trim())) dialog.close();
    else {
      input.setCustomValidity(words("dialog.wrong"));
      input.reportValidity();
    }
  });
  input.addEventListener("input", () => input.setCustomValidity(""));
  input.focus();
}
