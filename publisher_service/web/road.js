// The whole road from the exchange to this page, in one word. "Broken" never looks like "quiet".

/**
 * @typedef {"live" | "replay" | "quiet" | "stale" | "down" | "lost" | "connecting"} Condition
 * live, replay: what is shown is what is known · quiet: nothing is due now · stale, down: the road is broken
 * before the publisher · lost: between it and this page · connecting: nothing was heard yet
 *
 * @typedef {object} Status as the publisher says it
 * @property {boolean} connected
 * @property {string} feed @property {string} ingest @property {string} broker
 * @property {Record<string, string>} phases
 * @property {string | null} reason
 * @property {boolean} simulated
 * @property {number | null} replay_time
 * @property {number} changed_at
 */

/**
 * @param {"connecting" | "open" | "waiting" | "closed"} link
 * @param {Status | null} status the newest one
 * @returns {Condition}
 */
export function conditionOf(link, status) {
  if (!status) return link === "connecting" || link === "open" ? "connecting" : "lost";
  if (link !== "open") return "lost";
  if (!status.connected) return status.feed === "stale" && status.ingest === "live" && status.broker === "live" ? "stale" : "down";
  if (status.replay_time != null) return "replay";
  return status.feed === "quiet" ? "quiet" : "live";
}

/** Whether what is shown is old. @param {Condition} condition */
export const isBroken = (condition) => condition === "stale" || condition === "down" || condition === "lost";

/**
 * Which part of the road is broken: names of sentences.
 * @param {Condition} condition @param {Status | null} status
 * @returns {"link" | "broker" | "ingest" | "feed" | "replay" | ""}
 */
export function brokenPart(condition, status) {
  if (condition === "lost") return "link";
  if (!isBroken(condition) || !status) return "";
  if (status.broker !== "live") return "broker";
  if (status.ingest !== "live") return "ingest";
  return status.replay_time == null ? "feed" : "replay";
}
