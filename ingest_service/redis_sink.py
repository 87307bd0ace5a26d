"""
Writes to Redis under the lease: commits (rows, head and envelope in one script), heartbeats, replacements.

Every command has a deadline. What a command that failed has done on the server is not known; all of these may simply
be called again, since the scripts recognise a commit that they have already taken.
"""

import asyncio
from collections.abc import Awaitable, Iterable, Iterator
from contextlib import contextmanager
from enum import StrEnum
from itertools import islice
from typing import NamedTuple, Protocol, cast

from redis.asyncio import Redis
from redis.exceptions import ResponseError

from ingest_service.core.history import MAX_ROWS, History
from ingest_service.core.schema import SCHEMA
from shared.channels import STORED, RedisNames, Stored
from shared.redis_client import COMMAND_DEADLINE_S, place_of
from shared.table import Entry
from shared.wire import (
    Commit,
    Head,
    Heartbeat,
    InvalidEnvelope,
    Replaced,
    Schema,
    decode_entry,
    decode_head,
    decode_key,
    encode_checksums,
    encode_envelope,
    encode_head,
    encode_schema,
    stored_row,
)

#: All rows, in calls of a few hundred.
LOAD_DEADLINE_S = 20.0


class Outcome(StrEnum):
    """How the server took a commit."""

    DONE = "done"
    NO_LEASE = "lease"  # the lease has run out or is another's
    OTHER_HEAD = "head"  # the head is not the one that this commit follows


class StoredHistory(NamedTuple):
    """What Redis holds."""

    head: Head
    rows: dict[Stored, list[tuple[str, Entry]]]


# KEYS: lease, one rows hash a channel, head. The head is written last: a script that fails halfway is not "done".
# ARGV: token, epoch, expected rev, commit id, updates channel, envelope, then for each channel and for the head:
#       how many arguments follow for it, and those (field, value, …).
_COMMIT = """
if redis.call('GET', KEYS[1]) ~= ARGV[1] then return 'lease' end
local head = redis.call('HMGET', KEYS[#KEYS], 'epoch', 'rev', 'commit')
if head[3] == ARGV[4] then return 'done' end
if head[1] ~= ARGV[2] or head[2] ~= ARGV[3] then return 'head' end
local at = 7
for key = 2, #KEYS do
  local count = tonumber(ARGV[at])
  redis.call('HSET', KEYS[key], unpack(ARGV, at + 1, at + count))
  at = at + 1 + count
end
redis.call('PUBLISH', ARGV[5], ARGV[6])
return 'done'
"""

# KEYS: lease, head. ARGV: token, time, updates channel, envelope, expected epoch and rev, checksums.
_HEARTBEAT = """
if redis.call('GET', KEYS[1]) ~= ARGV[1] then return 'lease' end
local head = redis.call('HMGET', KEYS[2], 'epoch', 'rev')
if head[1] ~= ARGV[5] or head[2] ~= ARGV[6] then return 'head' end
redis.call('HSET', KEYS[2], 'time', ARGV[2], 'checksums', ARGV[7])
redis.call('PUBLISH', ARGV[3], ARGV[4])
return 'done'
"""

# KEYS: lease, a hash built aside. ARGV: token, keys and rows.
_BUILD = """
if redis.call('GET', KEYS[1]) ~= ARGV[1] then return 'lease' end
redis.call('HSET', KEYS[2], unpack(ARGV, 2))
return 'done'
"""

# KEYS: lease, head, schema, then pairs of rows hash and the hash built aside.
# ARGV: token, updates, envelope, how many hashes were built, the two fields of the schema, head fields. A call that the
# network held up, and that arrives after another has taken what was built, must not remove the rows.
_REPLACE = """
if redis.call('GET', KEYS[1]) ~= ARGV[1] then return 'lease' end
local built = 0
for at = 5, #KEYS, 2 do built = built + redis.call('EXISTS', KEYS[at]) end
if built ~= tonumber(ARGV[4]) then return 'head' end
for at = 4, #KEYS, 2 do
  redis.call('DEL', KEYS[at])
  if redis.call('EXISTS', KEYS[at + 1]) == 1 then redis.call('RENAME', KEYS[at + 1], KEYS[at]) end
end
redis.call('DEL', KEYS[2], KEYS[3])
redis.call('HSET', KEYS[3], unpack(ARGV, 5, 8))
redis.call('HSET', KEYS[2], unpack(ARGV, 9))
redis.call('PUBLISH', ARGV[2], ARGV[3])
return 'done'
"""

# KEYS: lease. ARGV: token, ms. Who has it still gets it anew: of one that a server remembers little may be left.
_TAKE = """
local owner = redis.call('GET', KEYS[1])
if owner and owner ~= ARGV[1] then return 'lease' end
redis.call('SET', KEYS[1], ARGV[1], 'PX', ARGV[2])
return 'done'
"""

_RENEW = """
if redis.call('GET', KEYS[1]) ~= ARGV[1] then return 'lease' end
redis.call('PEXPIRE', KEYS[1], ARGV[2])
return 'done'
"""

_RELEASE = """
if redis.call('GET', KEYS[1]) == ARGV[1] then return redis.call('DEL', KEYS[1]) end
return 0
"""

_Argument = str | bytes | int


class _Script(Protocol):
    def __call__(self, keys: list[str], args: list[_Argument]) -> Awaitable[object]: ...


class RedisSink:
    """
    The ingest's side of the Redis contract.

    All methods raise RedisError, OSError or TimeoutError when the server does not answer in time.
    """

    def __init__(
        self,
        redis: Redis,
        names: RedisNames,
        *,
        token: str,
        lease_ms: int,
        source: str,
        schema: Schema = SCHEMA,
    ) -> None:
        self._redis = redis
        self._names = names
        self._token = token
        self._lease_ms = lease_ms
        self.source = source  # identity of the exchange that the rows come from
        self.schema = schema  # the form of the rows
        self.place = place_of(redis)  # where the server is, for people
        self._commit_script = self._script(_COMMIT)
        self._heartbeat_script = self._script(_HEARTBEAT)
        self._build_script = self._script(_BUILD)
        self._replace_script = self._script(_REPLACE)
        self._take_script = self._script(_TAKE)
        self._renew_script = self._script(_RENEW)
        self._release_script = self._script(_RELEASE)

    async def take_lease(self) -> bool:
        """True if this process may commit from now on, for the length of the lease unless it is renewed."""
        async with asyncio.timeout(COMMAND_DEADLINE_S):
            return await self._take_script([self._names.lease], [self._token, self._lease_ms]) == b"done"

    async def renew_lease(self) -> Outcome:
        """Keep the lease for its whole length from now on, if it is still ours."""
        return await self._outcome(self._renew_script, [self._names.lease], [self._token, self._lease_ms])

    async def release_lease(self) -> None:
        """Let a standby take over at once."""
        async with asyncio.timeout(COMMAND_DEADLINE_S):
            await self._release_script([self._names.lease], [self._token])

    async def server(self) -> str:
        """
        The identity of the server: one of another identity may have lost commits.

        Its run id is another after a restart. Its replication id is another after each promotion, so it also tells
        a primary that was a replica for a while, and may have missed something as such. Not every service has one.
        """
        async with asyncio.timeout(COMMAND_DEADLINE_S):
            told = await self._redis.info("server", "replication")
        return f"{told['run_id']}.{told.get('master_replid', '')}"

    async def head(self) -> Head | None:
        """Where the published history stands. Raises InvalidEnvelope, NewerContract."""
        with _only_hashes():
            async with asyncio.timeout(COMMAND_DEADLINE_S):
                return decode_head(await cast("Awaitable[dict[bytes, bytes]]", self._redis.hgetall(self._names.head)))

    async def load(self) -> StoredHistory | None:
        """What was published; None if nothing was. Raises InvalidEnvelope, NewerContract."""
        head = await self.head()
        if head is None:
            return None
        rows: dict[Stored, list[tuple[str, Entry]]] = {}
        with _only_hashes():
            async with asyncio.timeout(LOAD_DEADLINE_S):
                for channel in STORED:
                    rows[channel] = []
                    async for key, stored in self._redis.hscan_iter(self._names.rows(channel), count=MAX_ROWS):
                        rows[channel].append((decode_key(key), decode_entry(stored)))
        return StoredHistory(head, rows)

    async def commit(self, commit: Commit, commit_id: str, *, read_ms: int) -> Outcome:
        """Write and publish one commit. The same commit may be sent again as often as it takes."""
        head: list[_Argument] = [
            "rev",
            commit.rev,
            "commit",
            commit_id,
            "time",
            commit.time_ms,
            "more",
            int(commit.more),
            "source",
            self.source,
            "schema",
            self.schema.identity,
            "read",
            read_ms,
        ]
        keys = [self._names.lease]
        args: list[_Argument] = [
            self._token,
            commit.epoch,
            commit.from_rev,
            commit_id,
            self._names.updates,
            encode_envelope(commit),
        ]
        tables: list[tuple[Stored, dict[str, bytes]]] = [*commit.rows.items(), *commit.internal.items()]
        for channel, rows in tables:
            keys.append(self._names.rows(channel))
            args.append(2 * len(rows))
            for key, text in rows.items():
                args += (key, stored_row(text, commit.rev))
        keys.append(self._names.head)
        args += (len(head), *head)
        return await self._outcome(self._commit_script, keys, args)

    async def heartbeat(self, heartbeat: Heartbeat) -> Outcome:
        """Move the head's clock on, tell what the tables add up to, and publish both."""
        return await self._outcome(
            self._heartbeat_script,
            [self._names.lease, self._names.head],
            [
                self._token,
                heartbeat.time_ms,
                self._names.updates,
                encode_envelope(heartbeat),
                heartbeat.epoch,
                heartbeat.rev,
                encode_checksums(heartbeat),
            ],
        )

    async def replace(self, history: History, commit_id: str, *, server: str, time_ms: int, read_ms: int) -> Outcome:
        """
        Put the whole history in the place of whatever is there: a new epoch, or rows that a server has lost.

        With it goes the schema: rows of another one always come by a replacement. The rows are built aside, so that
        nobody ever reads half of them, and renamed by the script that writes the head. Rows keep their revisions: a
        reader that has them takes nothing anew.
        """
        names = self._names
        swapped, built = [names.lease, names.head, names.schema], 0
        for channel in STORED:
            async with asyncio.timeout(COMMAND_DEADLINE_S):
                await self._redis.delete(names.next_rows(channel))
            for some in _in_parts(history.stored_rows(channel)):
                if (
                    await self._outcome(
                        self._build_script, [names.lease, names.next_rows(channel)], [self._token, *some]
                    )
                    is not Outcome.DONE
                ):
                    return Outcome.NO_LEASE
            built += bool(history.tables[channel])
            swapped += (names.rows(channel), names.next_rows(channel))
        identity = self.schema.identity
        head = encode_head(
            Head(history.epoch, history.rev, commit_id, time_ms, server, history.more, self.source, identity, read_ms)
        )
        envelope = encode_envelope(Replaced(history.epoch, history.rev, time_ms))
        fields: list[_Argument] = [
            part for field in (*encode_schema(self.schema).items(), *head.items()) for part in field
        ]
        args: list[_Argument] = [self._token, names.updates, envelope, built, *fields]
        return await self._outcome(self._replace_script, swapped, args)

    def _script(self, source: str) -> _Script:
        return cast("_Script", self._redis.register_script(source))

    async def _outcome(self, script: _Script, keys: list[str], args: list[_Argument]) -> Outcome:
        try:
            async with asyncio.timeout(COMMAND_DEADLINE_S):
                answer = await script(keys, args)
        except ResponseError as refusal:
            if "WRONGTYPE" not in str(refusal):
                raise
            return Outcome.OTHER_HEAD  # somebody put something else in the place of our hashes
        assert isinstance(answer, bytes)  # noqa: S101 (our own scripts answer with a word)
        return Outcome(answer.decode())


@contextmanager
def _only_hashes() -> Iterator[None]:
    """What is of another type is no history of ours."""
    try:
        yield
    except ResponseError as refusal:
        if "WRONGTYPE" not in str(refusal):
            raise
        raise InvalidEnvelope("type") from refusal


def _in_parts(rows: Iterable[tuple[str, bytes]]) -> Iterator[list[_Argument]]:
    """Keys and rows, flat, in calls small enough not to block the server."""
    left = iter(rows)
    while part := list(islice(left, MAX_ROWS)):
        yield [item for pair in part for item in pair]
