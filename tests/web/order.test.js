import assert from "node:assert/strict";
import { test } from "node:test";
import { ordered, sameOrder } from "../../publisher_service/web/order.js";

const values = { A: 2, B: null, C: 3, D: 2 };
const valueOf = (symbol) => values[symbol];

test("without a column the order is the list's", () => {
  assert.deepEqual(ordered(["C", "A", "B"], null, true), ["C", "A", "B"]);
});

test("rows without a value are last, whichever way", () => {
  assert.equal(ordered(["B", "A", "C"], valueOf, true).at(-1), "B");
  assert.equal(ordered(["B", "A", "C"], valueOf, false).at(-1), "B");
});

test("equals keep the order of the list, whichever way", () => {
  assert.deepEqual(ordered(["D", "A", "C"], valueOf, true), ["C", "D", "A"]);
  assert.deepEqual(ordered(["D", "A", "C"], valueOf, false), ["D", "A", "C"]);
});

test("letters are ordered as letters", () => {
  assert.deepEqual(ordered(["VCB", "ACB"], (symbol) => symbol, false), ["ACB", "VCB"]);
});

test("two orders are the same only if all places are", () => {
  assert.equal(sameOrder(["A", "B"], ["A", "B"]), true);
  assert.equal(sameOrder(["A", "B"], ["B", "A"]), false);
  assert.equal(sameOrder(["A"], ["A", "B"]), false);
});
