// One subscription, over a websocket or as server-sent events, kept up by the client's rule.

const LONGEST_PAUSE_MS = 20_000;

/** The parameters of an address, without those that are empty. */
function query(wish, more = {}) {
  const { keys, interval, mode } = wish;
  const given = Object.entries({ keys, interval, mode, ...more }).filter(([, value]) => value);
  const text = new URLSearchParams(given).toString().replaceAll("%40", "@").replaceAll("%2C", ",");
  return text && `?${text}`;
}

/** What brings the same in a terminal; a token is not shown. */
export function command(wish) {
  const here = location.host;
  const secure = location.protocol === "https:" ? "s" : "";
  if (wish.transport === "events") {
    const token = wish.token ? ' -H "Authorization: Bearer $TOKEN"' : "";
    return `curl -N${token} '${location.protocol}//${here}/sse/${wish.channel}${query(wish)}'`;
  }
  const token = wish.token ? ' -H "Authorization: Bearer $TOKEN"' : "";
  return `websocat${token} 'ws${secure}://${here}/ws/${wish.channel}${query(wish)}'`;
}

export class Connection {
  #wish;
  #told;
  #socket = null;
  #losses = 0;
  #pause = 0;
  #silence = 0;
  #heartbeatMs = 15_000;
  position = null;
  rev = null;
  rows = new Map();

  /** `told.message(message, text)`, `told.state(text, isGood)`. */
  constructor(wish, told) {
    this.#wish = wish;
    this.#told = told;
    this.#open();
  }

  close() {
    clearTimeout(this.#pause);
    clearTimeout(this.#silence);
    this.#end();
  }

  #end() {
    const socket = this.#socket;
    this.#socket = null; // what it still says counts no more
    socket?.close();
  }

  #open() {
    this.#told.state("Connecting…", true);
    this.#hear();
    if (this.#wish.transport === "events") this.#openEvents();
    else this.#openWebsocket();
  }

  #openWebsocket() {
    const { channel, keys, interval, mode, token } = this.#wish;
    const socket = new WebSocket(location.origin.replace(/^http/, "ws") + "/ws");
    this.#socket = socket;
    socket.onopen = () => {
      if (token) socket.send(JSON.stringify({ type: "auth", token }));
      const wish = { type: "subscribe", channel, mode };
      if (keys) wish.keys = keys.split(",");
      if (interval) wish.interval = Number(interval);
      if (this.position) wish.since = this.position;
      socket.send(JSON.stringify(wish));
    };
    socket.onmessage = (event) => socket === this.#socket && this.#take(event.data);
    socket.onclose = (event) => {
      if (socket !== this.#socket) return;
      this.#comeBack(event.code === 1006 ? "Lost, or refused" : `Closed: ${event.code} ${event.reason}`);
    };
  }

  #openEvents() {
    // A browser sets no header here, so a token stands in the address.
    const address = query(this.#wish, { token: this.#wish.token, since: this.position });
    const stream = `/sse/${encodeURIComponent(this.#wish.channel)}${address}`;
    const source = new EventSource(stream);
    this.#socket = source;
    source.onmessage = (event) => source === this.#socket && this.#take(event.data);
    source.onerror = () => {
      if (source !== this.#socket) return;
      if (source.readyState === EventSource.CLOSED) this.#refused(source, stream); // else the browser comes back by itself
      else this.#told.state("Lost; the browser comes back…", false);
    };
  }

  /** A page is not told why: ask once more, to read the answer. */
  async #refused(source, stream) {
    const asking = new AbortController();
    let problem = "Lost";
    let isOurs = false;
    try {
      const answer = await fetch(stream, { signal: asking.signal });
      if (!answer.ok) problem = `${answer.status}: ${(await answer.json()).detail}`;
      isOurs = [400, 401, 403, 404].includes(answer.status);
    } catch {
      // Nobody answers, or not in JSON.
    }
    asking.abort();
    if (source !== this.#socket) return;
    if (!isOurs) {
      this.#comeBack(problem);
      return;
    }
    this.close();
    this.#told.state(problem, false);
  }

  #comeBack(reason) {
    this.#end();
    clearTimeout(this.#silence);
    const waitMs = Math.random() * Math.min(LONGEST_PAUSE_MS, 1000 * 2 ** this.#losses);
    this.#losses += 1;
    this.#told.state(`${reason}. Again in ${(waitMs / 1000).toFixed(1)} s.`, false);
    clearTimeout(this.#pause);
    this.#pause = setTimeout(() => this.#open(), waitMs);
  }

  #hear() {
    clearTimeout(this.#silence);
    this.#silence = setTimeout(() => this.#comeBack("Nothing heard"), 3 * this.#heartbeatMs);
  }

  #take(text) {
    const message = JSON.parse(text);
    this.#hear();
    if (message.type === "status") {
      this.#heartbeatMs = message.heartbeat_ms;
      this.#told.state(message.connected ? "Connected." : `Connected; the data is old: ${message.reason ?? message.feed}`, message.connected);
    } else if (message.type === "error") {
      this.#told.state(`${message.code}: ${message.message}`, false);
    }
    this.#told.message(message, text);
    if (message.type === "snapshot" || message.type === "update") this.#merge(message);
  }

  #merge(message) {
    const { type, from, rev, position, data, part = 1, parts = 1 } = message;
    this.#losses = 0;
    if (type === "snapshot") {
      if (part === 1) this.rows.clear();
      this.position = this.rev = null; // in the middle of a snapshot there is none
    } else if (this.rev === null || from > this.rev) {
      this.#comeBack("Something is missing");
      return;
    } else if (rev < this.rev) {
      return;
    }
    for (const [key, row] of Object.entries(data)) {
      if (row === null) this.rows.delete(key);
      else this.rows.set(key, { ...this.rows.get(key), ...row });
    }
    if (part === parts) [this.rev, this.position] = [rev, position];
  }
}
