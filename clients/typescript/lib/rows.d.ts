/** The rows of all channels. Written by `python3 run.py docs` from the schema that `/api/schema` serves. */
/** Each channel: its key, and the type of its rows. */
export interface Tables {
    /** Key: its symbol. */
    market: MarketRow;
    /** Key: the symbol. `_total` is a row of its own. */
    foreign: ForeignRow | ForeignTotalRow;
    /** Key: its id as the feed spells it (`VNINDEX`, `VN30`, `HNXIndex`, `HNX30`, `HNXUpcomIndex`, …). */
    index: IndexRow;
    /** Key: its code (`41I1GC000`). */
    derivatives: DerivativesRow;
    /** Key: the symbol and a place in its ring, `SSI#0` to `SSI#19`; clients name `SSI` for all of them. */
    trades: TradeRow;
    /** Key: the symbol, and whether the minute is even or odd, `SSI#0` or `SSI#1`; clients name `SSI` for both. */
    bars: BarRow;
    /** Key: the exchanges `HOSE`, `HNX`, `UPCOM`; the index `VN30`. */
    movers: MoversRow;
    /** Key: the exchanges `HOSE`, `HNX`, `UPCOM`; the indices `VN30` and `HNX30`. */
    breadth: BreadthRow;
    /**
     * Key: the sector's index: `VNCOND`, `VNCONS`, `VNENE`, `VNFIN`, `VNHEAL`, `VNIND`, `VNIT`, `VNMAT`, `VNREAL` or
     * `VNUTI`.
     */
    sectors: SectorRow;
    /** Key: its symbol. */
    flow: FlowRow;
    /**
     * Key: the contract's code, and whether the minute is even or odd, `41I1GC000#0` or `41I1GC000#1`; clients name
     * `41I1GC000` for both.
     */
    basis: BasisRow;
    /** Key: its symbol. */
    oddlot: OddLotRow;
    /** Key: `alert` and a place in the ring of the newest ones, `alert#0` to `alert#199`. */
    alerts: AlertRow;
    /** Key: its symbol. */
    symbols: SymbolRow;
    /**
     * Key: the indices `VN30` and `HNX30` and those of `sectors`; the exchanges `HOSE`, `HNX`, `UPCOM`; `futures`,
     * `warrants`, `etfs`.
     */
    groups: GroupRow;
    /** Key: `HOSE`, `HNX`, `UPCOM` or `DERIVATIVES`. `feed` is a row of its own. */
    status: PhaseRow | FeedRow;
}
/**
 * What happened that one may want to know at once; the newest 200 of the day.
 *
 * `ceiling`, `floor`: the last price has come to that limit.
 *
 * `volume_spike`: a minute of continuous trading has more than three times the mean volume of the last 20 minutes with
 * trades, 10 at least.
 *
 * `foreign_acceleration`: foreigners' balance of the day has moved within five minutes by more than 30 % of what it
 * was, and by 1 billion VND at least.
 *
 * `basis_flip`: an index future has come from above its index to below, or back.
 *
 * `imbalance`: one side has traded more than three times the value of the other within five minutes, and both together
 * 5 billion VND at least.
 *
 * The figures are settings of the ingest. The five minutes are counted in steps of 30 s, so they may be half a minute
 * shorter. The last three kinds are states, and told when they begin. Of one kind and symbol at most one a minute is
 * told. Whichever ingest leads, numbers go on, and nothing is told twice. What is behind an alert is `null` in those
 * of other kinds.
 */
export interface AlertRow {
    /** Counts the alerts of the day, from 1 (count). */
    readonly number: number;
    /** The exchange's time of the message that brought it (Unix ms). */
    readonly time: number;
    /** What happened (name). */
    readonly kind: "ceiling" | "floor" | "volume_spike" | "foreign_acceleration" | "basis_flip" | "imbalance";
    /** Of which instrument; clients filter by it (symbol). */
    readonly symbol: string;
    /** `critical`: limits and spikes of the volume (name). */
    readonly severity: "critical" | "warning";
    /** Last price then (price). */
    readonly price: number | null;
    /** `volume_spike`: traded in this minute so far (shares or contracts). */
    readonly minute_volume: number | null;
    /** `volume_spike`: the mean that it is compared with (shares or contracts). */
    readonly usual_volume: number | null;
    /** `foreign_acceleration`: bought - sold by foreigners today (VND). */
    readonly net_value: number | null;
    /** `foreign_acceleration`: the same five minutes earlier (VND). */
    readonly earlier_net_value: number | null;
    /** `basis_flip`: `price - underlying_value` (points, 2 decimals). */
    readonly basis: number | null;
    /** `basis_flip`: value of the underlying index (points, 2 decimals). */
    readonly underlying_value: number | null;
    /** `imbalance`: bought at the ask within five minutes (VND). */
    readonly buy_value: number | null;
    /** `imbalance`: sold at the bid within five minutes (VND). */
    readonly sell_value: number | null;
}
/**
 * The matches of one minute: of the present one and of the one before.
 *
 * The whole day of a symbol is at `GET /api/bars/{symbol}`.
 */
export interface BarRow {
    /** Begin of the minute, by the exchange's time (Unix ms). */
    readonly start: number;
    /** Price of the first match (price). */
    readonly open: number;
    /** Highest price (price). */
    readonly high: number;
    /** Lowest price (price). */
    readonly low: number;
    /** Price of the last match (price). */
    readonly close: number;
    /** Matched (shares or contracts). */
    readonly volume: number;
    /** Matched, as far as the feed told (VND). */
    readonly value: number;
    /** Matches (count). */
    readonly trades: number;
}
/**
 * The basis of one futures contract in one minute: in the present one and in the one before.
 *
 * It moves with the contract and with its index; a minute without news of either has no row. The whole day of a
 * contract is at `GET /api/basis/{symbol}`.
 */
export interface BasisRow {
    /** Begin of the minute, by the newer of the contract's and the index's time (Unix ms). */
    readonly start: number;
    /** Price of the contract at the end of the minute (price). */
    readonly last: number;
    /** Value of the index at the end of the minute (points, 2 decimals). */
    readonly underlying_value: number;
    /** `last - underlying_value` (points, 2 decimals). */
    readonly basis: number;
    /** `basis / underlying_value` (per cent, 2 decimals). */
    readonly basis_pct: number | null;
    /** Highest basis of the minute (points, 2 decimals). */
    readonly high: number;
    /** Lowest basis of the minute (points, 2 decimals). */
    readonly low: number;
}
/**
 * How many symbols of one market went which way: of an exchange its shares, of an index its components.
 *
 * Counted from the rows of `market` once a second of the market's time; the exchange's own counts, where it has some,
 * are in `index`. Always: `advances + unchanged + declines + untraded = symbols`.
 */
export interface BreadthRow {
    /** Symbols that the feed has told of today (count). */
    readonly symbols: number;
    /** Symbols above their reference (count). */
    readonly advances: number;
    /** Symbols at their reference (count). */
    readonly unchanged: number;
    /** Symbols below their reference (count). */
    readonly declines: number;
    /** Of the advances, those at the ceiling price (count). */
    readonly ceilings: number;
    /** Of the declines, those at the floor price (count). */
    readonly floors: number;
    /** Symbols without a match today (count). */
    readonly untraded: number;
}
/** One futures contract with its basis, which moves with the contract and with the index. */
export interface DerivativesRow {
    /** The familiar name: `VN30F2612` for `41I1GC000` (text). */
    readonly name: string;
    /** Price of the last match (price). */
    readonly last: number | null;
    /** Reference price of the day (price). */
    readonly reference: number | null;
    /** Highest price allowed today (price). */
    readonly ceiling: number | null;
    /** Lowest price allowed today (price). */
    readonly floor: number | null;
    /** `last - reference` (price). */
    readonly change: number | null;
    /** `change / reference` (per cent, 2 decimals). */
    readonly change_pct: number | null;
    /** Best bid (price). */
    readonly bid_price: number | null;
    /** Volume at the best bid (contracts). */
    readonly bid_volume: number | null;
    /** Best ask (price). */
    readonly ask_price: number | null;
    /** Volume at the best ask (contracts). */
    readonly ask_volume: number | null;
    /** Matched today (contracts). */
    readonly total_volume: number | null;
    /** Matched today (VND). */
    readonly total_value: number | null;
    /** `VN30`, `VN100`; `GB05`, `GB10`: government bonds (symbol). */
    readonly underlying: string;
    /** Value of the underlying index (points, 2 decimals). */
    readonly underlying_value: number | null;
    /** `last - underlying_value` (points, 2 decimals). */
    readonly basis: number | null;
    /** `basis / underlying_value` (per cent, 2 decimals). */
    readonly basis_pct: number | null;
    /** `true` above the index, `false` below, `null` at it or not known (true or false). */
    readonly premium: boolean | null;
    /** Last trading day (day). */
    readonly expiry: string | null;
    /**
     * Of the contracts on this underlying the one with the largest volume today; before any has traded, and among
     * equals, the first to expire (true or false).
     */
    readonly active: boolean;
    /** The newer of the contract's and the index's time (Unix ms). */
    readonly time: number | null;
}
/**
 * The link from the ingest to the exchange.
 *
 * Clients are told of it by the message `status`, with the rest of the road.
 */
export interface FeedRow {
    /** `quiet`: no data is due now; `stale`: data is due, none comes (name). */
    readonly state: "live" | "quiet" | "stale" | "down";
    /** Why, in words; `null` if all is well (text). */
    readonly reason: string | null;
    /** When state or reason changed (Unix ms). */
    readonly changed_at: number;
    /** Trading day of the rows (day). */
    readonly day: string | null;
    /** The exchange is a simulator, and its prices are invented (true or false). */
    readonly simulated: boolean;
    /** A recording is played: its time, in whole seconds; `null`: the feed is live (Unix ms). */
    readonly replay_time: number | null;
}
/**
 * The order flow of one instrument over the last five minutes, from its first match on.
 *
 * Made of the totals by side in `market`, at most once a second, in steps of ten seconds of the feed's time, of which
 * the present one counts whole. Falls back to zero when nothing more is matched. Auctions are on neither side.
 */
export interface FlowRow {
    /** Bought at the ask a minute (shares or contracts a minute). */
    readonly buy_speed_per_min: number;
    /** Sold at the bid a minute (shares or contracts a minute). */
    readonly sell_speed_per_min: number;
    /** `buy_speed_per_min - sell_speed_per_min` (shares or contracts a minute). */
    readonly net_speed_per_min: number;
    /** Matches at the ask a minute (matches a minute, 1 decimals). */
    readonly buy_trades_per_min: number;
    /** Matches at the bid a minute (matches a minute, 1 decimals). */
    readonly sell_trades_per_min: number;
    /** Volume bought by volume sold; `null` if nothing was sold (ratio, 2 decimals). */
    readonly imbalance: number | null;
    /** `net_speed_per_min`, less what it was five minutes before (shares or contracts a minute). */
    readonly acceleration: number;
}
/** What foreigners traded today in one symbol, and may still buy. */
export interface ForeignRow {
    /** Bought (shares). */
    readonly buy_volume: number | null;
    /** Sold (shares). */
    readonly sell_volume: number | null;
    /** Bought - sold (shares). */
    readonly net_volume: number | null;
    /** Bought (VND). */
    readonly buy_value: number | null;
    /** Sold (VND). */
    readonly sell_value: number | null;
    /** Bought - sold (VND). */
    readonly net_value: number | null;
    /** What foreigners may hold together (shares). */
    readonly total_room: number | null;
    /** What foreigners may still buy (shares). */
    readonly current_room: number | null;
    /** Bought a minute, over the last five minutes (shares a minute). */
    readonly buy_speed_per_min: number;
    /** Sold a minute, likewise (shares a minute). */
    readonly sell_speed_per_min: number;
    /** `buy_speed_per_min`, less what it was five minutes before (shares a minute). */
    readonly buy_acceleration: number;
    /** `sell_speed_per_min`, less what it was five minutes before (shares a minute). */
    readonly sell_acceleration: number;
    /** The exchange's time of the last message (Unix ms). */
    readonly time: number | null;
}
/** The sums over all symbols. */
export interface ForeignTotalRow {
    /** Bought (shares). */
    readonly buy_volume: number;
    /** Sold (shares). */
    readonly sell_volume: number;
    /** Bought - sold (shares). */
    readonly net_volume: number;
    /** Bought (VND). */
    readonly buy_value: number;
    /** Sold (VND). */
    readonly sell_value: number;
    /** Bought - sold (VND). */
    readonly net_value: number;
    /** The five symbols most bought on balance, by value. */
    readonly top_buyers: readonly NetFlow[];
    /** The five most sold on balance, likewise. */
    readonly top_sellers: readonly NetFlow[];
    /** The newest time of its rows (Unix ms). */
    readonly time: number | null;
}
/** A list of symbols that clients select by name (`@VN30`). */
export interface GroupRow {
    /** The symbols; of futures the front month first. */
    readonly keys: readonly string[];
}
/** One index. */
export interface IndexRow {
    /** Its name in the feed (text). */
    readonly name: string | null;
    /** Whose index it is (name). */
    readonly exchange: string | null;
    /** Its value (points, 2 decimals). */
    readonly value: number | null;
    /** Previous close (points, 2 decimals). */
    readonly reference: number | null;
    /** `value - reference` (points, 2 decimals). */
    readonly change: number | null;
    /** `change / reference` (per cent, 2 decimals). */
    readonly change_pct: number | null;
    /** Order-matched (shares). */
    readonly total_volume: number | null;
    /** Order-matched (VND). */
    readonly total_value: number | null;
    /** Put through (shares). */
    readonly put_through_volume: number | null;
    /** Put through (VND). */
    readonly put_through_value: number | null;
    /** Number of trades; the feed often says 0 (count). */
    readonly trades: number | null;
    /** Symbols above their reference; counted from the components where the feed does not count (VN30) (count). */
    readonly advances: number | null;
    /** Symbols at their reference (count). */
    readonly unchanged: number | null;
    /** Symbols below their reference (count). */
    readonly declines: number | null;
    /** Of the advances, those at the ceiling price (count). */
    readonly ceilings: number | null;
    /** Of the declines, those at the floor price (count). */
    readonly floors: number | null;
    /** Expected value; during auctions only (points, 2 decimals). */
    readonly expected_value: number | null;
    /**
     * Session of the index: `ATO`, `LO` (continuous), `BREAK`, `ATC`, `PT` (put-through), `PLO`, `C` (closed) or `H`
     * (halted) (code).
     */
    readonly session: string | null;
    /** The exchange's time of the last message (Unix ms). */
    readonly time: number | null;
}
/**
 * One instrument today: shares, warrants, ETFs and futures alike.
 *
 * Always: `active_buy_volume + active_sell_volume + neutral_volume + unseen_volume = total_volume`, and each of the
 * first three is the sum of its part in the four sessions. Values add up to `total_value` in the same way, and numbers
 * of trades to `trades`, by side and by session.
 */
export interface MarketRow {
    /** Where it is listed (name). */
    readonly exchange: string | null;
    /** Reference price of the day (price). */
    readonly reference: number | null;
    /** Highest price allowed today (price). */
    readonly ceiling: number | null;
    /** Lowest price allowed today (price). */
    readonly floor: number | null;
    /** First price; `null` before the first trade, as are the other traded prices (price). */
    readonly open: number | null;
    /** Highest price (price). */
    readonly high: number | null;
    /** Lowest price (price). */
    readonly low: number | null;
    /** Price of the last match (price). */
    readonly last: number | null;
    /** Volume of the last match (shares or contracts). */
    readonly last_volume: number | null;
    /** `last - reference` (price). */
    readonly change: number | null;
    /** `change / reference` (per cent, 2 decimals). */
    readonly change_pct: number | null;
    /** Value by volume; of index futures with 2 decimals (price). */
    readonly average: number | null;
    /** Matched today (shares or contracts). */
    readonly total_volume: number | null;
    /** Matched today (VND). */
    readonly total_value: number | null;
    /** Best first, at most 10, without empty levels; a price of `null` is of auction orders at whatever price. */
    readonly bids: readonly (readonly [price: number | null, volume: number])[];
    /** The same for offers. */
    readonly asks: readonly (readonly [price: number | null, volume: number])[];
    /** Expected price of the auction; `null` in continuous trading (price). */
    readonly expected_price: number | null;
    /**
     * Session of the instrument: `ATO`, `LO` (continuous), `BREAK`, `ATC`, `PT` (put-through), `PLO`, `C` (closed) or
     * `H` (halted) (code).
     */
    readonly session: string | null;
    /** `N` normal, `H` halted, `S` suspended, `NL` newly listed, …, as sent (code). */
    readonly status: string | null;
    /** The exchange's time of the last message (Unix ms). */
    readonly time: number | null;
    /** Bought at the ask (shares or contracts). */
    readonly active_buy_volume: number;
    /** Sold at the bid (shares or contracts). */
    readonly active_sell_volume: number;
    /** Auctions, and trades whose side is not known (shares or contracts). */
    readonly neutral_volume: number;
    /** Traded while the ingest was not looking, or corrected by the exchange (shares or contracts). */
    readonly unseen_volume: number;
    /** The first three, in the opening auction. */
    readonly ato_volumes: SideVolumes;
    /** The same, in continuous trading. */
    readonly continuous_volumes: SideVolumes;
    /** The same, in the closing auction. */
    readonly atc_volumes: SideVolumes;
    /** The same, in any other session. */
    readonly other_volumes: SideVolumes;
    /** Bought at the ask (VND). */
    readonly active_buy_value: number;
    /** Sold at the bid (VND). */
    readonly active_sell_value: number;
    /** Auctions, and trades whose side is not known (VND). */
    readonly neutral_value: number;
    /** Traded while the ingest was not looking, or corrected by the exchange (VND). */
    readonly unseen_value: number;
    /** Of the first three, traded in the opening auction (VND). */
    readonly ato_value: number;
    /** The same, in continuous trading (VND). */
    readonly continuous_value: number;
    /** The same, in the closing auction (VND). */
    readonly atc_value: number;
    /** The same, in any other session (VND). */
    readonly other_value: number;
    /** Matches that were seen today (count). */
    readonly trades: number;
    /** Matches at the ask (count). */
    readonly active_buy_trades: number;
    /** Matches at the bid (count). */
    readonly active_sell_trades: number;
    /** Matches in auctions, and those whose side is not known (count). */
    readonly neutral_trades: number;
    /** Matches in the opening auction (count). */
    readonly ato_trades: number;
    /** Matches in continuous trading (count). */
    readonly continuous_trades: number;
    /** Matches in the closing auction (count). */
    readonly atc_trades: number;
    /** Matches in any other session (count). */
    readonly other_trades: number;
    /** Begin of the minute of the last match, by the exchange's time (Unix ms). */
    readonly minute_start: number | null;
    /** First price of that minute; its last one is `last` (price). */
    readonly minute_open: number | null;
    /** Highest price of that minute (price). */
    readonly minute_high: number | null;
    /** Lowest price of that minute (price). */
    readonly minute_low: number | null;
}
/** One line of the lists of movers. */
export interface Mover {
    /** Which (symbol). */
    readonly symbol: string;
    /** Price of the last match (price). */
    readonly last: number | null;
    /** `last - reference` (price). */
    readonly change: number | null;
    /** `change / reference` (per cent, 2 decimals). */
    readonly change_pct: number | null;
    /** Matched today (shares). */
    readonly total_volume: number | null;
    /** Matched today (VND). */
    readonly total_value: number | null;
}
/**
 * The shares of one market that moved most, ten a list at most; neither warrants nor ETFs, funds and bonds.
 *
 * Among equals those with more value lead, then the alphabet. Each list is made anew once a second of the market's
 * time, from the rows of `market` or `foreign` as they stand then.
 */
export interface MoversRow {
    /** Above their reference, by `change_pct`, the largest first. */
    readonly gainers: readonly Mover[];
    /** Below their reference, by `change_pct`, the least first. */
    readonly losers: readonly Mover[];
    /** Traded today, by `total_value`, the largest first. */
    readonly by_value: readonly Mover[];
    /** Traded today, by `total_volume`, the largest first. */
    readonly by_volume: readonly Mover[];
    /** Most bought by foreigners on balance, by `net_value`. */
    readonly foreign_bought: readonly NetFlow[];
    /** Most sold by foreigners on balance, by `net_value`. */
    readonly foreign_sold: readonly NetFlow[];
}
/** One line of the lists of the most bought and most sold. */
export interface NetFlow {
    /** Which (symbol). */
    readonly symbol: string;
    /** Bought - sold (VND). */
    readonly net_value: number;
    /** Bought - sold (shares). */
    readonly net_volume: number;
}
/**
 * The odd-lot board of one instrument: orders of less than a board lot.
 *
 * It is empty unless `OL` is among the ingest's `SSI_CHANNELS`.
 */
export interface OddLotRow {
    /** Where it is listed (name). */
    readonly exchange: string | null;
    /** Reference price of the day (price). */
    readonly reference: number | null;
    /** Highest price allowed today (price). */
    readonly ceiling: number | null;
    /** Lowest price allowed today (price). */
    readonly floor: number | null;
    /** First price of an odd lot; `null` before the first match, as are the other traded prices (price). */
    readonly open: number | null;
    /** Highest price of an odd lot (price). */
    readonly high: number | null;
    /** Lowest price of an odd lot (price). */
    readonly low: number | null;
    /** Price of the last match of an odd lot (price). */
    readonly last: number | null;
    /** Volume of that match (shares). */
    readonly last_volume: number | null;
    /** `last - reference` (price). */
    readonly change: number | null;
    /** `change / reference` (per cent, 2 decimals). */
    readonly change_pct: number | null;
    /** Matched today, round and odd lots together (shares). */
    readonly total_volume: number | null;
    /** Matched today, round and odd lots together (VND). */
    readonly total_value: number | null;
    /** Of odd lots, best first, at most 3, without empty levels. */
    readonly bids: readonly (readonly [price: number | null, volume: number])[];
    /** The same for offers. */
    readonly asks: readonly (readonly [price: number | null, volume: number])[];
    /**
     * Session of the instrument: `ATO`, `LO` (continuous), `BREAK`, `ATC`, `PT` (put-through), `PLO`, `C` (closed) or
     * `H` (halted) (code).
     */
    readonly session: string | null;
    /** `N` normal, `H` halted, `S` suspended, …, as sent (code). */
    readonly status: string | null;
    /** The exchange's time of the last message (Unix ms). */
    readonly time: number | null;
}
/** The phase an exchange is in. */
export interface PhaseRow {
    /** What may be done there now (name). */
    readonly phase: "pre_open" | "ato" | "continuous" | "break" | "atc" | "put_through" | "plo" | "closed";
    /** When it was noticed (Unix ms). */
    readonly changed_at: number;
}
/**
 * What the shares of one sector of HOSE do together.
 *
 * A sector has a row once the components of its index are known; the index itself, weighted by capitalisation, is in
 * `index`. Made anew once a second of the market's time, from the rows of `market` and `foreign`.
 */
export interface SectorRow {
    /** Symbols that the feed has told of today (count). */
    readonly symbols: number;
    /** Symbols above their reference (count). */
    readonly advances: number;
    /** Symbols at their reference (count). */
    readonly unchanged: number;
    /** Symbols below their reference (count). */
    readonly declines: number;
    /** Of the advances, those at the ceiling price (count). */
    readonly ceilings: number;
    /** Of the declines, those at the floor price (count). */
    readonly floors: number;
    /** Symbols without a match today (count). */
    readonly untraded: number;
    /** Mean of `change_pct` of its shares, weighted by `total_value`; `null`: none traded (per cent, 2 decimals). */
    readonly change_pct: number | null;
    /** Matched today (shares). */
    readonly total_volume: number;
    /** Matched today (VND). */
    readonly total_value: number;
    /** Bought - sold by foreigners today (VND). */
    readonly foreign_net_value: number;
}
/** Volumes traded in one session, by the side that took the initiative. */
export interface SideVolumes {
    /** Bought at the ask (shares or contracts). */
    readonly active_buy: number;
    /** Sold at the bid (shares or contracts). */
    readonly active_sell: number;
    /** Auctions, and trades whose side is not known (shares or contracts). */
    readonly neutral: number;
}
/** What an instrument is. */
export interface SymbolRow {
    /** Vietnamese name (text). */
    readonly name_vi: string | null;
    /** English name (text). */
    readonly name_en: string | null;
    /** Where it is listed (name). */
    readonly exchange: string | null;
    /** What kind of instrument (name). */
    readonly type: "stock" | "warrant" | "future" | "etf" | "bond" | "fund" | "other";
    /** Board lot (shares or contracts). */
    readonly lot_size: number | null;
    /** The price step from each price on; empty if not known. */
    readonly ticks: readonly (readonly [from_price: number, tick: number])[];
    /** Of futures the index, of warrants the share (symbol). */
    readonly underlying: string | null;
    /** Last trading day of futures and warrants (day). */
    readonly expiry: string | null;
}
/**
 * One match: the tape holds the newest ones of each symbol.
 *
 * Each has its number, so whoever is told less often than matches come sees by the numbers how many are missing. A
 * match is a rise of the day's total: two of them that the feed tells by one message are one.
 */
export interface TradeRow {
    /** Counts the symbol's matches of the day, from 1 (count). */
    readonly number: number;
    /** The exchange's time (Unix ms). */
    readonly time: number | null;
    /** Price (price). */
    readonly price: number | null;
    /** Volume (shares or contracts). */
    readonly volume: number;
    /** Value; 0 if the feed did not tell (VND). */
    readonly value: number;
    /** Who took the initiative (name). */
    readonly side: "active_buy" | "active_sell" | "neutral";
    /**
     * Session of the instrument: `ATO`, `LO` (continuous), `BREAK`, `ATC`, `PT` (put-through), `PLO`, `C` (closed) or
     * `H` (halted) (code).
     */
    readonly session: string | null;
}
