import assert from "node:assert/strict";
import { test } from "node:test";
import * as formats from "../../publisher_service/web/formats.js";

test("prices are thousand VND with two decimals, points have one", () => {
  assert.equal(formats.price(69900), "69.90");
  assert.equal(formats.price(1234560), "1,234.56");
  assert.equal(formats.price(10055), "10.06");
  assert.equal(formats.price(1894.2, true), "1,894.2");
  assert.equal(formats.price(-10.2, true), "-10.2");
});

test("what is not known, and no volume, is an empty cell and never zero", () => {
  assert.deepEqual([formats.price(null), formats.price(undefined), formats.volume(null), formats.volume(0), formats.percent(null)], ["", "", "", "", ""]);
});

test("volumes have a comma every three digits, in the unit that is chosen", () => {
  assert.equal(formats.volume(12345600), "12,345,600");
  assert.equal(formats.volume(12345600, "x10"), "1,234,560");
  assert.equal(formats.volume(12345600, "x100"), "123,456");
});

test("a rise has a plus, and what rounds to zero has no sign", () => {
  assert.equal(formats.signed(formats.price(300), 300), "+0.30");
  assert.equal(formats.signed(formats.price(-300), -300), "-0.30");
  assert.equal(formats.signed(formats.billions(1000), 1000), "0.00");
  assert.equal(formats.billions(-1000), "0.00");
  assert.equal(formats.percent(6.97), "+6.97");
});

test("values are billions, times are those of Vietnam", () => {
  assert.equal(formats.billions(387852650000), "387.85");
  assert.equal(formats.clock(Date.UTC(2026, 10, 23, 2, 15, 7)), "09:15:07");
  assert.equal(formats.moment(Date.UTC(2026, 10, 23, 18, 0, 0)), "24/11/2026 01:00:00");
  assert.deepEqual([9_900, 185_000, 3_723_000, -5].map(formats.duration), ["9 s", "3:05", "1:02:03", "0 s"]);
});

test("index futures are in points, bond futures and shares are not", () => {
  const future = { exchange: "DERIVATIVES" };
  assert.equal(formats.inPoints("41I1GC000", future), true);
  assert.equal(formats.inPoints("41B5GC000", future), false);
  assert.equal(formats.inPoints("SSI", { exchange: "HOSE" }), false);
});
