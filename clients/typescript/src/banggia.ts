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
export class BanggiaError extends Error {
  readonly code: string;

  constructor(code: string, message: string) {
    super(message);
    this.name = "BanggiaError";
    this.code = code;
  }
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

/** The n-th attempt in a row waits for at most this × 2ⁿ … */
const FIRST_PAUSE_MS = 500;
/** … and never for longer than this. */
const LONGEST_PAUSE_MS = 30_000;
/** A connection that lived so long ends the row of failures; one that is closed at once does not. */
const STEADY_MS = 10_000;
/** What a goodbye may ask for: beyond, it is meant for more than this client. */
const LONGEST_RETURN_MS = 60_000;
/** From the start of an attempt to the first status: longer is as good as never. */
const OPENING_MS = 15_000;
const HEARTBEATS_MISSED = 3;
/** Until a status tells. */
const HEARTBEAT_MS = 15_000;
/** Anything else is none that a publisher can be set to. */
const SHORTEST_HEARTBEAT_MS = 100;
const LONGEST_HEARTBEAT_MS = 60_000;
/** A new token is asked for when this share of the old one's life is over … */
const RENEWAL = 0.75;
/** … unless that is sooner than this. */
const SHORTEST_RENEWAL_MS = 1000;
/** What timers take. */
const LONGEST_TIMER_MS = 2 ** 31 - 1;
const OPEN = 1;

const CLOCK: Clock = {
  now: () => Date.now(),
  after(ms, call) {
    const timer = setTimeout(call, Math.min(ms, LONGEST_TIMER_MS));
    return () => clearTimeout(timer);
  },
};

type Message = Readonly<Record<string, unknown>>;
type Fields = Readonly<Record<string, unknown>>;

/** A snapshot or update, or a part of one. */
interface Frame {
  readonly id: unknown;
  readonly snapshot: boolean;
  /** Null: not said, as in updates. */
  readonly epoch: string | null;
  readonly interval: number | null;
  readonly from: number;
  readonly rev: number;
  readonly position: string;
  readonly time: number;
  readonly part: number;
  readonly parts: number;
  readonly data: Readonly<Record<string, Fields | null>>;
}

/** What a table needs of its feed. */
interface Road {
  readonly connected: boolean;
  /** Say it, and give it a number of its own; null: there is no open link. */
  ask(request: Message): number | null;
  fault(code: string, text: string): void;
  forget(channel: string): void;
}

/** A connection to a publisher, or the next one after it. It opens at once. */
export class Banggia {
  readonly #address: string;
  readonly #options: Options;
  readonly #clock: Clock;
  readonly #random: () => number;
  readonly #tables = new Map<string, Table<unknown>>();
  readonly #listeners = new Set<(status: Status | null) => void>();
  readonly #road: Road;
  #state: FeedState = "connecting";
  #status: Status | null = null;
  #error: BanggiaError | null = null;
  /** Of the current attempt: whatever belongs to an earlier one is not listened to. */
  #attempt = 0;
  #socket: Socket | null = null;
  #failures = 0;
  #pauseMs: number | null = null;
  #openSince: number | null = null;
  #heardAt = 0;
  #patienceMs = OPENING_MS;
  #lastId = 0;
  #authId = 0;
  #stopTimer: Stop = () => {};
  #stopRenewal: Stop = () => {};

  /**
   * `address` is the publisher's, `wss://board.example` or `https://board.example`, with a path if it has one.
   *
   * Throws a TypeError if it is no address, or there is no WebSocket.
   */
  constructor(address: string, options: Options = {}) {
    const url = new URL(address);
    url.protocol = url.protocol.replace(/^http/, "ws");
    if (!/^wss?:$/.test(url.protocol)) throw new TypeError(`no address of a publisher: ${url.protocol}//…`);
    url.hash = ""; // it is never sent
    if (!url.pathname.endsWith("/ws")) url.pathname = url.pathname.replace(/\/?$/, "/ws");
    if (!options.WebSocket && !("WebSocket" in globalThis)) {
      throw new TypeError("there is no WebSocket here (Node 22 has one): name a class in the option WebSocket");
    }
    this.#address = url.href;
    this.#options = options;
    this.#clock = options.clock ?? CLOCK;
    this.#random = options.random ?? Math.random;
    const feed = this;
    this.#road = {
      get connected() {
        return feed.connected;
      },
      ask: (request) => this.#ask(request),
      fault: (code, text) => this.#lost(new BanggiaError(code, text)),
      forget: (channel) => this.#tables.delete(channel),
    };
    void this.#connect();
  }

  /** `waiting`: for the next attempt. */
  get state(): FeedState {
    return this.#state;
  }

  /** What the open link said last; null: there is none. */
  get status(): Status | null {
    return this.#status;
  }

  /** The whole road is sound, from the exchange to here. */
  get connected(): boolean {
    return this.#status?.connected === true;
  }

  /**
   * Why there is no link, or what its publisher did not like: null while all is well.
   *
   * `code` is one of docs/protocol.md, a close code as text, or `silent`, `token` (the function for it failed),
   * `invalid_message` (from the publisher), `unreachable`.
   */
  get error(): BanggiaError | null {
    return this.#error;
  }

  /** Be told of each status, and of each change of `state`, then perhaps with null. Returns what ends that. */
  onStatus(listener: (status: Status | null) => void): Stop {
    return listen(this.#listeners, listener);
  }

  /** Follow a channel. Throws an Error if that is done already: a connection has one selection of each. */
  table<C extends Channel>(channel: C, options: TableOptions = {}): Table<Tables[C]> {
    if (this.#state === "closed") throw new Error("the feed is closed");
    if (this.#tables.has(channel)) throw new Error(`there is a table of ${channel}: update or close that one`);
    const table = new Table<Tables[C]>(channel, options, this.#road);
    this.#tables.set(channel, table as Table<unknown>);
    table.subscribe();
    return table;
  }

  /** End it, and its tables. */
  close(): void {
    if (this.#state === "closed") return;
    this.#drop();
    for (const table of [...this.#tables.values()]) table.close();
    this.#enter("closed");
  }

  async #connect(): Promise<void> {
    const attempt = ++this.#attempt;
    this.#openSince = null;
    this.#heardAt = this.#clock.now();
    this.#patienceMs = OPENING_MS;
    this.#watch();
    this.#enter("connecting");
    const { token: source } = this.#options;
    let token: string | undefined;
    try {
      token = typeof source === "function" ? await source() : source;
    } catch (fault) {
      if (attempt === this.#attempt) this.#lost(new BanggiaError("token", `no token: ${String(fault)}`));
      return;
    }
    if (attempt !== this.#attempt) return;
    try {
      this.#open(attempt, token);
    } catch (fault) {
      this.#lost(new BanggiaError("unreachable", String(fault))); // a page of https may open no ws://
    }
  }

  #open(attempt: number, token: string | undefined): void {
    const Class = this.#options.WebSocket ?? (globalThis as unknown as { WebSocket: new (address: string) => Socket }).WebSocket;
    const socket = new Class(this.#address);
    this.#socket = socket;
    socket.onopen = () => {
      if (attempt !== this.#attempt) return;
      if (token !== undefined) {
        this.#authId = this.#ask({ type: "auth", token }) ?? 0;
        this.#renewLater(attempt, token);
      }
      for (const table of this.#tables.values()) table.subscribe();
    };
    socket.onmessage = ({ data }: { data: unknown }) => {
      if (attempt === this.#attempt) this.#hear(data);
    };
    socket.onclose = ({ code, reason }: { code: number; reason: string }) => {
      if (attempt !== this.#attempt) return;
      const told = code === 1005 || code === 1006 ? "unreachable" : String(code);
      this.#lost(new BanggiaError(told, reason || `the connection was closed (${code})`));
    };
    socket.onerror = () => {}; // a close follows
  }

  #hear(text: unknown): void {
    this.#heardAt = this.#clock.now();
    try {
      const message: unknown = JSON.parse(String(text));
      if (isObject(message)) this.#take(message);
    } catch (fault) {
      // What it said is not known, so something is missing: the next link goes on from where we stand.
      this.#lost(new BanggiaError("invalid_message", String(fault)));
    }
  }

  #take(message: Message): void {
    switch (message["type"]) {
      case "status":
        this.#takeStatus(message as unknown as Status);
        break;
      case "snapshot":
      case "update":
        this.#tables.get(String(message["channel"]))?.take(frameOf(message));
        break;
      case "goodbye": {
        const pause = message["reconnect_after_ms"];
        this.#pauseMs = typeof pause === "number" && pause >= 0 ? pause : null;
        break;
      }
      case "error":
        this.#takeError(message);
        break;
      case "authenticated":
        if (message["id"] === this.#authId) this.#error = null;
    }
  }

  #takeStatus(status: Status): void {
    this.#status = status;
    const told = status.heartbeat_ms;
    const isOne = Number.isInteger(told) && told >= SHORTEST_HEARTBEAT_MS && told <= LONGEST_HEARTBEAT_MS;
    this.#patienceMs = HEARTBEATS_MISSED * (isOne ? told : HEARTBEAT_MS);
    if (this.#openSince === null) {
      this.#openSince = this.#clock.now();
      this.#error = null;
      this.#stopTimer();
      this.#watch();
    }
    this.#enter("open");
  }

  #takeError(message: Message): void {
    const error = new BanggiaError(String(message["code"]), String(message["message"]));
    for (const table of this.#tables.values()) if (table.refused(message["id"], error)) return;
    this.#error = error;
    this.#enter(this.#state);
  }

  /** Close the link when nothing was heard for too long. */
  #watch(): void {
    // A clock that was set back must not make us more patient.
    const leftMs = Math.min(this.#heardAt + this.#patienceMs - this.#clock.now(), this.#patienceMs);
    if (leftMs <= 0) this.#lost(new BanggiaError("silent", "the publisher is not heard"));
    else this.#stopTimer = this.#clock.after(leftMs, () => this.#watch());
  }

  /** Nothing of the current link is of interest any more. It may take long to close, so nobody waits for that. */
  #drop(): void {
    this.#attempt += 1;
    this.#stopTimer();
    this.#stopRenewal();
    const socket = this.#socket;
    this.#socket = null;
    this.#status = null;
    socket?.close();
  }

  #lost(error: BanggiaError): void {
    this.#drop();
    this.#error = error;
    for (const table of this.#tables.values()) table.lost();
    this.#stopTimer = this.#clock.after(this.#nextPauseMs(), () => void this.#connect());
    this.#enter("waiting");
  }

  #nextPauseMs(): number {
    let askedFor = this.#pauseMs;
    this.#pauseMs = null;
    if (askedFor !== null && askedFor > LONGEST_RETURN_MS) askedFor = this.#random() * LONGEST_RETURN_MS;
    if (this.#openSince !== null && this.#clock.now() - this.#openSince >= STEADY_MS) {
      this.#failures = 0;
      if (askedFor !== null) return askedFor; // no failure
    }
    const limit = Math.min(LONGEST_PAUSE_MS, FIRST_PAUSE_MS * 2 ** this.#failures);
    this.#failures += 1;
    // Who is let go as soon as it comes waits for at least as long as after any other loss.
    return Math.max(this.#random() * limit, askedFor ?? 0);
  }

  #enter(state: FeedState): void {
    this.#state = state;
    for (const table of this.#tables.values()) table.settle();
    tell(this.#listeners, this.#status);
  }

  #ask(request: Message): number | null {
    if (this.#socket?.readyState !== OPEN) return null;
    const id = ++this.#lastId;
    this.#socket.send(JSON.stringify({ ...request, id }));
    return id;
  }

  /** A new token goes over the open link before the old one ends; if none comes, the next link asks again. */
  #renewLater(attempt: number, token: string): void {
    const source = this.#options.token;
    const afterMs = RENEWAL * (lifeMs(token, this.#clock.now()) ?? 0);
    if (typeof source !== "function" || afterMs < SHORTEST_RENEWAL_MS) return;
    this.#stopRenewal = this.#clock.after(afterMs, async () => {
      let next = token;
      try {
        next = await source();
      } catch (fault) {
        if (attempt === this.#attempt) this.#error = new BanggiaError("token", `no new token: ${String(fault)}`);
      }
      if (attempt !== this.#attempt) return;
      if (next !== token) this.#authId = this.#ask({ type: "auth", token: next }) ?? 0;
      this.#renewLater(attempt, next);
    });
  }
}

/** A channel, or some of its rows, as it was told last. */
export class Table<Row> implements AsyncIterable<Change<Row>> {
  readonly channel: string;
  readonly #road: Road;
  readonly #rows = new Map<string, Row>();
  readonly #changed = new Set<(change: Change<Row>) => void>();
  readonly #moved = new Set<(state: TableState) => void>();
  #options: TableOptions;
  #state: TableState = "loading";
  #error: BanggiaError | null = null;
  #rev = 0;
  #epoch = "";
  #time = 0;
  #interval: number | null = null;
  /** Where it stands, as the server wrote it; null: nowhere. */
  #position: string | null = null;
  /** The rows are those of `#rev`; false before the first ones came. */
  #whole = false;
  /** Of the last subscription on this link. */
  #id: number | null = null;
  /** What comes before its answer is of the subscription before. */
  #awaiting = false;
  /** It was answered on this link. */
  #current = false;
  /** Parts that came of something that is not whole yet. */
  #gathered: { first: Frame; next: number; rows: Map<string, Fields | null> } | null = null;

  /** Made by `Banggia.table`. @internal */
  constructor(channel: string, options: TableOptions, road: Road) {
    this.channel = channel;
    this.#options = { ...options };
    this.#road = road;
  }

  /**
   * The rows, always whole ones, and all of one revision. The map is the same for the table's whole life; a row that
   * changes is replaced by a new object, so one that was taken out stays as it was.
   */
  get rows(): ReadonlyMap<string, Row> {
    return this.#rows;
  }

  /**
   * `loading`: nothing whole has come yet. `stale`: the link or the road is broken, so the rows are the last known, and
   * old. `failed`: there is an `error`; it is tried anew by `update`, and with the next link.
   */
  get state(): TableState {
    return this.#state;
  }

  get error(): BanggiaError | null {
    return this.#error;
  }

  /** Of the rows. Revisions compare only within one `epoch`. */
  get rev(): number {
    return this.#rev;
  }

  get epoch(): string {
    return this.#epoch;
  }

  /** Unix ms: when the newest message of the exchange was read that the rows are made of. */
  get time(): number {
    return this.#time;
  }

  /** As it was granted, ms; null: nothing has come yet. */
  get interval(): number | null {
    return this.#interval;
  }

  /** Be told of each change, after the table took it. Returns what ends that. */
  onChange(listener: (change: Change<Row>) => void): Stop {
    return listen(this.#changed, listener);
  }

  /** Be told when `state` is another. Returns what ends that. */
  onState(listener: (state: TableState) => void): Stop {
    return listen(this.#moved, listener);
  }

  /**
   * The changes, one after the other, beginning with the rows that are held now. A loop that is slower than they come
   * gets several merged into one. It ends with the table; a table that has failed throws its `BanggiaError`.
   */
  async *[Symbol.asyncIterator](): AsyncGenerator<Change<Row>, void, undefined> {
    let due: Merged<Row> | null = null;
    let wake = (): void => {};
    const stops = [
      this.onChange((change) => {
        due = merged(due, change);
        wake();
      }),
      this.onState((state) => {
        if (state === "loading") due = null; // it was of other keys
        wake();
      }),
    ];
    if (this.#whole) {
      due = { reset: true, rows: new Map(this.#rows), from: 0, rev: this.#rev, time: this.#time };
    }
    try {
      for (;;) {
        const next = due as Merged<Row> | null; // the listeners write it
        due = null;
        if (next !== null) yield next;
        else if (this.#state === "closed") return;
        else if (this.#error !== null) throw this.#error;
        else await new Promise<void>((resolve) => (wake = resolve));
      }
    } finally {
      for (const stop of stops) stop();
    }
  }

  /** Follow other keys, or these at another pace. What is not named stays. With other keys the table is empty at first. */
  update(options: TableOptions): void {
    if (this.#state === "closed") throw new Error("the table is closed");
    const before = JSON.stringify(this.#options.keys);
    this.#options = { ...this.#options, ...options };
    if (JSON.stringify(this.#options.keys) !== before) {
      this.#rows.clear();
      this.#whole = false;
      this.#position = null;
    }
    this.subscribe();
  }

  close(): void {
    if (this.#state === "closed") return;
    this.#road.ask({ type: "unsubscribe", channel: this.channel });
    this.#road.forget(this.channel);
    this.#move("closed");
  }

  /** Ask for what is new since the position that is held. @internal */
  subscribe(): void {
    const { keys, interval, mode } = this.#options;
    const since = this.#position ?? undefined;
    this.#error = null;
    this.#gathered = null;
    this.#current = false;
    this.#id = this.#road.ask({ type: "subscribe", channel: this.channel, keys, interval, mode: mode ?? "fields", since });
    this.#awaiting = this.#id !== null;
    this.settle();
  }

  /** The link is gone, and with it what was half told. @internal */
  lost(): void {
    this.#gathered = null;
    this.#current = this.#awaiting = false;
    this.#id = null;
  }

  /** An error was told: whether it is of this table. @internal */
  refused(id: unknown, error: BanggiaError): boolean {
    if (this.#id === null || id !== this.#id) return false;
    if (error.code === "invalid_position" && this.#position !== null) {
      this.#position = null;
      this.subscribe();
    } else {
      this.#error = error;
      this.#current = this.#awaiting = false;
      this.#id = null;
      this.settle();
    }
    return true;
  }

  /** See what state it is in. @internal */
  settle(): void {
    if (this.#state === "closed") return;
    if (this.#error !== null) this.#move("failed");
    else if (!this.#whole) this.#move("loading");
    else this.#move(this.#current && this.#road.connected ? "live" : "stale");
  }

  /** The client's rule. @internal */
  take(frame: Frame): void {
    if (this.#id === null || (this.#awaiting && frame.id !== this.#id)) return;
    const isAnswer = this.#awaiting;
    this.#awaiting = false;
    if (!this.#continues(frame)) {
      if (isAnswer) {
        // To ask again the same way would be answered the same way.
        this.#position = null;
        this.#road.fault("invalid_message", `an answer from ${frame.from}, but the table of ${this.channel} is at ${this.#rev}`);
      } else {
        this.subscribe();
      }
      return;
    }
    if (frame.part === 1) {
      this.#gathered = { first: frame, next: 1, rows: new Map() };
      // From here on to the last part there is nothing that could be resumed.
      if (frame.snapshot) this.#position = null;
    }
    const gathered = this.#gathered!; // see `#continues`
    gathered.next += 1;
    for (const [key, fields] of Object.entries(frame.data)) gathered.rows.set(key, fields);
    if (frame.part === frame.parts) {
      this.#gathered = null;
      this.#apply(frame, gathered.first.from, gathered.rows);
    }
  }

  #continues(frame: Frame): boolean {
    const gathered = this.#gathered;
    if (frame.part > 1) {
      return gathered !== null && gathered.next === frame.part && gathered.first.snapshot === frame.snapshot;
    }
    return frame.snapshot || (gathered === null && this.#position !== null && frame.from <= this.#rev);
  }

  #apply(last: Frame, from: number, rows: Map<string, Fields | null>): void {
    this.#current = true;
    if (!last.snapshot && last.rev <= this.#rev) {
      this.settle(); // all of it is held already
      return;
    }
    if (last.snapshot) {
      this.#rows.clear();
      this.#epoch = last.epoch ?? "";
      this.#interval = last.interval;
      this.#whole = true;
    }
    for (const [key, fields] of rows) {
      if (fields === null) this.#rows.delete(key);
      else this.#rows.set(key, { ...this.#rows.get(key), ...fields } as Row);
    }
    this.#rev = last.rev;
    this.#position = last.position;
    this.#time = last.time;
    this.settle();
    if (last.snapshot || rows.size) {
      const changed = rows as ReadonlyMap<string, Partial<Row> | null>;
      tell(this.#changed, { reset: last.snapshot, rows: changed, from, rev: last.rev, time: last.time });
    }
  }

  #move(state: TableState): void {
    if (state === this.#state) return;
    this.#state = state;
    tell(this.#moved, state);
  }
}

/** Changes that a loop has not taken yet, as one. Never more than the table has keys. */
interface Merged<Row> extends Change<Row> {
  readonly rows: Map<string, Partial<Row> | null>;
}

function merged<Row>(due: Merged<Row> | null, change: Change<Row>): Merged<Row> {
  if (due === null || change.reset) return { ...change, rows: new Map(change.rows) };
  for (const [key, fields] of change.rows) {
    if (fields !== null) due.rows.set(key, { ...due.rows.get(key), ...fields });
    else if (due.reset) due.rows.delete(key);
    else due.rows.set(key, null);
  }
  return { ...due, rev: change.rev, time: change.time };
}

/** Checked at the border. Throws a TypeError if it is none. */
function frameOf(message: Message): Frame {
  const { id, type, epoch, interval, from, rev, position, time, part = 1, parts = 1, data } = message;
  const snapshot = type === "snapshot";
  const first = snapshot ? 0 : from;
  if (
    typeof first !== "number" || typeof rev !== "number" || typeof position !== "string" || typeof time !== "number" ||
    typeof part !== "number" || typeof parts !== "number" || !isObject(data)
  ) {
    throw new TypeError(`a field of a ${String(type)} is missing, or of another type`);
  }
  return {
    id, snapshot, from: first, rev, position, time, part, parts, data: data as Frame["data"],
    epoch: typeof epoch === "string" ? epoch : null,
    interval: typeof interval === "number" ? interval : null,
  };
}

/** How long a JSON Web Token is still good for; undefined: it does not say. */
function lifeMs(token: string, nowMs: number): number | undefined {
  try {
    const claims: unknown = JSON.parse(atob(token.split(".")[1]!.replaceAll("-", "+").replaceAll("_", "/")));
    const end = isObject(claims) ? claims["exp"] : undefined;
    return typeof end === "number" ? end * 1000 - nowMs : undefined;
  } catch {
    return undefined; // it is the publisher's to read, not ours
  }
}

function isObject(value: unknown): value is Message {
  return typeof value === "object" && value !== null;
}

function listen<T>(listeners: Set<(told: T) => void>, listener: (told: T) => void): Stop {
  const own = (told: T): void => listener(told); // the same one may listen twice
  listeners.add(own);
  return () => listeners.delete(own);
}

/** A listener's fault is its own: it is reported as if nobody had caught it, and the others are told all the same. */
function tell<T>(listeners: ReadonlySet<(told: T) => void>, told: T): void {
  for (const listener of [...listeners]) {
    try {
      listener(told);
    } catch (fault) {
      queueMicrotask(() => {
        throw fault;
      });
    }
  }
}
