// Choose a subscription, and see what comes: the newest frames, how many and how large, and the table they make.

import { Connection, command } from "/web/playground/connection.js";

const MAX_FRAMES = 50;
const MAX_CHARACTERS = 600;
const MAX_ROWS = 100;
const PAINT_MS = 250;

const byId = (id) => document.getElementById(id);
const form = byId("wish");
const bytes = new TextEncoder();
const number = new Intl.NumberFormat("en-US");
const FIELDS = ["transport", "channel", "keys", "interval", "mode"];

let connection = null;
let paused = false;
let frames = []; // the newest last: {at, type, size, text}
let counts = { frames: 0, bytes: 0, rows: 0, dataTime: null };
let before = { at: performance.now(), frames: 0, bytes: 0, rows: 0 };

function wish() {
  const given = Object.fromEntries([...FIELDS, "token"].map((name) => [name, form.elements[name].value.trim()]));
  return { ...given, keys: given.keys.replace(/\s*,\s*/g, ",") };
}

function note(message, text) {
  const size = bytes.encode(text).length;
  counts.frames += 1;
  counts.bytes += size;
  if (message.data) {
    counts.rows += Object.keys(message.data).length;
    counts.dataTime = message.time;
  }
  if (paused) return;
  frames.push({ at: new Date(), type: message.type, size, text: text.length > MAX_CHARACTERS ? text.slice(0, MAX_CHARACTERS) + "…" : text });
  if (frames.length > MAX_FRAMES) frames = frames.slice(-MAX_FRAMES);
}

function tell(text, isGood) {
  byId("state").textContent = text;
  byId("state").className = isGood ? "good" : "bad";
}

function begin() {
  end();
  frames = [];
  counts = { frames: 0, bytes: 0, rows: 0, dataTime: null };
  before = { at: performance.now(), frames: 0, bytes: 0, rows: 0 };
  const asked = wish();
  const kept = FIELDS.filter((name) => asked[name]).map((name) => [name, asked[name]]);
  history.replaceState(null, "", "?" + new URLSearchParams(kept)); // without the token
  connection = new Connection(asked, { message: note, state: tell });
  byId("disconnect").disabled = false;
}

function end() {
  connection?.close();
  connection = null;
  byId("disconnect").disabled = true;
}

function element(name, text) {
  const made = document.createElement(name);
  made.textContent = text;
  return made;
}

const cell = (value) => (value == null ? "" : typeof value === "object" ? JSON.stringify(value) : String(value));

function paintTable() {
  const rows = connection?.rows ?? new Map();
  const shown = [...rows.entries()].slice(0, MAX_ROWS);
  const names = [...new Set(shown.flatMap(([, row]) => Object.keys(row)))];
  const head = document.createElement("tr");
  head.append(element("th", "key"), ...names.map((name) => element("th", name)));
  byId("columns").replaceChildren(head);
  byId("rows").replaceChildren(
    ...shown.map(([key, row]) => {
      const line = document.createElement("tr");
      line.append(element("td", key), ...names.map((name) => element("td", cell(row[name]))));
      return line;
    }),
  );
  byId("shown").textContent = rows.size > MAX_ROWS ? `The first ${MAX_ROWS} of ${number.format(rows.size)} rows.` : "";
}

function paintRates() {
  const now = performance.now();
  const seconds = (now - before.at) / 1000;
  if (seconds < 1) return;
  for (const [name, id] of [["frames", "frame-rate"], ["bytes", "byte-rate"], ["rows", "row-rate"]]) {
    byId(id).textContent = number.format(Math.round((counts[name] - before[name]) / seconds));
  }
  before = { at: now, frames: counts.frames, bytes: counts.bytes, rows: counts.rows };
}

function paint() {
  paintRates();
  byId("frame-count").textContent = number.format(counts.frames);
  byId("byte-count").textContent = number.format(counts.bytes);
  byId("row-count").textContent = number.format(connection?.rows.size ?? 0);
  byId("rev").textContent = connection?.rev ?? "–";
  byId("age").textContent = counts.dataTime === null ? "–" : number.format(Math.max(0, Date.now() - counts.dataTime));
  if (!paused) {
    const time = (at) => at.toISOString().slice(11, 23);
    byId("frames").replaceChildren(
      ...[...frames].reverse().map(({ at, type, size, text }) => element("li", `${time(at)} ${type} ${number.format(size)} B  ${text}`)),
    );
    paintTable();
  }
}

async function channels() {
  const described = await (await fetch("/asyncapi.json")).json();
  return described.channels.stream.parameters.channel.enum;
}

form.addEventListener("submit", (event) => {
  event.preventDefault();
  begin();
});
form.addEventListener("input", () => { byId("command").textContent = command(wish()); });
byId("disconnect").addEventListener("click", () => {
  end();
  tell("Not connected.", true);
});
byId("pause").addEventListener("click", () => {
  paused = !paused;
  byId("pause").textContent = paused ? "Go on" : "Pause";
  byId("pause").setAttribute("aria-pressed", paused);
});

try {
  form.elements.channel.append(...(await channels()).map((name) => element("option", name)));
  const asked = new URLSearchParams(location.search);
  for (const name of FIELDS) if (asked.has(name)) form.elements[name].value = asked.get(name);
  byId("command").textContent = command(wish());
  byId("connect").disabled = false;
  if (asked.has("channel")) begin();
  setInterval(paint, PAINT_MS);
} catch (error) {
  tell(`The description of the channels did not come: ${error.message}`, false);
}
