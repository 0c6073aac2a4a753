"""Keys and values in NATS's buckets, which are streams: one subject a key, of which the newest message is the value."""

import asyncio

from nats.errors import NoRespondersError
from nats.js import JetStreamContext
from nats.js.api import DeliverPolicy
from nats.js.errors import NotFoundError, ServiceUnavailableError

from bus.client import Closing, KeyHandler
from bus.nats_errors import Ending, available, guard
from bus.nats_reader import NatsReader
from bus.together import end

BATCH = 1000


class NatsKeys:
    """The part of bus.client.Bus that is about keys."""

    def __init__(self, js: JetStreamContext) -> None:
        self._js = js
        self._indirect: set[str] = set()

    async def put(self, bucket: str, key: str, value: bytes) -> None:
        with available():
            await self._js.publish(f"$KV.{bucket}.{key}", value)

    async def get(self, bucket: str, key: str) -> bytes | None:
        """In one round trip, where the bucket's server answers directly: a cluster's does not, and is asked by its API."""
        stream, subject = f"KV_{bucket}", f"$KV.{bucket}.{key}"
        with available():
            try:
                try:
                    message = await self._js.get_last_msg(stream, subject, direct=bucket not in self._indirect)
                except (NoRespondersError, ServiceUnavailableError):
                    message = await self._js.get_last_msg(stream, subject)
                    self._indirect.add(bucket)
            except NotFoundError:
                return None
            except TimeoutError:
                self._indirect ^= {bucket}  # behind a leaf nobody says that its cluster does not answer directly
                raise
        return None if (message.headers or {}).get("KV-Operation") in ("DEL", "PURGE") else message.data or None

    async def delete(self, bucket: str, key: str) -> None:
        with available():
            await self._js.publish(f"$KV.{bucket}.{key}", b"", headers={"KV-Operation": "DEL"})

    async def keys(self, bucket: str) -> list[str]:
        """Not by nats-py's own way, each of whose calls leaves the server a consumer for five minutes."""
        found = dict[str, bytes]()

        async def take(key: str, value: bytes | None) -> None:
            if value is None:
                found.pop(key, None)
            else:
                found[key] = value

        await (await self.watch(bucket, take)).close()
        return list(found)

    async def watch(self, bucket: str, handler: KeyHandler) -> Closing:
        prefix = f"$KV.{bucket}."
        with available():
            state = (await self._js.stream_info(f"KV_{bucket}")).state
            held = state.last_seq if state.messages else 0  # a purged bucket counts on from where it was
            reader = await NatsReader.open(self._js, f"KV_{bucket}", f"{prefix}>", 1, DeliverPolicy.LAST_PER_SUBJECT)
        handed_over = asyncio.Event()

        async def pump() -> None:
            while True:
                for message in await reader.batch(BATCH):
                    gone = message.headers.get("KV-Operation") in ("DEL", "PURGE") or "Nats-Marker-Reason" in message.headers
                    with guard(bucket):
                        await handler(message.subject.removeprefix(prefix), None if gone else message.data)
                    if message.sequence >= held or reader.caught_up:
                        handed_over.set()

        pumping = asyncio.create_task(pump())

        async def stop() -> None:
            await end([pumping])
            await reader.close()

        watch = Ending(stop)
        try:
            if held:
                await handed_over.wait()
        except BaseException:
            await watch.close()
            raise
        return watch
