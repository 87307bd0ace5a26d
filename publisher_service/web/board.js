// The first, plain board: prices, indices, futures, foreign flow and the state of the feed, live.

const HEARTBEATS_MISSED = 3;
const tables = { market: new Map(), foreign: new Map(), index: new Map(), derivatives: new Map() };
const positions = {};
const dirty = new Set();
const rows = new Map(); // symbol → its table row and cells
let status = { connected: false, reason: "đang kết nối", heartbeat_ms: 15000 };
const awaiting = new Set(); // channels whose snapshot was asked for: what still comes is of the keys before
let socket, silence, pause, losses = 0;

const byId = (id) => document.getElementById(id);
const number = new Intl.NumberFormat("en-US");
const volume = (value) => (value ? number.format(value) : "");
const isPoints = (row) => row.exchange === "DERIVATIVES";
const price = (row, value) =>
  value == null ? "" : isPoints(row) ? value.toFixed(1) : (value / 1000).toFixed(2);
const inVietnam = new Intl.DateTimeFormat("vi-VN", { timeZone: "Asia/Ho_Chi_Minh", dateStyle: "short", timeStyle: "medium" });
const signed = (text, value) => (value > 0 ? "+" + text : text);

const phases = {
  pre_open: "trước giờ", ato: "ATO", continuous: "liên tục", break: "nghỉ trưa", atc: "ATC",
  put_through: "thỏa thuận", plo: "PLO", closed: "đóng cửa",
};

/** The colour of a price: ceiling and floor come before the sign. */
function colour(row, value) {
  if (value == null) return "";
  if (value === row.ceiling) return "c";
  if (value === row.floor) return "f";
  if (value === row.reference) return "r";
  return value > row.reference ? "u" : "d";
}

function level(row, side, n) {
  const [value, size] = row[side]?.[n] ?? [];
  if (size === undefined) return [["", ""], ["", ""]];
  const shade = colour(row, value);
  return [[value == null ? "ATO/ATC" : price(row, value), shade], [volume(size), shade]];
}

/** The cells of a symbol's row: [text, colour] each. */
function cells(symbol, row) {
  const foreign = tables.foreign.get(symbol) ?? {};
  const shade = colour(row, row.last);
  const bids = [level(row, "bids", 1), level(row, "bids", 0)].flat();
  const asks = [level(row, "asks", 0), level(row, "asks", 1)].flat();
  return [
    [symbol, shade], [price(row, row.ceiling), "c"], [price(row, row.floor), "f"], [price(row, row.reference), "r"],
    ...bids,
    [price(row, row.last), shade], [volume(row.last_volume), shade],
    [row.change == null ? "" : signed(price(row, row.change), row.change), shade],
    [row.change_pct == null ? "" : signed(row.change_pct.toFixed(2), row.change_pct), shade],
    ...asks,
    [volume(row.total_volume), ""], [price(row, row.high), colour(row, row.high)],
    [price(row, row.average), colour(row, row.average)], [price(row, row.low), colour(row, row.low)],
    [volume(foreign.buy_volume), ""], [volume(foreign.sell_volume), ""], [volume(foreign.current_room), ""],
  ];
}

function paintRow(symbol) {
  const row = tables.market.get(symbol);
  let painted = rows.get(symbol);
  if (!row || !symbol.includes(byId("filter").value.trim().toUpperCase())) {
    painted?.element.remove();
    rows.delete(symbol);
    return;
  }
  const wanted = cells(symbol, row);
  if (!painted) {
    const element = document.createElement("tr");
    painted = { element, texts: wanted.map(() => element.appendChild(document.createElement("td")).appendChild(new Text(""))) };
    const next = [...rows.keys()].filter((other) => other > symbol).sort()[0];
    document.querySelector("tbody").insertBefore(element, next ? rows.get(next).element : null);
    rows.set(symbol, painted);
  }
  wanted.forEach(([text, shade], at) => {
    const node = painted.texts[at];
    if (node.data === text) return;
    const cell = node.parentNode;
    const first = node.data === "";
    node.data = text;
    cell.className = first ? shade : `${shade} ${cell.classList.contains("a") ? "b" : "a"}`;
  });
}

function card(name, value, change, percent, more, direction) {
  const shade = direction > 0 ? "u" : direction < 0 ? "d" : "r";
  const element = document.createElement("div");
  element.className = "card";
  const title = element.appendChild(document.createElement("b"));
  title.textContent = name;
  const figures = element.appendChild(document.createElement("div"));
  figures.className = shade;
  figures.textContent = value == null ? "–" : `${value}  ${change}  ${percent}`;
  element.appendChild(document.createElement("small")).textContent = more;
  return element;
}

function paintCards() {
  const wanted = ["VNINDEX", "VN30", "HNXIndex", "HNX30", "HNXUpcomIndex"];
  byId("indices").replaceChildren(...wanted.filter((id) => tables.index.has(id)).map((id) => {
    const row = tables.index.get(id);
    return card(id === "HNXUpcomIndex" ? "UPCOM" : id, row.value?.toFixed(2), signed(row.change?.toFixed(2), row.change),
      `${signed(row.change_pct?.toFixed(2), row.change)}%`,
      `▲${row.advances ?? 0} ■${row.unchanged ?? 0} ▼${row.declines ?? 0} · ${((row.total_value ?? 0) / 1e9).toFixed(0)} tỷ`, row.change);
  }));
  byId("futures").replaceChildren(...[...tables.derivatives].sort().map(([code, row]) =>
    card(`${row.name ?? code} · ${code}`, row.last?.toFixed(1), signed(row.change?.toFixed(1), row.change),
      `${signed(row.change_pct?.toFixed(2), row.change)}%`, `basis ${row.basis?.toFixed(2) ?? "–"} · KL ${volume(row.total_volume)}`, row.change)));
  const total = tables.foreign.get("_total");
  byId("foreign").textContent = total ? `NN ròng ${(total.net_value / 1e9).toFixed(1)} tỷ` : "";
}

function paintStatus() {
  const link = byId("link");
  link.className = status.connected ? "live" : "broken";
  link.textContent = status.connected ? (status.feed === "quiet" ? "Nghỉ" : status.replay_time == null ? "Trực tiếp" : "Phát lại") : `Mất kết nối · ${status.reason ?? ""}`;
  document.querySelector("main").className = status.connected ? "" : "stale";
  byId("simulated").hidden = !status.simulated;
  byId("replay").hidden = status.replay_time == null;
  byId("replay").textContent = status.replay_time == null ? "" : `Phát lại · replay ${inVietnam.format(status.replay_time)}`;
  byId("phases").textContent = Object.entries(status.phases ?? {}).map(([name, phase]) => `${name}: ${phases[phase] ?? phase}`).join(" · ");
}

function paint() {
  for (const symbol of dirty) paintRow(symbol);
  dirty.clear();
  paintCards();
}

function mark(symbol) {
  if (!dirty.size) requestAnimationFrame(paint);
  dirty.add(symbol);
}

function take(message) {
  const table = tables[message.channel];
  if (message.type === "snapshot" && (message.part ?? 1) === 1) {
    for (const key of table.keys()) mark(key);
    table.clear();
    awaiting.delete(message.channel);
    byId("problem").textContent = "";
    delete positions[message.channel]; // of a half snapshot nothing can be resumed
  } else if (awaiting.has(message.channel)) {
    return;
  } else if (message.type === "update" && !(message.from <= positions[message.channel]?.rev)) {
    return subscribe(message.channel); // a gap: say where we stand, and be brought to now
  }
  for (const [key, row] of Object.entries(message.data)) {
    row === null ? table.delete(key) : table.set(key, { ...table.get(key), ...row });
    mark(key);
  }
  if ((message.part ?? 1) === (message.parts ?? 1)) {
    positions[message.channel] = { rev: message.rev, position: message.position };
  }
}

function subscribe(channel) {
  const all = channel === "index" || channel === "derivatives";
  const group = `@${byId("group").value}`;
  if (!positions[channel]) awaiting.add(channel);
  const keys = all ? undefined : channel === "foreign" ? [group, "_total"] : [group];
  socket.send(JSON.stringify({ type: "subscribe", channel, keys, mode: "fields", since: positions[channel]?.position }));
}

function alive() {
  clearTimeout(silence);
  silence = setTimeout(() => socket.close(), HEARTBEATS_MISSED * status.heartbeat_ms);
}

function connect() {
  socket = new WebSocket(`${location.protocol === "https:" ? "wss" : "ws"}://${location.host}/ws`);
  socket.onopen = () => {
    alive();
    // From behind the #: that part of an address is never sent, so it stands in no log.
    const token = new URLSearchParams(location.hash.slice(1)).get("token");
    if (token) socket.send(JSON.stringify({ type: "auth", token }));
    Object.keys(tables).forEach(subscribe);
  };
  socket.onmessage = ({ data }) => {
    alive();
    const message = JSON.parse(data);
    if (message.type === "status") { losses = 0; status = message; paintStatus(); }
    else if (message.type === "goodbye") pause = message.reconnect_after_ms;
    else if (message.type === "error") byId("problem").textContent = message.message;
    else if (message.type === "snapshot" || message.type === "update") take(message);
  };
  socket.onclose = ({ code }) => {
    clearTimeout(silence);
    status = { ...status, connected: false, reason: code === 4401 ? "cần mã truy cập: #token=…" : "đang kết nối lại" };
    paintStatus();
    setTimeout(connect, pause ?? Math.random() * Math.min(30000, 500 * 2 ** losses++)); // full jitter
    pause = undefined;
  };
}

byId("filter").oninput = () => { for (const symbol of tables.market.keys()) mark(symbol); };
byId("group").onchange = () => {
  for (const channel of ["market", "foreign"]) {
    for (const key of tables[channel].keys()) mark(key);
    tables[channel].clear(); // rows of another group must not stay, as if they were of this one
    delete positions[channel];
    subscribe(channel);
  }
};
addEventListener("keydown", (event) => {
  if (event.key === "/" && document.activeElement !== byId("filter")) { event.preventDefault(); byId("filter").focus(); }
});
connect();
