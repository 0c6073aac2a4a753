"""Many waiting tasks: what they cost in memory, how soon a successor dispatches, and what is left of the rates.

`python -m tests.bench.backlog [WAITING …]`, by default 5,000 and 200,000; the first is what the others are compared with.
"""

import asyncio
import sys
from contextlib import AsyncExitStack, ExitStack
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from time import perf_counter
from uuid import UUID, uuid4

import uvloop

from bus import subjects
from bus.client import Received
from bus.messages import ClusterStatus, NoReply, TaskClass, TaskRequest
from bus.nats_bus import NatsBus
from coordinator.store.database import migrate
from tests.bench.hive import BenchHive, ready

RATE_SECONDS = 8.0
SUBMITTERS = 16
URGENT = 20
SIDECAR = "tests.bench.instant_sidecar"
FEW_SLOTS, SOME_MILLISECONDS = 2, 50
"""Of the sidecar that urgent tasks wait for: the machine must not be what they wait for."""
RUSH = 500
LOAD_SECONDS = 180

FILL = """
INSERT INTO tasks (id, tenant, owner, priority, status, created_at, sequence, model, request, title)
SELECT gen_random_uuid(), 'default', 'bench', 3, 'queued', now(), n, 'instant', '{{"prompt":"Say hello","model":"instant"}}',
    'Task number ' || n
FROM generate_series(1, {waiting}) n
"""


@dataclass(frozen=True, kw_only=True)
class Findings:
    waiting: int
    takeover_seconds: float
    bytes_a_task: float
    urgent_p50_ms: float
    urgent_worst_ms: float
    submits_per_second: float
    dispatched_per_second: float


class Watch:
    """Counts the tasks that are assigned, and knows when a given one is, and when the last slot became free."""

    def __init__(self) -> None:
        self.assigned = 0
        self.free_at = perf_counter()
        self.first = asyncio.Event()
        self._awaited: dict[str, asyncio.Future[None]] = {}

    async def heard(self, received: Received) -> None:
        self.assigned += 1
        self.first.set()
        if done := self._awaited.pop(subjects.last_token(received.subject), None):
            done.set_result(None)

    async def ended(self, _received: Received) -> None:
        self.free_at = perf_counter()

    async def rush(self) -> None:
        """Returns when the fast sidecar is at work."""
        until = self.assigned + RUSH
        async with asyncio.timeout(60):
            while self.assigned < until:
                await asyncio.sleep(0.05)

    def expect(self, task_id: str) -> "asyncio.Future[None]":
        return self._awaited.setdefault(task_id, asyncio.get_running_loop().create_future())


async def submit(bus: NatsBus, task_class: TaskClass, task_id: UUID) -> None:
    body = TaskRequest(prompt="Say hello", model="instant").model_dump_json(exclude_defaults=True).encode()
    await bus.publish_durable(subjects.submit("default", task_class, task_id), body, message_id=f"default.{task_id}")


async def takeover(hive: BenchHive, watch: Watch) -> float:
    """Seconds from the kill of the leader to the first task that its successor gives out."""
    watch.first.clear()
    hive.processes["coordinator"].kill()
    began = perf_counter()
    # What the old one had announced is still on its way for a moment.
    await asyncio.sleep(0.3)
    watch.first.clear()
    await asyncio.wait_for(watch.first.wait(), 60)
    return perf_counter() - began


async def loaded(bus: NatsBus, waiting: int) -> None:
    """Returns when the leader has read nearly all that waits; some of it is being worked off meanwhile."""
    async with asyncio.timeout(LOAD_SECONDS):
        before = -1
        while True:
            status = await bus.request(subjects.service_verb("queue", "status"), NoReply(), ClusterStatus, timeout=10)
            found = sum(status.queue.values())
            if found <= before:
                return
            before = found
            await asyncio.sleep(1.0)


async def urgent(bus: NatsBus, watch: Watch) -> list[float]:
    """Milliseconds that a slot stayed free, or an acknowledged task waited for one, until that task had it, behind all that waits."""
    took = []
    for _ in range(URGENT):
        task_id = uuid4()
        done = watch.expect(str(task_id))
        await submit(bus, TaskClass.HIGH, task_id)
        acknowledged = perf_counter()
        await asyncio.wait_for(done, 30)
        took.append((perf_counter() - max(acknowledged, watch.free_at)) * 1000)
    return sorted(took)


async def rates(bus: NatsBus, watch: Watch) -> tuple[float, float]:
    """Submits and dispatches per second, both at once."""
    until, submits, before = perf_counter() + RATE_SECONDS, 0, watch.assigned

    async def lane() -> None:
        nonlocal submits
        while perf_counter() < until:
            await submit(bus, TaskClass.LOW, uuid4())
            submits += 1

    await asyncio.gather(*(lane() for _ in range(SUBMITTERS)))
    return submits / RATE_SECONDS, (watch.assigned - before) / RATE_SECONDS


async def measure(folder: Path, waiting: int) -> Findings:
    with ExitStack() as processes:
        hive = BenchHive(processes, folder)
        await migrate(hive.postgres.url)
        leader = hive.start("coordinator", "coordinator.main")
        async with AsyncExitStack() as stack:
            bus = await hive.connect()
            stack.push_async_callback(bus.close)
            sidecar = hive.start("sidecar", SIDECAR, slots=FEW_SLOTS, milliseconds=SOME_MILLISECONDS)
            await ready(bus)
            empty = leader.memory_info().rss
            sidecar.suspend()  # nothing is worked off while the tasks are put there
            await hive.postgres.execute(FILL.format(waiting=waiting))
            await hive.postgres.execute("ANALYZE tasks")
            successor = hive.start("successor", "coordinator.main")
            await asyncio.sleep(3)
            watch = Watch()
            for subject, handler in (
                (subjects.events("task.assigned"), watch.heard),
                (subjects.ALL_OUTCOMES, watch.ended),
                (subjects.ALL_REPORTS, watch.ended),
            ):
                stack.push_async_callback((await bus.subscribe(subject, handler)).close)
            sidecar.resume()
            seconds = await takeover(hive, watch)
            await loaded(bus, waiting)
            urgent_ms = await urgent(bus, watch)
            resident = successor.memory_info().rss
            sidecar.terminate()
            sidecar.wait()
            hive.start("sidecar", SIDECAR)
            await watch.rush()
            submits, dispatched = await rates(bus, watch)
        return Findings(
            waiting=waiting,
            takeover_seconds=seconds,
            bytes_a_task=(resident - empty) / waiting,
            urgent_p50_ms=urgent_ms[len(urgent_ms) // 2],
            urgent_worst_ms=urgent_ms[-1],
            submits_per_second=submits,
            dispatched_per_second=dispatched,
        )


def show(found: Findings, base: Findings) -> None:
    print(
        f"{found.waiting:>9,} waiting: successor dispatches after {found.takeover_seconds:.2f} s, {found.bytes_a_task:,.0f} bytes a task, "
        f"urgent dispatched after {found.urgent_p50_ms:.1f} ms (worst {found.urgent_worst_ms:.1f}), "
        f"{found.submits_per_second:.0f} submits/s ({found.submits_per_second / base.submits_per_second:.2f} x), "
        f"{found.dispatched_per_second:.0f} dispatched/s ({found.dispatched_per_second / base.dispatched_per_second:.2f} x)",
        flush=True,
    )


def main() -> None:
    base: Findings | None = None
    for waiting in [int(word) for word in sys.argv[1:]] or [5_000, 200_000]:
        with TemporaryDirectory(prefix="hive-bench-") as folder:
            Path(folder).chmod(0o755)
            found = uvloop.run(measure(Path(folder), waiting))
            base = base or found
            show(found, base)


if __name__ == "__main__":
    main()
