"""Hive's door beside LiteLLM's proxy and ollama-herd, in front of one backend that answers at once, in alternating turns of one run.

`python -m tests.bench.gateway [REQUESTS]`: what each adds to a request and to its first token, against asking the backend itself; requests/s of 32
clients; CPU of all its processes a request. Hive's include its servers: each request is a task, on disk before it is begun and when it has ended.
The two others keep nothing. Then how many streams of 20 tokens/s one gateway process carries (tests/bench/streams.py).
"""

import asyncio
import sys
from contextlib import AsyncExitStack, ExitStack
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

import httpx
import psutil
import uvloop

from deploy.local.ports import free_port
from tests.bench import peers
from tests.bench.asking import Door, asking
from tests.bench.hive import KEY, BenchHive, ready
from tests.bench.load import Figures, measure, median
from tests.bench.stub_backend import MODEL

ROUNDS = 3
TOKENS = 8
CLIENTS = 32
DIRECT, HIVE = "the backend itself", "Hive"
READY_SECONDS = 60


@dataclass(frozen=True, kw_only=True)
class Asked:
    door: Door
    processes: dict[str, psutil.Process]


@dataclass(frozen=True, kw_only=True)
class Kind:
    """One way to put load on a door."""

    title: str
    stream: bool
    clients: int
    share: float
    """Of the requests that were asked for."""


KINDS = (
    Kind(title="one at a time, to the end of the answer", stream=False, clients=1, share=1.0),
    Kind(title="one at a time, to the first token of a stream", stream=True, clients=1, share=1.0),
    Kind(title=f"{CLIENTS} clients", stream=False, clients=CLIENTS, share=2.0),
    Kind(title=f"{CLIENTS} clients, streams", stream=True, clients=CLIENTS, share=2.0),
)


async def compare(doors: dict[str, Asked], kind: Kind, requests: int) -> dict[str, Figures]:
    found: dict[str, list[Figures]] = {name: [] for name in doors}
    for _ in range(ROUNDS):
        for name, asked in doors.items():
            one = asking(asked.door, tokens=TOKENS, stream=kind.stream)
            tasks = max(4 * kind.clients, int(requests * kind.share))
            found[name].append(await measure(one, tasks=tasks, in_flight=kind.clients, processes=asked.processes))
    return {name: median(figures) for name, figures in found.items()}


def show(kind: Kind, found: dict[str, Figures]) -> None:
    print(f"\n{kind.title}")
    for name, figures in found.items():
        rate, added = figures.tasks_per_second, figures.p50 - found[DIRECT].p50
        ratio = "" if name in (DIRECT, HIVE) else f"   Hive has {found[HIVE].tasks_per_second / rate:.1f} times that"
        each = ", ".join(f"{part} {milliseconds:.2f}" for part, milliseconds in figures.cpu.items())
        print(
            f"  {name:<20}{rate:7.1f} requests/s   p50 {figures.p50:7.2f} ms (added {added:6.2f})   p99 {figures.p99:7.2f}   "
            f"CPU a request {sum(figures.cpu.values()):6.2f} ms ({each}){ratio}",
            flush=True,
        )


async def hive_at(stack: ExitStack, folder: Path, stub_port: int, *, agents: int = 1) -> tuple[BenchHive, Door]:
    """The stub, Hive's own processes as they are served, and one sidecar, which speaks for the stub as for so many agents."""
    running = BenchHive(stack, folder)
    running.other("tests.bench.stub_backend", str(stub_port))
    running.start("coordinator", "coordinator.main")
    backends = (f"stub{number}=http://127.0.0.1:{stub_port}/{number}?slots={peers.SLOTS}" for number in range(agents))
    running.start("sidecar", "agent_sidecar.main", backends=",".join(backends))
    running.start("gateway", "coordinator.gateway.main")
    bus = await running.connect()
    await ready(bus)
    await bus.close()
    door = Door(port=running.port, model=MODEL, key=KEY)
    await _lists_the_model(door)
    return running, door


async def _lists_the_model(door: Door) -> None:
    headers = {"Authorization": f"Bearer {door.key}"}
    async with (
        asyncio.timeout(READY_SECONDS),
        httpx.AsyncClient(base_url=f"http://127.0.0.1:{door.port}", headers=headers) as client,
    ):
        while True:
            try:
                answer = await client.get("/v1/models")
                if answer.status_code == 200 and answer.json()["data"]:
                    return
            except httpx.TransportError:
                pass
            await asyncio.sleep(0.1)


async def bench(folder: Path, requests: int) -> None:
    with ExitStack() as stack:
        stub_port = free_port()
        running, door = await hive_at(stack, folder, stub_port)
        doors = {DIRECT: Asked(door=Door(port=stub_port, model=MODEL), processes={})}
        doors[HIVE] = Asked(door=door, processes=running.processes)
        async with AsyncExitStack() as beside:
            if peers.installed():
                for name, (peer, process) in {
                    "LiteLLM": await peers.litellm(stack, folder, stub_port),
                    "ollama-herd": await peers.herd(stack, beside, folder, stub_port),
                }.items():
                    doors[name] = Asked(door=peer, processes={name: process})
            else:
                print(f"{peers.ENVIRONMENT} has no LiteLLM and no ollama-herd: `make bench` installs them")
            await compare(doors, KINDS[2], requests // 4)
            for kind in KINDS:
                show(kind, await compare(doors, kind, requests))


def main() -> None:
    requests = int(sys.argv[1]) if len(sys.argv) > 1 else 200
    with TemporaryDirectory(prefix="hive-bench-") as folder:
        Path(folder).chmod(0o755)
        uvloop.run(bench(Path(folder), requests))


if __name__ == "__main__":
    main()
