import assert from "node:assert/strict";
import { test } from "node:test";
import { brokenPart, conditionOf, isBroken } from "../../publisher_service/web/road.js";

const live = { connected: true, feed: "live", ingest: "live", broker: "live", phases: {}, reason: null, simulated: false, replay_time: null, changed_at: 0 };

test("a quiet market is not a broken road", () => {
  const condition = conditionOf("open", { ...live, feed: "quiet" });
  assert.equal(condition, "quiet");
  assert.equal(isBroken(condition), false);
});

test("a broken road says which part of it is", () => {
  const cases = { feed: { feed: "down" }, ingest: { ingest: "silent" }, broker: { broker: "down", ingest: "silent" } };
  for (const [part, fault] of Object.entries(cases)) {
    const status = { ...live, connected: false, ...fault };
    assert.equal(isBroken(conditionOf("open", status)), true, part);
    assert.equal(brokenPart(conditionOf("open", status), status), part);
  }
});

test("a feed that is silent is stale, one that is lost is down", () => {
  assert.equal(conditionOf("open", { ...live, connected: false, feed: "stale" }), "stale");
  assert.equal(conditionOf("open", { ...live, connected: false, feed: "down" }), "down");
});

test("without a link nothing is live, whatever was said last", () => {
  for (const link of ["connecting", "waiting", "closed"]) assert.equal(conditionOf(link, live), "lost");
  assert.equal(brokenPart("lost", live), "link");
});

test("before the first word the page is connecting, and lost after a failure", () => {
  assert.equal(conditionOf("connecting", null), "connecting");
  assert.equal(conditionOf("waiting", null), "lost");
});

test("a recording that plays is never called live", () => {
  assert.equal(conditionOf("open", { ...live, replay_time: 1 }), "replay");
});

test("a recording that has ended is told as such, and not as a loss of the exchange", () => {
  const status = { ...live, connected: false, feed: "down", replay_time: 1 };
  assert.equal(brokenPart(conditionOf("open", status), status), "replay");
});
