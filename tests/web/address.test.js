import assert from "node:assert/strict";
import { test } from "node:test";
import { HOME, placeOf, queryOf } from "../../publisher_service/web/address.js";

test("the first place needs no words in the address", () => {
  assert.equal(queryOf(HOME), "");
  assert.deepEqual(placeOf(""), HOME);
});

test("an address opens what it was copied from", () => {
  const place = { ...HOME, tab: "watch:Danh mục 1", sort: "change_pct", down: true, symbol: "SSI", market: "HNX", contract: "41I1GC000", keys: ["SSI", "FPT"] };
  assert.deepEqual(placeOf(queryOf(place)), place);
});

test("what is not valid is as if it were not there", () => {
  assert.deepEqual(placeOf("?tab=%3Cscript%3E&symbol=a%22b&sort=&keys=,%00,&market=" + "x".repeat(99)), HOME);
});

test("a list in an address is bounded", () => {
  assert.equal(placeOf(`?keys=${Array.from({ length: 999 }, (_, at) => `S${at}`).join()}`).keys.length, 200);
});
