"""How load is put and measured: so many tasks with so many in flight, each from its submit to its end."""

import asyncio
import statistics
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from time import perf_counter

import psutil

OneTask = Callable[[int], Awaitable[None]]


@dataclass(frozen=True, kw_only=True)
class Figures:
    """Latencies in milliseconds, CPU in milliseconds a task, of all processes together."""

    tasks_per_second: float
    p50: float
    p99: float
    cpu: float

    def __str__(self) -> str:
        return f"{self.tasks_per_second:8.0f} tasks/s   p50 {self.p50:7.2f} ms   p99 {self.p99:7.2f} ms   CPU {self.cpu:5.2f} ms a task"


async def measure(one: OneTask, *, tasks: int, in_flight: int, pids: list[int]) -> Figures:
    processes = [psutil.Process(pid) for pid in pids]
    durations: list[float] = []
    numbers = iter(range(tasks))

    async def lane() -> None:
        for number in numbers:
            began = perf_counter()
            await one(number)
            durations.append((perf_counter() - began) * 1000)

    before, began = _cpu(processes), perf_counter()
    await asyncio.gather(*(lane() for _ in range(in_flight)))
    wall = perf_counter() - began
    quantiles = statistics.quantiles(durations, n=100)
    return Figures(
        tasks_per_second=tasks / wall, p50=quantiles[49], p99=quantiles[98], cpu=(_cpu(processes) - before) * 1000 / tasks
    )


def _cpu(processes: list[psutil.Process]) -> float:
    """Seconds of processor that these and their children have used."""
    total = 0.0
    for process in processes:
        for each in (process, *process.children(recursive=True)):
            times = each.cpu_times()
            total += times.user + times.system
    return total
