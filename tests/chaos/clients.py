"""Careful clients, each at one thing after the other until it is told to stop, who write down what they were promised and what they saw.

A lost answer is followed by the same submit under the same name (Idempotency-Key, or the id of the message): that is how a client is careful.
"""

import asyncio
import json
from abc import ABC, abstractmethod
from random import Random
from time import monotonic
from uuid import uuid4

import httpx

from bus import subjects
from bus.errors import HiveError
from bus.messages import TaskClass, TaskRecord, TaskRequest
from bus.nats_bus import NatsBus
from tests.chaos.backend import MODEL
from tests.chaos.doors import DEADLINE_SECONDS, Doors, Failed
from tests.chaos.history import Acknowledged, Log, RequestFailed, Streamed

RETRY_SECONDS = 0.1
WAIT_SECONDS = 6
"""Of `?wait`: below the client's deadline, as a client would choose it."""


class Client(ABC):
    """`pause_seconds`: the mean time between two tasks. `real`: the backend is a real model, which is asked for a word."""

    def __init__(self, name: str, log: Log, random: Random, *, pause_seconds: float, real: bool = False) -> None:
        self.name, self._log, self._random, self._pause_seconds, self._real = name, log, random, pause_seconds, real
        self._count = 0

    async def run(self, stopped: asyncio.Event) -> None:
        while not stopped.is_set():
            self._count += 1
            op, tokens = f"{self.name}-{self._count}", self._random.randint(5, 45)
            await self._one(op, self._request(op, tokens), None if self._real else tokens)
            await _either(stopped, self._random.expovariate(1 / self._pause_seconds))

    def _request(self, op: str, tokens: int) -> TaskRequest:
        if self._real:
            return TaskRequest(prompt="Say yes", options={"num_predict": 4}, metadata={"op": op})
        seconds = self._random.uniform(0.01, 0.09)
        return TaskRequest(prompt=f"{op} {tokens} {seconds:.3f}", model=MODEL, max_attempts=10, metadata={"op": op})

    @abstractmethod
    async def _one(self, op: str, request: TaskRequest, tokens: int | None) -> None:
        """A task, from its submit on until it is acknowledged."""

    def _failed(self, op: str, request: str, why: str) -> None:
        self._log.write(RequestFailed(op=op, request=request, why=why))


class Submitter(Client):
    """POST, and on to the next."""

    _wait: float = 0

    def __init__(self, name: str, log: Log, random: Random, doors: Doors, *, pause_seconds: float, real: bool = False) -> None:
        super().__init__(name, log, random, pause_seconds=pause_seconds, real=real)
        self._doors = doors

    async def _one(self, op: str, request: TaskRequest, tokens: int | None) -> None:
        await self._submit(op, request, tokens)

    async def _submit(self, op: str, request: TaskRequest, tokens: int | None) -> TaskRecord:
        body, key, asked_at = request.model_dump(mode="json", exclude_defaults=True), uuid4().hex, monotonic()
        while True:
            try:
                answer = await self._doors.request(
                    "POST", "/api/tasks", json=body, headers={"Idempotency-Key": key}, params={"wait": self._wait}
                )
            except Failed as failed:
                self._failed(op, "submit", str(failed))
                await asyncio.sleep(RETRY_SECONDS)
                continue
            assert answer.status_code in (200, 201), answer.text
            record = TaskRecord.model_validate_json(answer.content)
            self._log.write(Acknowledged(op=op, task_id=record.id, asked_at=asked_at, tokens=tokens))
            return record


class Waiter(Submitter):
    """POST with `?wait`: the answer may hold the end."""

    _wait = WAIT_SECONDS

    async def _one(self, op: str, request: TaskRequest, tokens: int | None) -> None:
        record = await self._submit(op, request, tokens)
        if record.status.terminal and record.output is not None:
            self._log.write(Streamed(task_id=record.id, text=record.output.text, connections=1))


class Follower(Submitter):
    """POST, then the output as server-sent events, resumed by Last-Event-ID wherever it breaks off."""

    async def _one(self, op: str, request: TaskRequest, tokens: int | None) -> None:
        record = await self._submit(op, request, tokens)
        reading = Reading()
        while not reading.done:
            try:
                await self._follow(record, reading)
            except Failed as failed:
                self._failed(op, "output", str(failed))
                await asyncio.sleep(RETRY_SECONDS)
        self._log.write(Streamed(task_id=record.id, text=reading.text, connections=reading.connections))

    async def _follow(self, record: TaskRecord, reading: "Reading") -> None:
        """One connection. That it ends or breaks is no failure, since the next one goes on; that it is not to be had is."""
        reading.connections += 1
        reading.error = ""  # that of the last connection says nothing about this one
        headers = {"Last-Event-ID": reading.last_id} if reading.last_id else {}
        path = f"/api/tasks/{record.id}/output"
        async with self._doors.stream("GET", path, whole=False, headers=headers) as response:
            assert response.status_code == 200, await response.aread()
            try:
                async for line in response.aiter_lines():
                    reading.take(line)
                    if reading.error:
                        raise Failed(reading.error)
            except httpx.TransportError as error:
                reading.broken.append(type(error).__name__)


class Reading:
    """What server-sent events add up to. Pure."""

    def __init__(self) -> None:
        self.text, self.last_id, self.done, self.error = "", "", False, ""
        self.connections = 0
        self.broken: list[str] = []
        self._event = ""

    def take(self, line: str) -> None:
        name, _, value = line.partition(": ")
        match name:
            case "id":
                self.last_id = value
            case "event":
                self._event = value
            case "data":
                self._data(json.loads(value))

    def _data(self, data: dict[str, object]) -> None:
        self.error = ""
        match self._event:
            case "delta":
                offset = int(str(data["offset"]))
                self.text = self.text[:offset].ljust(offset, "\N{REPLACEMENT CHARACTER}") + str(data["text"])
            case "restart":
                self.text = ""
            case "done":
                self.done = True
            case "error":
                self.error = str(data["code"])


class BusPublisher(Client):
    """`nats pub --jetstream` by a program: the stream's acknowledgement is the promise."""

    def __init__(self, name: str, log: Log, random: Random, bus: NatsBus, *, pause_seconds: float) -> None:
        super().__init__(name, log, random, pause_seconds=pause_seconds)
        self._bus = bus

    async def _one(self, op: str, request: TaskRequest, tokens: int | None) -> None:
        task_id = uuid4()
        subject = subjects.submit(subjects.DEFAULT_TENANT, self._random.choice(list(TaskClass)), task_id)
        data, asked_at = request.model_dump_json(exclude_defaults=True).encode(), monotonic()
        while True:
            try:
                await self._bus.publish_durable(
                    subject, data, message_id=f"{subjects.DEFAULT_TENANT}.{task_id}", timeout=DEADLINE_SECONDS
                )
            except HiveError as error:
                self._failed(op, "publish", error.code)
                await asyncio.sleep(RETRY_SECONDS)
                continue
            self._log.write(Acknowledged(op=op, task_id=task_id, asked_at=asked_at, tokens=tokens))
            return


async def _either(stopped: asyncio.Event, seconds: float) -> None:
    """Until it is told to stop, or the time has passed."""
    try:
        async with asyncio.timeout(seconds):
            await stopped.wait()
    except TimeoutError:
        return
