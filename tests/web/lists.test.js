import assert from "node:assert/strict";
import { test } from "node:test";
import { loadSettings, saveSettings, settingsOf } from "../../publisher_service/web/settings.js";
import { listOfTab, tabOf, TABS } from "../../publisher_service/web/tabs.js";
import { HOME } from "../../publisher_service/web/address.js";
import { listsOf, loadLists, saveLists, symbolsOf, toggled, without } from "../../publisher_service/web/watchlists.js";

function storage() {
  const held = new Map();
  return { getItem: (key) => held.get(key) ?? null, setItem: (key, value) => held.set(key, value) };
}

const forbidden = {
  getItem() { throw new Error("forbidden"); },
  setItem() { throw new Error("forbidden"); },
};

test("lists and settings are there again after a reload", () => {
  const kept = storage();
  saveLists(kept, { Mine: ["SSI"] });
  saveSettings(kept, settingsOf({ theme: "light" }));
  assert.deepEqual(loadLists(kept), { Mine: ["SSI"] });
  assert.equal(loadSettings(kept).theme, "light");
});

test("a storage that is forbidden, or holds nonsense, gives the defaults", () => {
  saveLists(forbidden, {});
  assert.deepEqual(loadLists(forbidden), {});
  assert.deepEqual(loadSettings(forbidden), settingsOf({}));
  assert.deepEqual(loadSettings({ getItem: () => "{" }), settingsOf({}));
  assert.deepEqual(settingsOf({ theme: "pink", interval: "1", marks: 1 }), settingsOf(null));
});

test("a star puts a symbol into the list, and takes it out again", () => {
  const once = toggled({}, "Mine", "SSI");
  assert.deepEqual(once, { Mine: ["SSI"] });
  assert.deepEqual(toggled(once, "Mine", "SSI"), { Mine: [] });
  assert.deepEqual(without(once, "Mine"), {});
});

test("what is no symbol or no list is left out, and both are bounded", () => {
  assert.deepEqual(listsOf({ Mine: ["SSI", 3, "<b>", "SSI"], "<x>": ["A"], Other: "SSI" }), { Mine: ["SSI"] });
  assert.equal(symbolsOf(Array.from({ length: 999 }, (_, at) => `S${at}`)).length, 200);
});

test("each tab has a name of its own, and one that is not known is the first", () => {
  const names = TABS.flatMap((tab) => tab?.name ?? []);
  assert.equal(new Set(names).size, names.length);
  assert.equal(tabOf({ ...HOME, tab: "nothing" }).name, "VN30");
  assert.equal(tabOf({ ...HOME, tab: "VNFIN" }).group, "VNFIN");
  assert.equal(listOfTab(tabOf({ ...HOME, tab: "watch:Mine" }).name), "Mine");
});
