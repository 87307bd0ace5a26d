/**
 * The client of banggia: tables of the Vietnamese stock market, kept as new as the publisher tells them.
 *
 * One connection carries all tables. It is made anew whenever it breaks, and each table goes on where it stood: see
 * docs/protocol.md, "The client's rule".
 */
import type { Tables } from "./rows.js";
export type * from "./rows.js";
export type Channel = keyof Tables;
export type Mode = "rows" | "fields" | "snapshot";
export type FeedState = "connecting" | "open" | "waiting" | "closed";
export type TableState = "loading" | "live" | "stale" | "failed" | "closed";
type Stop = () => void;
/** The whole road from the exchange to here: docs/protocol.md, "Status". */
export interface Status {
    readonly protocol: number;
    readonly connected: boolean;
    readonly feed: "live" | "quiet" | "stale" | "down";
    readonly ingest: "live" | "silent";
    readonly broker: "live" | "down";
    readonly phases: Readonly<Record<string, string>>;
    /** Unix ms. */
    readonly changed_at: number;
    readonly reason: string | null;
    readonly simulated: boolean;
    /** Unix ms, while a recording is played. */
    readonly replay_time: number | null;
    readonly heartbeat_ms: number;
    /** The intervals that can be had, ms. */
    readonly intervals: readonly number[];
}
/** What a table took in at once. */
export interface Change<Row> {
    /** All rows were replaced: `rows` is the whole table. */
    readonly reset: boolean;
    /** Changed fields of each changed row (in mode `rows`: all of them); null: the row is gone. */
    readonly rows: ReadonlyMap<string, Partial<Row> | null>;
    /** It holds what changed after this revision; 0 of a whole table. */
    readonly from: number;
    readonly rev: number;
    /** Unix ms: when the newest message of the exchange in it was read. */
    readonly time: number;
}
/** What was wrong: `code` is of docs/protocol.md, "Errors", or one of `Banggia.error`; `message` is for people. */
export declare class BanggiaError extends Error {
    readonly code: string;
    constructor(code: string, message: string);
}
export interface TableOptions {
    /** Symbols and groups (`@VN30`); all rows if it is left out. */
    keys?: readonly string[] | undefined;
    /** Wanted ms between updates; the channel's default if it is left out. */
    interval?: number | undefined;
    /** What updates carry. The rows of the table are whole in each of them; `fields`, the default, is the least traffic. */
    mode?: Mode | undefined;
}
/** What is needed of a WebSocket: that of browsers and of Node 22, or that of the package `ws`. */
export interface Socket {
    readonly readyState: number;
    onopen: ((event: never) => void) | null;
    onmessage: ((event: never) => void) | null;
    onclose: ((event: never) => void) | null;
    onerror: ((event: never) => void) | null;
    send(text: string): void;
    close(code?: number, reason?: string): void;
}
/** Time as the feed needs it; for tests. */
export interface Clock {
    /** Unix ms. */
    now(): number;
    /** Call once, later. Returns what takes that back. */
    after(ms: number, call: () => void): Stop;
}
export interface Options {
    /** Where publishers want one: a token, or what brings a new one for each connection and before one expires. */
    token?: string | (() => string | Promise<string>) | undefined;
    /** Node 20 has none of its own. */
    WebSocket?: (new (address: string) => Socket) | undefined;
    /** A number from 0 to 1, for the pauses between attempts; for tests. */
    random?: (() => number) | undefined;
    clock?: Clock | undefined;
}
/** A connection to a publisher, or the next one after it. It opens at once. */
export declare class Banggia {
    #private;
    /**
     * `address` is the publisher's, `wss://board.example` or `https://board.example`, with a path if it has one.
     *
     * Throws a TypeError if it is no address, or there is no WebSocket.
     */
    constructor(address: string, options?: Options);
    /** `waiting`: for the next attempt. */
    get state(): FeedState;
    /** What the open link said last; null: there is none. */
    get status(): Status | null;
    /** The whole road is sound, from the exchange to here. */
    get connected(): boolean;
    /**
     * Why there is no link, or what its publisher did not like: null while all is well.
     *
     * `code` is one of docs/protocol.md, a close code as text, or `silent`, `token` (the function for it failed),
     * `invalid_message` (from the publisher), `unreachable`.
     */
    get error(): BanggiaError | null;
    /** Be told of each status, and of each change of `state`, then perhaps with null. Returns what ends that. */
    onStatus(listener: (status: Status | null) => void): Stop;
    /** Follow a channel. Throws an Error if that is done already: a connection has one selection of each. */
    table<C extends Channel>(channel: C, options?: TableOptions): Table<Tables[C]>;
    /** End it, and its tables. */
    close(): void;
}
/** A channel, or some of its rows, as it was told last. */
export declare class Table<Row> implements AsyncIterable<Change<Row>> {
    #private;
    readonly channel: string;
    /**
     * The rows, always whole ones, and all of one revision. The map is the same for the table's whole life; a row that
     * changes is replaced by a new object, so one that was taken out stays as it was.
     */
    get rows(): ReadonlyMap<string, Row>;
    /**
     * `loading`: nothing whole has come yet. `stale`: the link or the road is broken, so the rows are the last known, and
     * old. `failed`: there is an `error`; it is tried anew by `update`, and with the next link.
     */
    get state(): TableState;
    get error(): BanggiaError | null;
    /** Of the rows. Revisions compare only within one `epoch`. */
    get rev(): number;
    get epoch(): string;
    /** Unix ms: when the newest message of the exchange was read that the rows are made of. */
    get time(): number;
    /** As it was granted, ms; null: nothing has come yet. */
    get interval(): number | null;
    /** Be told of each change, after the table took it. Returns what ends that. */
    onChange(listener: (change: Change<Row>) => void): Stop;
    /** Be told when `state` is another. Returns what ends that. */
    onState(listener: (state: TableState) => void): Stop;
    /**
     * The changes, one after the other, beginning with the rows that are held now. A loop that is slower than they come
     * gets several merged into one. It ends with the table; a table that has failed throws its `BanggiaError`.
     */
    [Symbol.asyncIterator](): AsyncGenerator<Change<Row>, void, undefined>;
    /** Follow other keys, or these at another pace. What is not named stays. With other keys the table is empty at first. */
    update(options: TableOptions): void;
    close(): void;
}
