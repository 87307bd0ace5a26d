// A client as a program: JSON lines in (table, update, close), JSON lines out (all it holds, after each thing that it hears).
//
//   node live.js ADDRESS [SECRET]    SECRET: publishers want tokens; it signs one of two seconds for each that is asked for

import { createHmac } from "node:crypto";
import { createInterface } from "node:readline";

import { Banggia } from "../lib/banggia.js";

const [address, secret] = process.argv.slice(2);
const tables = {};
const changes = [];
let tokens = 0;
let links = 0;
let state = "";

const base64url = (value) => Buffer.from(JSON.stringify(value)).toString("base64url");

function signed() {
  tokens += 1;
  const text = `${base64url({ alg: "HS256", typ: "JWT" })}.${base64url({ exp: Math.ceil(Date.now() / 1000) + 2, jti: String(tokens) })}`;
  return `${text}.${createHmac("sha256", secret).update(text).digest("base64url")}`;
}

function tell() {
  const held = Object.entries(tables).map(([channel, table]) => [
    channel,
    { state: table.state, rev: table.rev, epoch: table.epoch, error: table.error?.code ?? null, rows: Object.fromEntries(table.rows) },
  ]);
  const { connected } = feed;
  console.log(JSON.stringify({ state: feed.state, connected, tokens, links, changes, tables: Object.fromEntries(held) }));
}

const feed = new Banggia(address, { token: secret && signed });
feed.onStatus(() => {
  if (feed.state === "open" && state !== "open") links += 1;
  state = feed.state;
  tell();
});

const orders = {
  table({ channel, ...options }) {
    const table = (tables[channel] = feed.table(channel, options));
    table.onState(tell);
    table.onChange(({ reset, from, rev, rows }) => {
      changes.push({ channel, reset, from, rev, rows: rows.size });
      tell();
    });
  },
  update({ channel, ...options }) {
    tables[channel].update(options);
  },
  close() {
    feed.close();
  },
};

createInterface({ input: process.stdin }).on("line", (line) => {
  const [[name, argument]] = Object.entries(JSON.parse(line));
  orders[name](argument);
  tell();
});
