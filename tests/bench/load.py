"""How load is put and measured: so many tasks with so many in flight, each from its submit to its end."""

import asyncio
import os
import statistics
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from time import perf_counter

import psutil

OneTask = Callable[[int], Awaitable[float | None]]
"""It may tell the seconds that count, where that is not the whole of it."""


@dataclass(frozen=True, kw_only=True)
class Figures:
    """Latencies in milliseconds; CPU in milliseconds a task, by process."""

    tasks_per_second: float
    p50: float
    p99: float
    cpu: dict[str, float]

    def __str__(self) -> str:
        each = ", ".join(f"{name} {milliseconds:.2f}" for name, milliseconds in self.cpu.items())
        latency = f"p50 {self.p50:7.2f} ms   p99 {self.p99:7.2f} ms"
        return f"{self.tasks_per_second:8.0f} tasks/s   {latency}   CPU a task {sum(self.cpu.values()):5.2f} ms ({each})"


async def measure(one: OneTask, *, tasks: int, in_flight: int, processes: dict[str, psutil.Process]) -> Figures:
    durations: list[float] = []
    numbers = iter(range(tasks))

    async def lane() -> None:
        for number in numbers:
            began = perf_counter()
            seconds = await one(number)
            durations.append((perf_counter() - began if seconds is None else seconds) * 1000)

    before, began = cpu_seconds(processes), perf_counter()
    await asyncio.gather(*(lane() for _ in range(in_flight)))
    wall = perf_counter() - began
    quantiles = statistics.quantiles(durations, n=100)
    return Figures(
        tasks_per_second=tasks / wall,
        p50=quantiles[49],
        p99=quantiles[98],
        cpu={name: (seconds - before[name]) * 1000 / tasks for name, seconds in cpu_seconds(processes).items()},
    )


def cpu_seconds(processes: dict[str, psutil.Process]) -> dict[str, float]:
    """Seconds of processor that each has used; PostgreSQL's includes its backends."""
    return {name: sum(_seconds(each) for each in _family(process)) for name, process in processes.items()}


def _family(process: psutil.Process) -> list[psutil.Process]:
    return [process] if process.pid == os.getpid() else [process, *process.children(recursive=True)]


def _seconds(process: psutil.Process) -> float:
    try:
        times = process.cpu_times()
    except psutil.NoSuchProcess:
        return 0.0
    return float(times.user + times.system)


def median(figures: list[Figures]) -> Figures:
    """Of several turns, figure by figure."""
    return Figures(
        tasks_per_second=statistics.median(f.tasks_per_second for f in figures),
        p50=statistics.median(f.p50 for f in figures),
        p99=statistics.median(f.p99 for f in figures),
        cpu={name: statistics.median(f.cpu[name] for f in figures) for name in figures[0].cpu},
    )
