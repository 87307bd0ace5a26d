// A server and a clock that do only what a test says.

import assert from "node:assert/strict";

/** Whatever could go on without time passing has gone on. */
export const settled = () => new Promise((resolve) => setImmediate(resolve));

export class ManualClock {
  #timers = new Set();
  #now;

  constructor(nowMs = 0) {
    this.#now = nowMs;
  }

  now() {
    return this.#now;
  }

  after(ms, call) {
    const timer = { at: this.#now + ms, call };
    this.#timers.add(timer);
    return () => this.#timers.delete(timer);
  }

  async advance(ms) {
    const end = this.#now + ms;
    for (;;) {
      const [next] = [...this.#timers].filter(({ at }) => at <= end).sort((one, other) => one.at - other.at);
      if (!next) break;
      this.#timers.delete(next);
      this.#now = Math.max(this.#now, next.at);
      next.call();
      await settled();
    }
    this.#now = end;
  }
}

/** What the newest connection's other end says and hears. */
export class ScriptedServer {
  attempts = 0;
  heard = [];
  socket = null;

  constructor() {
    const server = this;
    this.Socket = class {
      readyState = 0;
      hungUp = false;
      onopen = null;
      onmessage = null;
      onclose = null;
      onerror = null;

      constructor(address) {
        server.attempts += 1;
        server.address = address;
        server.heard = [];
        server.socket = this;
      }

      send(text) {
        assert.equal(this.readyState, 1);
        server.heard.push(JSON.parse(text));
      }

      close() {
        this.hungUp = true;
        this.readyState = 2;
      }
    };
  }

  accept() {
    assert.equal(this.socket?.readyState, 0, "nobody wants to be let in");
    this.socket.readyState = 1;
    this.socket.onopen({});
  }

  refuse() {
    assert.equal(this.socket?.readyState, 0, "nobody wants to be let in");
    this.socket.onerror({});
    this.close(1006);
  }

  say(data) {
    assert.equal(this.socket.readyState, 1, "the client has hung up");
    this.socket.onmessage({ data });
  }

  close(code) {
    this.socket.readyState = 3;
    this.socket.onclose({ code, reason: "" });
  }
}
