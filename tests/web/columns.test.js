import assert from "node:assert/strict";
import { test } from "node:test";
import { columnsFor, isExpected } from "../../publisher_service/web/columns.js";
import { settingsOf } from "../../publisher_service/web/settings.js";

const settings = settingsOf({});
const row = {
  exchange: "HOSE", reference: 31050, ceiling: 33200, floor: 28900, last: 31150, last_volume: 100, change: 100, change_pct: 0.32, average: 31186,
  total_volume: 372500, bids: [[31150, 48700], [null, 300]], asks: [], expected_price: null, session: "LO",
};

function cells(given, kind = "board", width = 1440) {
  const shown = { ...row, ...given };
  return Object.fromEntries(columnsFor(kind, width, settings).map((column) => {
    const value = column.read("SSI", shown, { net_value: -2e9 });
    return [column.field, [column.write(value, "SSI", shown, settings), column.shade(shown, value)]];
  }));
}

test("the columns of a wide board stand in the order of Vietnamese boards", () => {
  const fields = columnsFor("board", 1920, settings).map(({ field }) => field);
  assert.deepEqual(fields.slice(0, 6), ["symbol", "ceiling", "floor", "reference", "bid_price_3", "bid_volume_3"]);
  assert.deepEqual(fields.slice(8, 16), ["bid_price_1", "bid_volume_1", "last", "last_volume", "change", "change_pct", "ask_price_1", "ask_volume_1"]);
  assert.deepEqual(fields.slice(20), ["total_volume", "high", "average", "low", "foreign_buy_volume", "foreign_sell_volume", "foreign_current_room"]);
});

test("the reference comes first where that is chosen", () => {
  const fields = columnsFor("board", 1440, { ...settings, first: "reference" }).map(({ field }) => field);
  assert.deepEqual(fields.slice(1, 4), ["reference", "ceiling", "floor"]);
});

test("a phone has five columns, and they fit into 360 px", () => {
  for (const kind of ["board", "oddlot", "foreign", "futures"]) {
    const columns = columnsFor(kind, 360, settings);
    assert.equal(columns.length, 5);
    assert.ok(columns.reduce((sum, { width }) => sum + width, 0) <= 360, kind);
  }
});

test("where room is short, columns leave: foreign flow first, then the prices of the day, then the deeper levels", () => {
  const left = [];
  let before = columnsFor("board", 2000, settings).map(({ field }) => field);
  for (let width = 2000; width >= 710; width -= 10) {
    const columns = columnsFor("board", width, settings);
    assert.ok(columns.reduce((sum, column) => sum + column.width, 0) <= width, `${width}`);
    const fields = columns.map(({ field }) => field);
    left.push(...before.filter((field) => !fields.includes(field) && !/_volume_\d/.test(field)));
    before = fields;
  }
  assert.deepEqual(left, [
    "foreign_current_room", "foreign_buy_volume", "foreign_sell_volume", "high", "average", "low", "bid_price_3", "ask_price_3", "bid_price_2", "ask_price_2",
  ]);
});

test("a laptop of 1,280 px has three levels and the prices of the day, one of 1,440 px foreign flow too", () => {
  const fields = (kind, width) => columnsFor(kind, width - 10, settings).map(({ field }) => field);
  for (const field of ["bid_price_3", "ask_price_3", "low"]) assert.ok(fields("board", 1280).includes(field), field);
  for (const field of ["low", "foreign_sell_volume"]) assert.ok(fields("board", 1440).includes(field), field);
  for (const field of ["basis", "low", "bid_price_3"]) assert.ok(fields("futures", 1440).includes(field), field);
});

test("a phone's columns have no headings of groups", () => {
  for (const kind of ["board", "warrants", "oddlot", "foreign", "futures"]) assert.ok(columnsFor(kind, 390, settings).every(({ group }) => group === ""), kind);
});

test("a level has the colour of its price, and its volume too", () => {
  const shown = cells({});
  assert.deepEqual(shown.bid_price_1, ["31.15", "up"]);
  assert.deepEqual(shown.bid_volume_1, ["48,700", "up"]);
});

test("orders at whatever price say so, and empty levels say nothing", () => {
  assert.equal(cells({ session: "ATO" }).bid_price_2[0], "ATO");
  assert.equal(cells({ session: "ATC" }).bid_price_2[0], "ATC");
  assert.deepEqual(cells({}).ask_price_1, ["", "none"]);
});

test("before the first match cells are empty, and never minus 100 %", () => {
  const shown = cells({ last: null, last_volume: null, change: null, change_pct: null, average: null, total_volume: null });
  for (const field of ["last", "last_volume", "change", "change_pct", "average", "total_volume"]) assert.equal(shown[field][0], "", field);
});

test("in an auction the expected price stands for the match, with its own change", () => {
  const auction = { session: "ATC", expected_price: 33200 };
  const shown = cells(auction);
  assert.equal(isExpected({ ...row, ...auction }), true);
  assert.deepEqual([shown.last, shown.last_volume[0], shown.change, shown.change_pct[0]], [["33.20", "ceiling"], "", ["+2.15", "ceiling"], "+6.92"]);
  assert.equal(isExpected({ ...row, session: "LO", expected_price: 33200 }), false);
});

test("foreigners' balance is green or red by its sign", () => {
  assert.deepEqual(cells({}, "foreign").foreign_net_value, ["-2.00", "down"]);
});
