// What the contract does not say: loops, listeners, faults of the caller's own.

import assert from "node:assert/strict";
import { test } from "node:test";

import { Banggia, BanggiaError } from "../lib/banggia.js";
import { ManualClock, ScriptedServer, settled } from "./scripted.js";

const STATUS = { type: "status", protocol: 1, connected: true, heartbeat_ms: 15000 };

function made(options = {}) {
  const clock = new ManualClock();
  const server = new ScriptedServer();
  const feed = new Banggia("ws://publisher.test", { WebSocket: server.Socket, clock, random: () => 0.5, ...options });
  const say = (message) => server.say(JSON.stringify(message));
  return { clock, server, feed, say };
}

/** A feed whose table of the market holds SSI and FPT, at revision 10. */
function live(options) {
  const one = made(options);
  const table = one.feed.table("market");
  one.server.accept();
  one.say(STATUS);
  const { id } = one.server.heard.shift();
  const data = { SSI: { last: 100, volume: 1 }, FPT: { last: 200, volume: 2 } };
  one.say({ type: "snapshot", id, channel: "market", epoch: "e", rev: 10, position: "e.10.f", time: 1, interval: 500, data });
  const update = (from, rev, changed) =>
    one.say({ type: "update", channel: "market", from, rev, position: `e.${rev}.f`, time: rev, data: changed });
  return { ...one, table, update };
}

const plain = (change) => ({ ...change, rows: Object.fromEntries(change.rows) });

test("a loop begins with the rows that are held", async () => {
  const { table } = live();

  const { value } = await table[Symbol.asyncIterator]().next();

  assert.deepEqual(plain(value), {
    reset: true, from: 0, rev: 10, time: 1, rows: { SSI: { last: 100, volume: 1 }, FPT: { last: 200, volume: 2 } },
  });
});

test("a loop that is slow gets changes merged by key, and each of two loops gets all", async () => {
  const { table, update } = live();
  const loops = [table[Symbol.asyncIterator](), table[Symbol.asyncIterator]()];
  for (const loop of loops) await loop.next();

  update(10, 11, { SSI: { last: 101 }, FPT: null });
  update(11, 12, { SSI: { volume: 5 }, FPT: { last: 201, volume: 3 } });
  update(12, 13, { SSI: { last: 102 } });

  for (const loop of loops) {
    assert.deepEqual(plain((await loop.next()).value), {
      reset: false, from: 10, rev: 13, time: 13, rows: { SSI: { last: 102, volume: 5 }, FPT: { last: 201, volume: 3 } },
    });
  }
});

test("in a loop that is slow a whole table stays one, whatever leaves it", async () => {
  const { table, update } = live();
  const loop = table[Symbol.asyncIterator]();
  const first = loop.next();
  await first;
  const late = table[Symbol.asyncIterator]();
  const begun = late.next();
  await begun;
  update(10, 11, { SSI: { last: 101 } });
  table.update({ keys: ["VNM"] });

  const pending = late.next();
  await settled();
  assert.equal(table.state, "loading");
  table.close();

  assert.deepEqual(await pending, { done: true, value: undefined });
});

test("a loop ends with the feed, and one that waits is woken", async () => {
  const { feed, table } = live();
  const changes = [];
  const loop = (async () => {
    for await (const change of table) changes.push(change);
  })();
  await settled();

  feed.close();
  await loop;

  assert.equal(changes.length, 1);
  assert.equal(table.state, "closed");
});

test("a loop over a table that has failed throws what was wrong", async () => {
  const { feed, server, say } = made();
  const table = feed.table("trades");
  server.accept();
  say(STATUS);
  const next = table[Symbol.asyncIterator]().next();
  const { id } = server.heard.shift();

  say({ type: "error", id, code: "keys_required", message: "name symbols" });

  await assert.rejects(next, (fault) => fault instanceof BanggiaError && fault.code === "keys_required");
});

test("a loop that is left listens no more", async () => {
  const { table, update } = live();

  for await (const change of table) {
    assert.equal(change.rev, 10);
    break;
  }
  update(10, 11, { SSI: { last: 101 } });

  assert.equal(table.rev, 11);
});

test("a row that was taken out stays as it was, and the map is the same for ever", () => {
  const { table, update } = live();
  const { rows } = table;
  const before = rows.get("SSI");

  update(10, 11, { SSI: { last: 101 } });

  assert.deepEqual(before, { last: 100, volume: 1 });
  assert.deepEqual(rows.get("SSI"), { last: 101, volume: 1 });
  assert.equal(table.rows, rows);
});

test("a listener is told after the table took a change, and in the state that it is in then", () => {
  const { feed, server, say } = made();
  const table = feed.table("market");
  const told = [];
  table.onState((state) => told.push(state));
  table.onChange(({ rev }) => told.push([rev, table.rev, table.state]));
  server.accept();
  say(STATUS);
  const { id } = server.heard.shift();

  say({ type: "snapshot", id, channel: "market", epoch: "e", rev: 3, position: "p", time: 1, interval: 500, data: {} });
  server.close(1011);

  assert.deepEqual(told, ["live", [3, 3, "live"], "stale"]);
});

test("a listener that throws is reported, and stops nobody", async () => {
  const { table, update } = live();
  const told = [];
  table.onChange(() => {
    throw new Error("of the listener");
  });
  table.onChange(({ rev }) => told.push(rev));
  const reported = new Promise((resolve) => process.setUncaughtExceptionCaptureCallback(resolve));

  update(10, 11, { SSI: { last: 101 } });

  assert.equal((await reported).message, "of the listener");
  process.setUncaughtExceptionCaptureCallback(null);
  assert.deepEqual(told, [11]);
});

test("who stops listening hears nothing more", () => {
  const { feed, table, update, say } = live();
  const told = [];
  const stops = [table.onChange((change) => told.push(change)), feed.onStatus((status) => told.push(status))];

  for (const stop of stops) stop();
  update(10, 11, { SSI: { last: 101 } });
  say(STATUS);

  assert.deepEqual(told, []);
});

test("a listener of the status hears when the link opens, what it says, and when it is lost", async () => {
  const { clock, server, feed, say } = made();
  const told = [];
  feed.onStatus((status) => told.push([feed.state, status?.connected ?? null]));

  server.accept();
  say(STATUS);
  say({ ...STATUS, connected: false });
  server.close(1006);
  await clock.advance(250);

  assert.deepEqual(told, [["open", true], ["open", false], ["waiting", null], ["connecting", null]]);
});

test("a publisher that accepts and says nothing is given up after 15 seconds", async () => {
  const { clock, server, feed } = made();
  server.accept();

  await clock.advance(14_999);
  assert.equal(feed.state, "connecting");
  await clock.advance(1);

  assert.equal(feed.state, "waiting");
  assert.equal(feed.error.code, "silent");
  assert.ok(server.socket.hungUp);
});

test("what an earlier connection still says is not heard", async () => {
  const { clock, server, table, update } = live();
  const earlier = server.socket;
  server.close(1006);
  await clock.advance(250);

  earlier.onmessage({ data: JSON.stringify({ type: "update", channel: "market", from: 10, rev: 11, position: "p", time: 1, data: {} }) });
  earlier.onclose({ code: 1006, reason: "" });

  assert.equal(table.rev, 10);
  assert.equal(server.socket.readyState, 0);
});

test("a function that brings no token is asked again, later and later", async () => {
  let asked = 0;
  const token = async () => {
    asked += 1;
    throw new Error("the shop is closed");
  };
  const { clock, server, feed } = made({ token });
  await settled();
  assert.equal(feed.state, "waiting");
  assert.equal(feed.error.code, "token");

  await clock.advance(250);
  await clock.advance(499);
  assert.equal(asked, 2);
  await clock.advance(1);

  assert.equal(asked, 3);
  assert.equal(server.attempts, 0);
});

test("a function for tokens that never answers does not stop the feed for ever", async () => {
  let asked = 0;
  const { clock } = made({
    token: () => {
      asked += 1;
      return new Promise(() => {});
    },
  });

  await clock.advance(15_250);

  assert.equal(asked, 2);
});

test("a socket that cannot be made is an attempt that failed", () => {
  class Forbidden {
    constructor() {
      throw new Error("insecure");
    }
  }

  const { feed } = made({ WebSocket: Forbidden });

  assert.equal(feed.state, "waiting");
  assert.equal(feed.error.code, "unreachable");
});

test("a channel has one table at a time", () => {
  const { feed, table } = live();

  assert.throws(() => feed.table("market"), /update or close/);
  table.close();
  const other = feed.table("market");

  assert.equal(other.state, "loading");
  assert.throws(() => table.update({ interval: 1000 }), /closed/);
});

for (const [given, address] of [
  ["ws://localhost:8000", "ws://localhost:8000/ws"],
  ["https://board.example", "wss://board.example/ws"],
  ["http://board.example:81/path/#token=x", "ws://board.example:81/path/ws"],
  ["wss://board.example/ws", "wss://board.example/ws"],
]) {
  test(`the address ${given} means ${address}`, () => {
    const server = new ScriptedServer();

    new Banggia(given, { WebSocket: server.Socket, clock: new ManualClock() });

    assert.equal(server.address, address);
  });
}

test("what is no address is told at once", () => {
  for (const wrong of ["localhost", "ftp://localhost", ""]) {
    assert.throws(() => new Banggia(wrong, { WebSocket: new ScriptedServer().Socket }), TypeError);
  }
});

test("where there is no WebSocket one is told what to do", () => {
  const kept = Object.getOwnPropertyDescriptor(globalThis, "WebSocket");
  delete globalThis.WebSocket;
  try {
    assert.throws(() => new Banggia("ws://localhost"), /option WebSocket/);
  } finally {
    if (kept) Object.defineProperty(globalThis, "WebSocket", kept);
  }
});
