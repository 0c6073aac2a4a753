"""The three hops with nothing decided: the messages and commits that a task of Hive's has, in nats-py and asyncpg, and no more.

What they cost is the floor under what Hive costs on a machine. `python -m tests.bench.sketch coordinator|sidecar URL [DATABASE_URL]`
"""

import asyncio
import sys
from typing import Any

import asyncpg
import nats
import uvloop
from nats.aio.client import Client
from nats.aio.msg import Msg
from nats.js.api import PersistMode, StreamConfig

from tests.bench.load import OneTask
from tests.bench.pipelines import Results

BATCH = 400
TABLE = "CREATE TABLE sketch_tasks (id text PRIMARY KEY, status text NOT NULL, output text)"
TURN = """
WITH ended AS (
    UPDATE sketch_tasks SET status = 'completed', output = 'done' FROM unnest($2::text[]) AS e (id) WHERE sketch_tasks.id = e.id
)
INSERT INTO sketch_tasks (id, status) SELECT id, 'assigned' FROM unnest($1::text[]) AS n (id)
"""


class Coordinator:
    """Reads submits and reports, writes them in turns, offers and announces: one row, one offer and three events a task."""

    def __init__(self, client: Client, connection: asyncpg.Connection) -> None:
        self._client, self._js, self._connection = client, client.jetstream(), connection
        self._wake, self._submits, self._reports = asyncio.Event(), list[Msg](), list[Msg]()
        self._work: set[asyncio.Task[Any]] = set()

    async def run(self) -> None:
        await self._connection.execute(TABLE)
        await self._client.subscribe("sketch.reports", cb=self._reported)
        await self._js.subscribe("sketch.tasks", cb=self._submitted, ordered_consumer=True)
        while True:
            await self._wake.wait()
            self._wake.clear()
            submits, self._submits = self._submits, []
            reports, self._reports = self._reports, []
            await self._connection.fetch(
                TURN, [each.data.decode() for each in submits], [each.data.decode() for each in reports]
            )
            for report in reports:
                await report.respond(b"")
                self._start(self._js.publish("sketch.ends", report.data))
            for submit in submits:
                await self._client.publish("sketch.steps", submit.data)
                await self._client.publish("sketch.steps", submit.data)
                self._start(self._client.request("sketch.offers", submit.data, timeout=30))

    async def _submitted(self, message: Msg) -> None:
        self._submits.append(message)
        self._wake.set()

    async def _reported(self, message: Msg) -> None:
        self._reports.append(message)
        self._wake.set()

    def _start(self, work: Any) -> None:
        task = asyncio.ensure_future(work)
        self._work.add(task)
        task.add_done_callback(self._work.discard)


async def coordinator(url: str, database_url: str) -> None:
    await Coordinator(await nats.connect(url), await asyncpg.connect(database_url)).run()


async def sidecar(url: str) -> None:
    client = await nats.connect(url)

    async def offered(message: Msg) -> None:
        await message.respond(b"accepted")
        work.add(task := asyncio.ensure_future(client.request("sketch.reports", message.data, timeout=30)))
        task.add_done_callback(work.discard)

    work: set[asyncio.Task[Msg]] = set()
    await client.subscribe("sketch.offers", cb=offered)
    await asyncio.Event().wait()


async def sketch(client: Client) -> OneTask:
    """Submits are acknowledged on disk; so are the ends, before the streams may forget them."""
    js = client.jetstream()
    for name, mode in (("tasks", None), ("ends", None), ("steps", PersistMode.ASYNC)):
        subjects, most = [f"sketch.{name}"], 256 * 1024 * 1024
        await js.add_stream(StreamConfig(name=f"SKETCH_{name.upper()}", subjects=subjects, max_bytes=most, persist_mode=mode))
    results = Results()
    await client.subscribe("sketch.ends", cb=results.heard)
    return results.of(lambda key: js.publish("sketch.tasks", key))


if __name__ == "__main__":
    role = {"coordinator": coordinator, "sidecar": sidecar}[sys.argv[1]]
    uvloop.run(role(*sys.argv[2:]))
