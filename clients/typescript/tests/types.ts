// Compiled only: what programs may write, and what they may not.

import { Banggia, BanggiaError, type Change, type MarketRow, type Table } from "../lib/banggia.js";

const feed = new Banggia("ws://localhost:8000", { WebSocket, token: async () => "a token" });

const market: Table<MarketRow> = feed.table("market", { keys: ["@VN30"], interval: 500, mode: "rows" });
const last: number | null | undefined = market.rows.get("SSI")?.last;
const [price, volume] = market.rows.get("SSI")!.bids[0]!;
const shown: [number | null | undefined, number | null, number] = [last, price, volume];

const stop: () => void = feed.onStatus((status) => console.log(status?.connected, status?.phases["HOSE"], shown));
market.onChange((change: Change<MarketRow>) => console.log(change.rows.get("SSI")?.last, market.error?.code));

export async function watch(): Promise<void> {
  try {
    for await (const { rows } of feed.table("foreign")) {
      const total = rows.get("_total");
      if (total && "net_value" in total) console.log(total.net_value);
    }
  } catch (fault) {
    if (fault instanceof BanggiaError) console.log(fault.code);
  }
  stop();
}

// @ts-expect-error: there is no such channel
feed.table("prices");
// @ts-expect-error: there is no such mode
feed.table("index", { mode: "all" });
// @ts-expect-error: there is no such field
console.log(market.rows.get("SSI")?.price);
// @ts-expect-error: rows are the feed's to write
market.rows.clear();
