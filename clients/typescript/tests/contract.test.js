// The shared contract cases (clients/contract), in virtual time, with a server that says what the case wants.

import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { test } from "node:test";

import { Banggia } from "../lib/banggia.js";
import { ManualClock, ScriptedServer, settled } from "./scripted.js";

const { messages, cases } = JSON.parse(readFileSync(new URL("../../contract/cases.json", import.meta.url), "utf8"));

/** One client, and what the steps of a case do to it. */
class Run {
  constructor({ tokens, now_ms: nowMs = 0 }) {
    this.clock = new ManualClock(nowMs);
    this.server = new ScriptedServer();
    this.ids = new Map();
    this.tables = new Map();
    this.told = new Map();
    const left = [...(tokens ?? [])];
    this.feed = new Banggia("ws://publisher.test:8000", {
      WebSocket: this.server.Socket,
      clock: this.clock,
      random: () => 0.5,
      token: tokens && (async () => (left.length > 1 ? left.shift() : left[0])),
    });
  }

  table({ channel, ...options }) {
    const table = this.feed.table(channel, options);
    const told = [];
    table.onChange((change) => told.push({ ...change, rows: Object.fromEntries(change.rows) }));
    this.tables.set(channel, table);
    this.told.set(channel, told);
  }

  update({ channel, ...options }) {
    this.tables.get(channel).update(options);
  }

  close_table(channel) {
    this.tables.get(channel).close();
  }

  close() {
    this.feed.close();
  }

  accepts() {
    this.server.accept();
  }

  refuses() {
    this.server.refuse();
  }

  says(said) {
    const message = typeof said === "string" ? messages[said] : said;
    assert.ok(message, `there is no message ${said}`);
    const id = this.ids.has(message.id) ? { id: this.ids.get(message.id) } : {};
    this.server.say(JSON.stringify({ ...message, ...id }));
  }

  says_text(text) {
    this.server.say(text);
  }

  closes(code) {
    this.server.close(code);
  }

  hears(expected) {
    const { id, ...heard } = this.server.heard.shift() ?? assert.fail("nothing more was said");
    if (expected.id) this.ids.set(expected.id, id);
    assert.deepEqual(heard, Object.fromEntries(Object.entries(expected).filter(([name, value]) => name !== "id" && value !== null)));
  }

  hears_nothing() {
    assert.deepEqual(this.server.heard, []);
  }

  hangs_up() {
    assert.ok(this.server.socket.hungUp);
  }

  async pauses_ms(ms) {
    const attempts = this.server.attempts;
    await this.passes_ms(ms - 1);
    assert.equal(this.server.attempts, attempts, "it came back too early");
    await this.passes_ms(1);
    assert.equal(this.server.attempts, attempts + 1, "it did not come back");
  }

  async passes_ms(ms) {
    await this.clock.advance(ms);
  }

  feed_says(expected) {
    this.compare(this.feed, expected);
  }

  holds(expected) {
    for (const [channel, its] of Object.entries(expected)) this.compare(this.tables.get(channel), its);
  }

  changes(expected) {
    for (const [channel, its] of Object.entries(expected)) {
      const told = this.told.get(channel).splice(0);
      assert.deepEqual(told.map((change, at) => named(change, its[at] ?? change)), its);
    }
  }

  compare(thing, expected) {
    const it = named(thing, expected);
    if ("error" in it) it.error = it.error?.code ?? null;
    if ("rows" in it) it.rows = Object.fromEntries(it.rows);
    assert.deepEqual(it, expected);
  }
}

/** Of its members those that are expected. */
function named(thing, expected) {
  return Object.fromEntries(Object.keys(expected).map((name) => [name, thing[name]]));
}

for (const one of cases) {
  test(one.name, async () => {
    const run = new Run(one);
    for (const [at, step] of one.steps.entries()) {
      const [[name, argument]] = Object.entries(step);
      await settled();
      try {
        await run[name === "feed" ? "feed_says" : name](argument);
      } catch (fault) {
        fault.message = `step ${at + 1}, ${name}: ${fault.message}`;
        throw fault;
      }
    }
    run.feed.close();
  });
}
