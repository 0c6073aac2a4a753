"""JetStream's streams as the server itself takes and restores them: with sequences, headers and times as they were.

nats-py has no call for it, so the protocol is spoken here (ADR-1 of NATS's JetStream API: `$JS.API.STREAM.SNAPSHOT` and `.RESTORE`). The server
sends a snapshot in chunks and waits for their acknowledgement, so neither side holds more than a window of it.
"""

import json
from collections.abc import AsyncIterator, Iterable
from typing import Any, Final

from nats.aio.client import Client
from nats.errors import Error as NatsError
from nats.js.api import PersistMode, StorageType

from bus import streams, subjects
from bus.errors import BusUnavailable

FEED_THE_RECORD: Final = (subjects.TASKS, subjects.OUTCOMES, subjects.AUDIT)
"""Taken before PostgreSQL: what the leader or the monitor has read, and so may have purged, is in the record by then."""
TELL_THE_RECORD: Final = (
    subjects.EVENTS,
    subjects.PROGRESS,
    *(f"KV_{bucket}" for bucket in (subjects.KV_ALIASES, subjects.KV_KEYS, subjects.KV_UPSTREAMS, subjects.KV_MODELS)),
)
"""Taken after it: what was sent, and so may have left the outbox, is on the stream by then. Not in a backup is what tells of a present
that is over: output on its way, raw metrics, the agents' last word, jobs, the hive in numbers."""
ALL: Final = tuple(str(config.name) for config in (*streams.STREAMS, *streams.BUCKETS))

CHUNK_BYTES: Final = 256 * 1024
RESTORED_BYTES: Final = 8 * 1024
"""At once, of a snapshot that goes back. The server stores message by message, and gives a restore up when a chunk takes it five seconds:
where each message is synced (`sync_interval: always`), a chunk should hold few."""
SECONDS: Final = 60.0
_NOT_FOUND: Final = 10059
_TRIED: Final = "HIVE_TRIED"
_ASYNC: Final = {each.name for each in (*streams.STREAMS, *streams.BUCKETS) if each.persist_mode is PersistMode.ASYNC}
_SLOW: Final = " (a server whose disk is slow may have to sync by time meanwhile, `sync_interval: 2m`)"


async def there(client: Client, names: Iterable[str] = ALL) -> list[str]:
    """Those of them that the server has."""
    return [name for name in names if await info(client, name) is not None]


async def snapshot(client: Client, name: str) -> "Snapshot | None":
    """None when there is no such stream. BusUnavailable."""
    inbox = client.new_inbox()
    chunks = await client.subscribe(inbox, pending_msgs_limit=-1, pending_bytes_limit=-1)
    wish = {"deliver_subject": inbox, "no_consumers": True, "chunk_size": CHUNK_BYTES}
    answer = await _ask(client, f"$JS.API.STREAM.SNAPSHOT.{name}", wish)
    if answer.get("error", {}).get("err_code") == _NOT_FOUND:
        await chunks.unsubscribe()
        return None
    return Snapshot(name, chunks, _without_error(answer, f"{name} cannot be taken"))


class Snapshot:
    """`config` and `state` as the server told them; then the chunks, once."""

    def __init__(self, name: str, subscription: Any, told: dict[str, Any]) -> None:
        self.name, self._subscription = name, subscription
        self.config: dict[str, Any] = told["config"]
        self.state: dict[str, Any] = told["state"]

    async def chunks(self) -> AsyncIterator[bytes]:
        """BusUnavailable when the server stops in between."""
        try:
            while True:
                message = await self._subscription.next_msg(timeout=SECONDS)
                if not message.data:
                    break
                yield message.data
                if message.reply:
                    await message.respond(b"")
        except (NatsError, TimeoutError) as error:
            raise BusUnavailable(f"NATS stopped sending {self.name} ({type(error).__name__}). Try again.") from error
        finally:
            await self._subscription.unsubscribe()
        status = (message.headers or {}).get("Status", "204")
        if status not in ("200", "204"):
            why = (message.headers or {}).get("Description", "no reason given")
            raise BusUnavailable(f"NATS ended the snapshot of {self.name}: {status} {why}. Try again.")


async def delete(client: Client, name: str) -> None:
    answer = await _ask(client, f"$JS.API.STREAM.DELETE.{name}", None)
    if answer.get("error", {}).get("err_code") != _NOT_FOUND:
        _without_error(answer, f"{name} cannot be deleted")


def fitting(config: dict[str, Any], *, clustered: bool) -> dict[str, Any]:
    """As a server can keep it: one that is alone has one copy and refuses more, and syncs what bus/streams.py says, for nobody can change that
    later. A cluster copies nothing that is not synced, and makes its copies when a coordinator declares them.
    """
    kept = {key: value for key, value in config.items() if key != "persist_mode"}
    if clustered:
        return kept
    return {**kept, "num_replicas": 1} | ({"persist_mode": PersistMode.ASYNC.value} if config["name"] in _ASYNC else {})


async def require_kept(client: Client, configs: Iterable[dict[str, Any]]) -> None:
    """By a stream of another name with each of them, so that what the server refuses is known before anything is deleted. BusUnavailable.

    In memory: of one on the disk a server that is ended just then keeps a part, cannot recover it at the next start, and is never healthy.
    """
    await delete(client, _TRIED)  # of a restore that was interrupted
    for config in configs:
        tried = {**config, "name": _TRIED, "subjects": [f"{_TRIED}.nothing"], "max_bytes": CHUNK_BYTES}
        if tried["storage"] == StorageType.FILE.value:
            tried["storage"] = StorageType.MEMORY.value
            tried.pop("persist_mode", None)
        what = f"{config['name']} cannot be restored here, so nothing was changed"
        try:
            _without_error(await _ask(client, f"$JS.API.STREAM.CREATE.{_TRIED}", tried), what)
        finally:
            await delete(client, _TRIED)


async def restore(client: Client, config: dict[str, Any], state: dict[str, Any], chunks: Iterable[bytes]) -> int:
    """The stream's last sequence. There must be no stream of that name. BusUnavailable."""
    name = config["name"]
    wish = {"config": config, "state": state}
    begun = _without_error(await _ask(client, f"$JS.API.STREAM.RESTORE.{name}", wish), f"{name} cannot be restored")
    for chunk in chunks:
        for at in range(0, len(chunk), RESTORED_BYTES):
            refused = await _request(client, begun["deliver_subject"], chunk[at : at + RESTORED_BYTES])
            if refused:  # else it is an acknowledgement
                _without_error(json.loads(refused), f"{name} cannot be restored{_SLOW}")
    ended = json.loads(await _request(client, begun["deliver_subject"], b""))
    return int(_without_error(ended, f"{name} cannot be restored")["state"]["last_seq"])


async def info(client: Client, name: str) -> dict[str, Any] | None:
    """`config` and `state`. None when there is no such stream. BusUnavailable."""
    answer = await _ask(client, f"$JS.API.STREAM.INFO.{name}", None)
    if answer.get("error", {}).get("err_code") == _NOT_FOUND:
        return None
    return _without_error(answer, f"{name} cannot be looked at")


async def account(client: Client) -> dict[str, Any]:
    """`limits` (-1: none), `reserved_storage`. BusUnavailable."""
    return _without_error(await _ask(client, "$JS.API.INFO", None), "The account cannot be looked at")


async def _ask(client: Client, subject: str, body: dict[str, Any] | None) -> dict[str, Any]:
    answer: dict[str, Any] = json.loads(await _request(client, subject, b"" if body is None else json.dumps(body).encode()))
    return answer


async def _request(client: Client, subject: str, payload: bytes) -> bytes:
    try:
        return bytes((await client.request(subject, payload, timeout=SECONDS)).data)
    except (NatsError, TimeoutError) as error:
        raise BusUnavailable(
            f"NATS does not answer {subject} ({type(error).__name__}). Is JetStream on, and may this user ask?"
        ) from error


def _without_error(answer: dict[str, Any], what: str) -> dict[str, Any]:
    if error := answer.get("error"):
        raise BusUnavailable(f"{what}: {error.get('description', 'NATS gives no reason')}.")
    return answer
