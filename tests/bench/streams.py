"""How many streams of 20 tokens/s one gateway process carries: `python -m tests.bench.streams [STREAMS …]`, by default 100 200 400 700 1000.

Everything but the gateway is there once too: stub, sidecar, bus, coordinator and the client share the machine with it, so what it gives out at may be
any of them. Hence each one's share of a core, and what the gateway alone takes for a token.
"""

import asyncio
import statistics
import sys
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from time import perf_counter

import psutil
import uvloop

from deploy.local.ports import free_port
from tests.bench.asking import Door, Exchange, check, connect
from tests.bench.gateway import hive_at
from tests.bench.load import cpu_seconds
from tests.bench.peers import SLOTS

EVERY_MILLISECONDS = 50
TOKENS_A_SECOND = 1000 / EVERY_MILLISECONDS
OPENED_A_SECOND = 40
WINDOW_SECONDS = 8.0
LEEWAY_SECONDS = 4.0
KEPT_UP = 0.97
"""Of the tokens that were written in the window: with less it falls behind."""


@dataclass(frozen=True, kw_only=True)
class Carried:
    """While all were open. `late_*` are seconds that a stream took longer than its backend, at its end; `cores` by process."""

    streams: int
    rate: float
    late_p50: float
    late_p99: float
    cores: dict[str, float]

    @property
    def kept_up(self) -> float:
        return self.rate / (self.streams * TOKENS_A_SECOND)

    def __str__(self) -> str:
        used = ", ".join(f"{name} {share:.2f}" for name, share in self.cores.items())
        microseconds = self.cores["gateway"] / self.rate * 1e6
        return (
            f"{self.streams:>5} streams: {self.rate:8,.0f} tokens/s ({self.kept_up:.2f} of what was written), ends late by "
            f"{self.late_p50:.2f} s (p99 {self.late_p99:.2f}); cores: {used}; gateway {microseconds:.0f} µs a token, "
            f"so {1e6 / microseconds / TOKENS_A_SECOND:.0f} streams a core"
        )


async def carry(door: Door, streams: int, processes: dict[str, psutil.Process]) -> Carried:
    opening = streams / OPENED_A_SECOND
    tokens = int((opening + WINDOW_SECONDS + LEEWAY_SECONDS) * TOKENS_A_SECOND)
    request = door.request(tokens=tokens, milliseconds=EVERY_MILLISECONDS, stream=True)
    exchanges: list[Exchange] = []

    async def one(exchange: Exchange) -> float:
        check(await exchange.ask(request), tokens)
        assert exchange.first_at is not None
        return perf_counter() - exchange.first_at - (tokens - 1) / TOKENS_A_SECOND

    asked = []
    for _ in range(streams):
        exchanges.append(await connect(door.port))
        asked.append(asyncio.create_task(one(exchanges[-1])))
        await asyncio.sleep(1 / OPENED_A_SECOND)
    async with asyncio.timeout(opening + 60):
        while any(exchange.first_at is None for exchange in exchanges) and not any(task.done() for task in asked):
            await asyncio.sleep(0.05)
    rate, cores = await _watched(exchanges, processes)
    late = sorted(await asyncio.gather(*asked))
    for exchange in exchanges:
        exchange.close()
    return Carried(
        streams=streams, rate=rate, late_p50=statistics.median(late), late_p99=late[int(len(late) * 0.99)], cores=cores
    )


async def _watched(exchanges: list[Exchange], processes: dict[str, psutil.Process]) -> tuple[float, dict[str, float]]:
    """Tokens/s and cores over the window."""
    began, tokens, before = perf_counter(), sum(each.tokens for each in exchanges), cpu_seconds(processes)
    await asyncio.sleep(WINDOW_SECONDS)
    seconds, after = perf_counter() - began, cpu_seconds(processes)
    rate = (sum(each.tokens for each in exchanges) - tokens) / seconds
    return rate, {name: (used - before[name]) / seconds for name, used in after.items()}


async def bench(folder: Path, steps: list[int]) -> None:
    with ExitStack() as stack:
        stub_port = free_port()
        running, door = await hive_at(stack, folder, stub_port, agents=-(-max(steps) // SLOTS))
        for streams in steps:
            carried = await carry(door, streams, {**running.processes, "client": psutil.Process()})
            print(carried, flush=True)
            if carried.kept_up < KEPT_UP:
                break


def main() -> None:
    steps = [int(word) for word in sys.argv[1:]] or [100, 200, 400, 700, 1000]
    with TemporaryDirectory(prefix="hive-bench-") as folder:
        Path(folder).chmod(0o755)
        uvloop.run(bench(Path(folder), steps))


if __name__ == "__main__":
    main()
