"""The two ways that are compared: Hive's three hops, and a bare nats-py JetStream pipeline on the same synced server."""

import asyncio
import json
from collections.abc import Awaitable, Callable
from contextlib import AsyncExitStack
from uuid import UUID, uuid4

import httpx
from nats.aio.client import Client
from nats.aio.msg import Msg
from nats.js.api import StreamConfig

from bus import subjects
from bus.client import Received
from bus.messages import TaskClass, TaskRequest
from bus.nats_bus import NatsBus
from tests.bench.load import OneTask

DEADLINE_SECONDS = 30


class Results:
    """Of messages that are nothing but a key: who waits for which."""

    def __init__(self) -> None:
        self._waiting: dict[bytes, asyncio.Future[None]] = {}

    async def heard(self, message: Msg) -> None:
        if done := self._waiting.pop(message.data, None):
            done.set_result(None)

    def of(self, publish: Callable[[bytes], Awaitable[object]]) -> OneTask:
        async def one(_number: int) -> None:
            key = uuid4().hex.encode()
            self._waiting[key] = done = asyncio.get_running_loop().create_future()
            await publish(key)
            await asyncio.wait_for(done, DEADLINE_SECONDS)

        return one


async def bare(client: Client) -> OneTask:
    """Publish (acknowledged on disk), fetch, ack, publish the result (acknowledged on disk), hear it."""
    js = client.jetstream()
    for name in ("tasks", "results"):
        await js.add_stream(StreamConfig(name=f"BARE_{name.upper()}", subjects=[f"bare.{name}"], max_bytes=256 * 1024 * 1024))
    results = Results()
    await js.subscribe("bare.results", cb=results.heard, ordered_consumer=True)
    return results.of(lambda key: js.publish("bare.tasks", key))


async def hops(bus: NatsBus, stack: AsyncExitStack) -> OneTask:
    """Submit to the stream as a door does (acknowledged on disk), and hear the event of its end."""
    waiting: dict[str, asyncio.Future[None]] = {}

    async def heard(received: Received) -> None:
        if done := waiting.pop(subjects.last_token(received.subject), None):
            done.set_result(None)

    watch = await bus.subscribe(subjects.events("task.completed"), heard)
    stack.push_async_callback(watch.close)
    body = TaskRequest(prompt="Say hello", model="instant").model_dump_json(exclude_defaults=True).encode()

    async def one(_number: int) -> None:
        task_id: UUID = uuid4()
        waiting[str(task_id)] = asyncio.get_running_loop().create_future()
        done = waiting[str(task_id)]
        subject = subjects.submit("default", TaskClass.MEDIUM, task_id)
        await bus.publish_durable(subject, body, message_id=f"default.{task_id}")
        await asyncio.wait_for(done, DEADLINE_SECONDS)

    return one


def rest(client: httpx.AsyncClient) -> OneTask:
    """`POST /api/tasks?wait=30`: the answer holds the completed task. httpx is what people use, and takes its own share of the time."""

    async def one(_number: int) -> None:
        answer = await client.post("/api/tasks", params={"wait": 30}, json={"prompt": "Say hello", "model": "instant"})
        if answer.status_code != 201 or answer.json()["status"] != "completed":
            raise AssertionError(answer.text)

    return one


def bare_rest(port: int, key: str) -> OneTask:
    """The same request, with nothing of a client library: what the door itself takes."""
    body = json.dumps({"prompt": "Say hello", "model": "instant"}).encode()
    lines = (
        "POST /api/tasks?wait=30 HTTP/1.1",
        "Host: 127.0.0.1",
        f"Authorization: Bearer {key}",
        "Content-Type: application/json",
        f"Content-Length: {len(body)}",
    )
    request = "".join(f"{line}\r\n" for line in lines).encode() + b"\r\n" + body
    idle: list[tuple[asyncio.StreamReader, asyncio.StreamWriter]] = []

    async def one(_number: int) -> None:
        reader, writer = idle.pop() if idle else await asyncio.open_connection("127.0.0.1", port)
        writer.write(request)
        head = await reader.readuntil(b"\r\n\r\n")
        length = int(head.lower().partition(b"content-length:")[2].split()[0])
        answer = await reader.readexactly(length)
        if b" 201 " not in head or json.loads(answer)["status"] != "completed":
            raise AssertionError(head + answer)
        idle.append((reader, writer))

    return one
