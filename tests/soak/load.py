"""Everything that people do with tasks, steadily, from clients that come, stay and go: what each leaves behind is what the soak test looks for."""

import asyncio
import json
from collections import Counter
from collections.abc import Awaitable, Callable
from random import Random
from typing import Any, Final
from uuid import UUID, uuid4

import httpx

from bus import subjects
from bus.auth import BUS_OPERATOR
from bus.client import Bus, Received
from bus.errors import HiveError
from bus.follow import Done, follow
from bus.messages import TaskClass, TaskRecord, TaskRef, TaskRequest, TaskStatus
from bus.nats_bus import NatsBus
from tests.soak.backend import BREAK, FLAKY, MODEL, speak
from tests.soak.hive import KEY, SoakHive

DEADLINE_SECONDS: Final = 60.0
BALLAST: Final = "x" * 200_000


class Load:
    """`ended` counts tasks by how they ended, `wrong` what a client was told that it should not have been."""

    def __init__(self, hive: SoakHive, random: Random) -> None:
        self._hive, self._random = hive, random
        self._http = httpx.AsyncClient(base_url=hive.api, headers={"Authorization": f"Bearer {KEY}"}, timeout=DEADLINE_SECONDS)
        self._waiting: dict[str, asyncio.Event] = {}
        self.ended: Counter[str] = Counter()
        self.wrong: Counter[str] = Counter()

    @property
    def tasks(self) -> int:
        return self.ended.total()

    @property
    def ends(self) -> str:
        return ", ".join(f"{number} {end}" for end, number in sorted(self.ended.items()))

    async def run(self, stopped: asyncio.Event) -> None:
        """Until it is told to stop, and what was begun has ended."""
        heard = [
            await self._hive.bus.subscribe(subjects.events(f"task.{end}"), self._heard)
            for end in ("completed", "failed", "cancelled")
        ]
        # What fails inside its backend takes the agent out of use for a second, so it must be rare where others are to be done.
        ways: list[tuple[Callable[[], Awaitable[None]], int, float]] = [
            (self._publish, 10, 0.02),
            (self._post, 3, 0.02),
            (self._chain, 2, 0.1),
            (self._fail, 1, 10.0),
            (self._retry, 1, 5.0),
            (self._overtime, 1, 0.5),
            (self._stop_running, 1, 0.2),
            (self._stop_waiting, 1, 0.1),
            (self._watch, 2, 0.1),
            (self._look_and_leave, 1, 0.1),
            (self._visit, 1, 0.3),
            (self._misunderstand, 1, 0.3),
            (self._look_around, 1, 0.3),
            (self._probe_the_dashboard, 1, 0.3),
        ]
        try:
            async with asyncio.TaskGroup() as group:
                for way, lanes, pause_seconds in ways:
                    for _ in range(lanes):
                        group.create_task(self._lane(way, pause_seconds, stopped))
        finally:
            for subscription in heard:
                await subscription.close()
            await self._http.aclose()

    async def _lane(self, way: Callable[[], Awaitable[None]], pause_seconds: float, stopped: asyncio.Event) -> None:
        while not stopped.is_set():
            try:
                async with asyncio.timeout(DEADLINE_SECONDS):
                    await way()
            except (httpx.TransportError, HiveError, TimeoutError) as error:
                self.wrong[f"{way.__name__}: {type(error).__name__}"] += 1
            await asyncio.sleep(self._random.uniform(0, 2 * pause_seconds))

    # By the bus

    async def _publish(self) -> None:
        """As programs do: the acknowledgement, then the event. One in twenty brings a large prompt."""
        ballast = BALLAST if self._random.random() < 0.05 else ""
        request = TaskRequest(prompt=f"{speak(self._random.randint(1, 3), 0.005)} {ballast}", model=MODEL)
        await self._submit_and_wait(request.model_dump_json(exclude_defaults=True).encode())

    async def _submit_and_wait(self, data: bytes) -> None:
        task_id = uuid4()
        ended = self._waiting[str(task_id)] = asyncio.Event()
        try:
            await self._submit(self._hive.bus, task_id, data)
            await ended.wait()
        finally:
            del self._waiting[str(task_id)]

    async def _submit(self, bus: Bus, task_id: UUID, data: bytes) -> None:
        subject = subjects.submit(subjects.DEFAULT_TENANT, self._random.choice(list(TaskClass)), task_id)
        await bus.publish_durable(subject, data, message_id=f"{subjects.DEFAULT_TENANT}.{task_id}")

    async def _heard(self, received: Received) -> None:
        self.ended[subjects.event_type(received.subject).rpartition(".")[2]] += 1
        if waiting := self._waiting.get(subjects.last_token(received.subject)):
            waiting.set()

    async def _visit(self) -> None:
        """As the CLI does: a connection of its own, a task, its output, and gone."""
        bus = await NatsBus.connect(self._hive.nats.settings(), "visitor", timeout=10)
        try:
            task_id, request = uuid4(), TaskRequest(prompt=speak(10, 0.02), model=MODEL)
            await self._submit(bus, task_id, request.model_dump_json(exclude_defaults=True).encode())
            async for item in follow(bus, task_id, BUS_OPERATOR):
                if isinstance(item, Done):
                    await bus.last(subjects.EVENTS, subjects.events(entity_id=task_id))
            verb = subjects.service_verb(subjects.SERVICE_TASKS, "get")
            await bus.request(verb, TaskRef(id=task_id), TaskRecord)
        finally:
            await bus.close()

    async def _misunderstand(self) -> None:
        """What nobody can understand becomes a failed task, and holds nothing up."""
        await self._submit_and_wait(b"not JSON")

    # By REST

    async def _post(self) -> None:
        await self._posted(TaskStatus.COMPLETED, prompt=speak(3, 0.01))

    async def _posted(self, wanted: TaskStatus, **request: Any) -> dict[str, Any]:
        """Waits for its end, and holds that it is the one that is wanted."""
        answer = await self._http.post("/api/tasks", params={"wait": 50}, json={"model": MODEL, **request})
        record: dict[str, Any] = answer.json()
        if answer.status_code != 201 or record["status"] != wanted:
            self.wrong[f"{wanted} wanted, got {answer.status_code} {record.get('status', record.get('code'))}"] += 1
        return record

    async def _begin(self, **request: Any) -> str:
        answer = await self._http.post("/api/tasks", json={"model": MODEL, **request})
        return str(answer.json()["id"])

    async def _chain(self) -> None:
        first = await self._begin(prompt=speak(2, 0.02))
        second = await self._begin(prompt=speak(2, 0.02), depends_on=[first])
        await self._posted(TaskStatus.COMPLETED, prompt=speak(1, 0.01), depends_on=[first, second])

    async def _fail(self) -> None:
        """A task that cannot be done, and one that waits for it."""
        first = await self._begin(prompt=BREAK, max_attempts=1)
        await self._posted(TaskStatus.FAILED, prompt=speak(1, 0.01), depends_on=[first])

    async def _retry(self) -> None:
        await self._http.post("/api/tasks", params={"wait": 50}, json={"model": MODEL, "prompt": FLAKY, "max_attempts": 4})

    async def _overtime(self) -> None:
        await self._posted(TaskStatus.FAILED, prompt=speak(50, 0.1), timeout_seconds=1)

    async def _stop_running(self) -> None:
        task = await self._begin(prompt=speak(300, 0.1))
        await asyncio.sleep(self._random.uniform(0.1, 0.6))
        await self._cancel(task)

    async def _stop_waiting(self) -> None:
        """Nobody has so much memory, so it waits until it is cancelled."""
        await self._cancel(await self._begin(prompt=speak(1, 0.0), require={"vram_gb": 80}))

    async def _cancel(self, task: str) -> None:
        answer = await self._http.delete(f"/api/tasks/{task}")
        if answer.status_code != 200:
            self.wrong[f"cancel: {answer.status_code}"] += 1

    async def _watch(self) -> None:
        task = await self._begin(prompt=speak(20, 0.03))
        async with self._http.stream("GET", f"/api/tasks/{task}/output") as response:
            done = [line async for line in response.aiter_lines() if line == "event: done"]
        if not done:
            self.wrong["watch: not done"] += 1

    async def _look_and_leave(self) -> None:
        """The client goes away in the middle of the output; the task goes on."""
        task = await self._begin(prompt=speak(20, 0.03))
        async with self._http.stream("GET", f"/api/tasks/{task}/output") as response:
            async for line in response.aiter_lines():
                if line.startswith("data") and "text" in json.loads(line.partition(": ")[2]):
                    return

    async def _look_around(self) -> None:
        for path in (
            "/api/tasks?limit=50",
            "/api/agents",
            "/api/status/cluster",
            f"/api/tasks/{uuid4()}",
            "/metrics",
            "/nowhere",
        ):
            await self._http.get(path)
        await self._http.post("/api/tasks/explain", json={"prompt": "Hi", "model": MODEL})

    async def _probe_the_dashboard(self) -> None:
        """As an uptime probe does, time after time, without keeping a cookie."""
        async with httpx.AsyncClient(base_url=self._hive.gui, timeout=DEADLINE_SECONDS) as http:
            await http.get("/healthz")
            await http.get("/login")
