import assert from "node:assert/strict";
import { test } from "node:test";
import { Tally } from "../../publisher_service/web/tally.js";

test("several matches that one row told of are counted as merged", () => {
  const tally = new Tally();
  tally.note("SSI", 10, 0);
  assert.equal(tally.note("SSI", 14, 500), 4);
  assert.deepEqual(tally.lastMinute(1000), { trades: 4, rows: 1, merged: 3 });
});

test("the first row of a symbol, and a new day, tell of nothing merged", () => {
  const tally = new Tally();
  tally.note("SSI", 500, 0);
  assert.equal(tally.note("SSI", 3, 1), 0);
  assert.equal(tally.note("FPT", undefined, 1), 0);
  assert.deepEqual(tally.lastMinute(2), { trades: 0, rows: 0, merged: 0 });
});

test("a tab that comes back tells of nothing that was merged while it was away", () => {
  const tally = new Tally();
  tally.note("SSI", 1, 0);
  tally.begin("SSI", 900);
  assert.equal(tally.note("SSI", 901, 1), 1);
  assert.deepEqual(tally.lastMinute(2), { trades: 1, rows: 1, merged: 0 });
});

test("what is older than a minute does not count", () => {
  const tally = new Tally();
  tally.note("SSI", 1, 0);
  tally.note("SSI", 3, 1000);
  tally.note("SSI", 4, 62_000);
  assert.deepEqual(tally.lastMinute(62_000), { trades: 1, rows: 1, merged: 0 });
});
