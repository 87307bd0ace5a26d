import assert from "node:assert/strict";
import { test } from "node:test";
import { MARKS, shadeOf, shadeOfChange } from "../../publisher_service/web/colours.js";

const row = { ceiling: 33200, floor: 28900, reference: 31050 };

test("ceiling and floor come before the sign", () => {
  assert.equal(shadeOf(row, 33200), "ceiling");
  assert.equal(shadeOf(row, 28900), "floor");
});

test("up, down and reference are told by the reference price", () => {
  assert.deepEqual([31100, 31050, 31000].map((value) => shadeOf(row, value)), ["up", "reference", "down"]);
});

test("a reference that is a limit too has the limit's colour", () => {
  assert.equal(shadeOf({ ceiling: 500, floor: 500, reference: 500 }, 500), "ceiling");
});

test("no price and no reference have no colour", () => {
  assert.deepEqual([shadeOf(row, null), shadeOf(row, 0), shadeOf({ ceiling: null, floor: null, reference: null }, 100)], ["none", "none", "none"]);
});

test("an index has no limits", () => {
  assert.deepEqual([1.2, 0, -0.01, null].map(shadeOfChange), ["up", "reference", "down", "none"]);
});

test("each colour has a mark of its own", () => {
  assert.equal(new Set(Object.values(MARKS)).size, Object.keys(MARKS).length);
});
