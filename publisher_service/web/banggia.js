/**
 * The client of banggia: tables of the Vietnamese stock market, kept as new as the publisher tells them.
 *
 * One connection carries all tables. It is made anew whenever it breaks, and each table goes on where it stood: see
 * docs/protocol.md, "The client's rule".
 */
/** What was wrong: `code` is of docs/protocol.md, "Errors", or one of `Banggia.error`; `message` is for people. */
export class BanggiaError extends Error {
    code;
    constructor(code, message) {
        super(message);
        this.name = "BanggiaError";
        this.code = code;
    }
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
const CLOCK = {
    now: () => Date.now(),
    after(ms, call) {
        const timer = setTimeout(call, Math.min(ms, LONGEST_TIMER_MS));
        return () => clearTimeout(timer);
    },
};
/** A connection to a publisher, or the next one after it. It opens at once. */
export class Banggia {
    #address;
    #options;
    #clock;
    #random;
    #tables = new Map();
    #listeners = new Set();
    #road;
    #state = "connecting";
    #status = null;
    #error = null;
    /** Of the current attempt: whatever belongs to an earlier one is not listened to. */
    #attempt = 0;
    #socket = null;
    #failures = 0;
    #pauseMs = null;
    #openSince = null;
    #heardAt = 0;
    #patienceMs = OPENING_MS;
    #lastId = 0;
    #authId = 0;
    #stopTimer = () => { };
    #stopRenewal = () => { };
    /**
     * `address` is the publisher's, `wss://board.example` or `https://board.example`, with a path if it has one.
     *
     * Throws a TypeError if it is no address, or there is no WebSocket.
     */
    constructor(address, options = {}) {
        const url = new URL(address);
        url.protocol = url.protocol.replace(/^http/, "ws");
        if (!/^wss?:$/.test(url.protocol))
            throw new TypeError(`no address of a publisher: ${url.protocol}//…`);
        url.hash = ""; // it is never sent
        if (!url.pathname.endsWith("/ws"))
            url.pathname = url.pathname.replace(/\/?$/, "/ws");
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
    get state() {
        return this.#state;
    }
    /** What the open link said last; null: there is none. */
    get status() {
        return this.#status;
    }
    /** The whole road is sound, from the exchange to here. */
    get connected() {
        return this.#status?.connected === true;
    }
    /**
     * Why there is no link, or what its publisher did not like: null while all is well.
     *
     * `code` is one of docs/protocol.md, a close code as text, or `silent`, `token` (the function for it failed),
     * `invalid_message` (from the publisher), `unreachable`.
     */
    get error() {
        return this.#error;
    }
    /** Be told of each status, and of each change of `state`, then perhaps with null. Returns what ends that. */
    onStatus(listener) {
        return listen(this.#listeners, listener);
    }
    /** Follow a channel. Throws an Error if that is done already: a connection has one selection of each. */
    table(channel, options = {}) {
        if (this.#state === "closed")
            throw new Error("the feed is closed");
        if (this.#tables.has(channel))
            throw new Error(`there is a table of ${channel}: update or close that one`);
        const table = new Table(channel, options, this.#road);
        this.#tables.set(channel, table);
        table.subscribe();
        return table;
    }
    /** End it, and its tables. */
    close() {
        if (this.#state === "closed")
            return;
        this.#drop();
        for (const table of [...this.#tables.values()])
            table.close();
        this.#enter("closed");
    }
    async #connect() {
        const attempt = ++this.#attempt;
        this.#openSince = null;
        this.#heardAt = this.#clock.now();
        this.#patienceMs = OPENING_MS;
        this.#watch();
        this.#enter("connecting");
        const { token: source } = this.#options;
        let token;
        try {
            token = typeof source === "function" ? await source() : source;
        }
        catch (fault) {
            if (attempt === this.#attempt)
                this.#lost(new BanggiaError("token", `no token: ${String(fault)}`));
            return;
        }
        if (attempt !== this.#attempt)
            return;
        try {
            this.#open(attempt, token);
        }
        catch (fault) {
            this.#lost(new BanggiaError("unreachable", String(fault))); // a page of https may open no ws://
        }
    }
    #open(attempt, token) {
        const Class = this.#options.WebSocket ?? globalThis.WebSocket;
        const socket = new Class(this.#address);
        this.#socket = socket;
        socket.onopen = () => {
            if (attempt !== this.#attempt)
                return;
            if (token !== undefined) {
                this.#authId = this.#ask({ type: "auth", token }) ?? 0;
                this.#renewLater(attempt, token);
            }
            for (const table of this.#tables.values())
                table.subscribe();
        };
        socket.onmessage = ({ data }) => {
            if (attempt === this.#attempt)
                this.#hear(data);
        };
        socket.onclose = ({ code, reason }) => {
            if (attempt !== this.#attempt)
                return;
            const told = code === 1005 || code === 1006 ? "unreachable" : String(code);
            this.#lost(new BanggiaError(told, reason || `the connection was closed (${code})`));
        };
        socket.onerror = () => { }; // a close follows
    }
    #hear(text) {
        this.#heardAt = this.#clock.now();
        try {
            const message = JSON.parse(String(text));
            if (isObject(message))
                this.#take(message);
        }
        catch (fault) {
            // What it said is not known, so something is missing: the next link goes on from where we stand.
            this.#lost(new BanggiaError("invalid_message", String(fault)));
        }
    }
    #take(message) {
        switch (message["type"]) {
            case "status":
                this.#takeStatus(message);
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
                if (message["id"] === this.#authId)
                    this.#error = null;
        }
    }
    #takeStatus(status) {
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
    #takeError(message) {
        const error = new BanggiaError(String(message["code"]), String(message["message"]));
        for (const table of this.#tables.values())
            if (table.refused(message["id"], error))
                return;
        this.#error = error;
        this.#enter(this.#state);
    }
    /** Close the link when nothing was heard for too long. */
    #watch() {
        // A clock that was set back must not make us more patient.
        const leftMs = Math.min(this.#heardAt + this.#patienceMs - this.#clock.now(), this.#patienceMs);
        if (leftMs <= 0)
            this.#lost(new BanggiaError("silent", "the publisher is not heard"));
        else
            this.#stopTimer = this.#clock.after(leftMs, () => this.#watch());
    }
    /** Nothing of the current link is of interest any more. It may take long to close, so nobody waits for that. */
    #drop() {
        this.#attempt += 1;
        this.#stopTimer();
        this.#stopRenewal();
        const socket = this.#socket;
        this.#socket = null;
        this.#status = null;
        socket?.close();
    }
    #lost(error) {
        this.#drop();
        this.#error = error;
        for (const table of this.#tables.values())
            table.lost();
        this.#stopTimer = this.#clock.after(this.#nextPauseMs(), () => void this.#connect());
        this.#enter("waiting");
    }
    #nextPauseMs() {
        let askedFor = this.#pauseMs;
        this.#pauseMs = null;
        if (askedFor !== null && askedFor > LONGEST_RETURN_MS)
            askedFor = this.#random() * LONGEST_RETURN_MS;
        if (this.#openSince !== null && this.#clock.now() - this.#openSince >= STEADY_MS) {
            this.#failures = 0;
            if (askedFor !== null)
                return askedFor; // no failure
        }
        const limit = Math.min(LONGEST_PAUSE_MS, FIRST_PAUSE_MS * 2 ** this.#failures);
        this.#failures += 1;
        // Who is let go as soon as it comes waits for at least as long as after any other loss.
        return Math.max(this.#random() * limit, askedFor ?? 0);
    }
    #enter(state) {
        this.#state = state;
        for (const table of this.#tables.values())
            table.settle();
        tell(this.#listeners, this.#status);
    }
    #ask(request) {
        if (this.#socket?.readyState !== OPEN)
            return null;
        const id = ++this.#lastId;
        this.#socket.send(JSON.stringify({ ...request, id }));
        return id;
    }
    /** A new token goes over the open link before the old one ends; if none comes, the next link asks again. */
    #renewLater(attempt, token) {
        const source = this.#options.token;
        const afterMs = RENEWAL * (lifeMs(token, this.#clock.now()) ?? 0);
        if (typeof source !== "function" || afterMs < SHORTEST_RENEWAL_MS)
            return;
        this.#stopRenewal = this.#clock.after(afterMs, async () => {
            let next = token;
            try {
                next = await source();
            }
            catch (fault) {
                if (attempt === this.#attempt)
                    this.#error = new BanggiaError("token", `no new token: ${String(fault)}`);
            }
            if (attempt !== this.#attempt)
                return;
            if (next !== token)
                this.#authId = this.#ask({ type: "auth", token: next }) ?? 0;
            this.#renewLater(attempt, next);
        });
    }
}
/** A channel, or some of its rows, as it was told last. */
export class Table {
    channel;
    #road;
    #rows = new Map();
    #changed = new Set();
    #moved = new Set();
    #options;
    #state = "loading";
    #error = null;
    #rev = 0;
    #epoch = "";
    #time = 0;
    #interval = null;
    /** Where it stands, as the server wrote it; null: nowhere. */
    #position = null;
    /** The rows are those of `#rev`; false before the first ones came. */
    #whole = false;
    /** Of the last subscription on this link. */
    #id = null;
    /** What comes before its answer is of the subscription before. */
    #awaiting = false;
    /** It was answered on this link. */
    #current = false;
    /** Parts that came of something that is not whole yet. */
    #gathered = null;
    /** Made by `Banggia.table`. @internal */
    constructor(channel, options, road) {
        this.channel = channel;
        this.#options = { ...options };
        this.#road = road;
    }
    /**
     * The rows, always whole ones, and all of one revision. The map is the same for the table's whole life; a row that
     * changes is replaced by a new object, so one that was taken out stays as it was.
     */
    get rows() {
        return this.#rows;
    }
    /**
     * `loading`: nothing whole has come yet. `stale`: the link or the road is broken, so the rows are the last known, and
     * old. `failed`: there is an `error`; it is tried anew by `update`, and with the next link.
     */
    get state() {
        return this.#state;
    }
    get error() {
        return this.#error;
    }
    /** Of the rows. Revisions compare only within one `epoch`. */
    get rev() {
        return this.#rev;
    }
    get epoch() {
        return this.#epoch;
    }
    /** Unix ms: when the newest message of the exchange was read that the rows are made of. */
    get time() {
        return this.#time;
    }
    /** As it was granted, ms; null: nothing has come yet. */
    get interval() {
        return this.#interval;
    }
    /** Be told of each change, after the table took it. Returns what ends that. */
    onChange(listener) {
        return listen(this.#changed, listener);
    }
    /** Be told when `state` is another. Returns what ends that. */
    onState(listener) {
        return listen(this.#moved, listener);
    }
    /**
     * The changes, one after the other, beginning with the rows that are held now. A loop that is slower than they come
     * gets several merged into one. It ends with the table; a table that has failed throws its `BanggiaError`.
     */
    async *[Symbol.asyncIterator]() {
        let due = null;
        let wake = () => { };
        const stops = [
            this.onChange((change) => {
                due = merged(due, change);
                wake();
            }),
            this.onState((state) => {
                if (state === "loading")
                    due = null; // it was of other keys
                wake();
            }),
        ];
        if (this.#whole) {
            due = { reset: true, rows: new Map(this.#rows), from: 0, rev: this.#rev, time: this.#time };
        }
        try {
            for (;;) {
                const next = due; // the listeners write it
                due = null;
                if (next !== null)
                    yield next;
                else if (this.#state === "closed")
                    return;
                else if (this.#error !== null)
                    throw this.#error;
                else
                    await new Promise((resolve) => (wake = resolve));
            }
        }
        finally {
            for (const stop of stops)
                stop();
        }
    }
    /** Follow other keys, or these at another pace. What is not named stays. With other keys the table is empty at first. */
    update(options) {
        if (this.#state === "closed")
            throw new Error("the table is closed");
        const before = JSON.stringify(this.#options.keys);
        this.#options = { ...this.#options, ...options };
        if (JSON.stringify(this.#options.keys) !== before) {
            this.#rows.clear();
            this.#whole = false;
            this.#position = null;
        }
        this.subscribe();
    }
    close() {
        if (this.#state === "closed")
            return;
        this.#road.ask({ type: "unsubscribe", channel: this.channel });
        this.#road.forget(this.channel);
        this.#move("closed");
    }
    /** Ask for what is new since the position that is held. @internal */
    subscribe() {
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
    lost() {
        this.#gathered = null;
        this.#current = this.#awaiting = false;
        this.#id = null;
    }
    /** An error was told: whether it is of this table. @internal */
    refused(id, error) {
        if (this.#id === null || id !== this.#id)
            return false;
        if (error.code === "invalid_position" && this.#position !== null) {
            this.#position = null;
            this.subscribe();
        }
        else {
            this.#error = error;
            this.#current = this.#awaiting = false;
            this.#id = null;
            this.settle();
        }
        return true;
    }
    /** See what state it is in. @internal */
    settle() {
        if (this.#state === "closed")
            return;
        if (this.#error !== null)
            this.#move("failed");
        else if (!this.#whole)
            this.#move("loading");
        else
            this.#move(this.#current && this.#road.connected ? "live" : "stale");
    }
    /** The client's rule. @internal */
    take(frame) {
        if (this.#id === null || (this.#awaiting && frame.id !== this.#id))
            return;
        const isAnswer = this.#awaiting;
        this.#awaiting = false;
        if (!this.#continues(frame)) {
            if (isAnswer) {
                // To ask again the same way would be answered the same way.
                this.#position = null;
                this.#road.fault("invalid_message", `an answer from ${frame.from}, but the table of ${this.channel} is at ${this.#rev}`);
            }
            else {
                this.subscribe();
            }
            return;
        }
        if (frame.part === 1) {
            this.#gathered = { first: frame, next: 1, rows: new Map() };
            // From here on to the last part there is nothing that could be resumed.
            if (frame.snapshot)
                this.#position = null;
        }
        const gathered = this.#gathered; // see `#continues`
        gathered.next += 1;
        for (const [key, fields] of Object.entries(frame.data))
            gathered.rows.set(key, fields);
        if (frame.part === frame.parts) {
            this.#gathered = null;
            this.#apply(frame, gathered.first.from, gathered.rows);
        }
    }
    #continues(frame) {
        const gathered = this.#gathered;
        if (frame.part > 1) {
            return gathered !== null && gathered.next === frame.part && gathered.first.snapshot === frame.snapshot;
        }
        return frame.snapshot || (gathered === null && this.#position !== null && frame.from <= this.#rev);
    }
    #apply(last, from, rows) {
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
            if (fields === null)
                this.#rows.delete(key);
            else
                this.#rows.set(key, { ...this.#rows.get(key), ...fields });
        }
        this.#rev = last.rev;
        this.#position = last.position;
        this.#time = last.time;
        this.settle();
        if (last.snapshot || rows.size) {
            const changed = rows;
            tell(this.#changed, { reset: last.snapshot, rows: changed, from, rev: last.rev, time: last.time });
        }
    }
    #move(state) {
        if (state === this.#state)
            return;
        this.#state = state;
        tell(this.#moved, state);
    }
}
function merged(due, change) {
    if (due === null || change.reset)
        return { ...change, rows: new Map(change.rows) };
    for (const [key, fields] of change.rows) {
        if (fields !== null)
            due.rows.set(key, { ...due.rows.get(key), ...fields });
        else if (due.reset)
            due.rows.delete(key);
        else
            due.rows.set(key, null);
    }
    return { ...due, rev: change.rev, time: change.time };
}
/** Checked at the border. Throws a TypeError if it is none. */
function frameOf(message) {
    const { id, type, epoch, interval, from, rev, position, time, part = 1, parts = 1, data } = message;
    const snapshot = type === "snapshot";
    const first = snapshot ? 0 : from;
    if (typeof first !== "number" || typeof rev !== "number" || typeof position !== "string" || typeof time !== "number" ||
        typeof part !== "number" || typeof parts !== "number" || !isObject(data)) {
        throw new TypeError(`a field of a ${String(type)} is missing, or of another type`);
    }
    return {
        id, snapshot, from: first, rev, position, time, part, parts, data: data,
        epoch: typeof epoch === "string" ? epoch : null,
        interval: typeof interval === "number" ? interval : null,
    };
}
/** How long a JSON Web Token is still good for; undefined: it does not say. */
function lifeMs(token, nowMs) {
    try {
        const claims = JSON.parse(atob(token.split(".")[1].replaceAll("-", "+").replaceAll("_", "/")));
        const end = isObject(claims) ? claims["exp"] : undefined;
        return typeof end === "number" ? end * 1000 - nowMs : undefined;
    }
    catch {
        return undefined; // it is the publisher's to read, not ours
    }
}
function isObject(value) {
    return typeof value === "object" && value !== null;
}
function listen(listeners, listener) {
    const own = (told) => listener(told); // the same one may listen twice
    listeners.add(own);
    return () => listeners.delete(own);
}
/** A listener's fault is its own: it is reported as if nobody had caught it, and the others are told all the same. */
function tell(listeners, told) {
    for (const listener of [...listeners]) {
        try {
            listener(told);
        }
        catch (fault) {
            queueMicrotask(() => {
                throw fault;
            });
        }
    }
}
