import assert from "node:assert/strict";
import { test } from "node:test";
import { entriesOf, found, plainText } from "../../publisher_service/web/search.js";

const entries = entriesOf({
  SSI: { name_vi: "Chứng khoán Đông Á", name_en: "Dong A Securities", exchange: "HOSE" },
  CSSI2601: { name_vi: "Chứng quyền SSI", name_en: "SSI warrant", exchange: "HOSE" },
  VIC: { name_vi: null, name_en: null, exchange: null },
}, "vi");
const symbols = (said) => found(entries, said).map(({ symbol }) => symbol);

test("accents do not matter", () => {
  assert.equal(plainText("Đông Á"), "dong a");
  assert.deepEqual(symbols("đông"), ["SSI"]);
  assert.deepEqual(symbols("dong a"), ["SSI"]);
});

test("a code comes before codes that hold it, and those before names", () => {
  assert.deepEqual(symbols("ssi"), ["SSI", "CSSI2601"]);
  assert.deepEqual(symbols("securities"), ["SSI"]);
});

test("nothing is found for nothing", () => {
  assert.deepEqual(symbols("  "), []);
});
