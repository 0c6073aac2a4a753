"""`make bench`: the three hops beside a bare JetStream pipeline, same server, same sync settings, one run; and Celery. Prints ratios.

Beside both, the three hops with nothing decided (tests/bench/sketch.py): what they cost any program of this make.

Turns of the two alternate, and the medians are compared, since machines are noisy. `python -m tests.bench [TASKS]`
"""

import asyncio
import sys
from contextlib import AsyncExitStack, ExitStack
from pathlib import Path
from tempfile import TemporaryDirectory

import httpx
import nats
import psutil
import uvloop

from tests.bench.celery_pipeline import PYTHON, Celery
from tests.bench.hive import KEY, BenchHive, ready
from tests.bench.load import Figures, OneTask, measure, median
from tests.bench.pipelines import bare, bare_rest, hops, rest
from tests.bench.sketch import sketch

ROUNDS = 3
CELERY = "Celery, Valkey"
Processes = dict[str, psutil.Process]


async def warm(client: httpx.AsyncClient) -> None:
    async with asyncio.timeout(30):
        while True:
            try:
                if (await client.get("/readyz")).status_code == 200:
                    return
            except httpx.TransportError:
                pass
            await asyncio.sleep(0.1)


async def compare(
    pairs: dict[str, tuple[OneTask, Processes]], *, tasks: int, in_flight: int, celery: Celery | None = None
) -> dict[str, Figures]:
    found: dict[str, list[Figures]] = {name: [] for name in pairs}
    for _ in range(ROUNDS):
        for name, (one, processes) in pairs.items():
            found[name].append(await measure(one, tasks=tasks, in_flight=in_flight, processes=processes))
        if celery is not None:
            found.setdefault(CELERY, []).append(await celery.measure(tasks=tasks, in_flight=in_flight))
    return {name: median(figures) for name, figures in found.items()}


def show(title: str, figures: dict[str, Figures], base: str) -> None:
    print(f"\n{title}")
    for name, figure in figures.items():
        ratio = f"{figure.tasks_per_second / figures[base].tasks_per_second:5.2f} x tasks/s, {figure.p50 / figures[base].p50:5.2f} x p50"
        print(f"  {name:<22}{figure}   {ratio}", flush=True)


async def bench(folder: Path, tasks: int, with_rest: bool) -> None:
    with ExitStack() as processes:
        running, own = BenchHive(processes, folder), psutil.Process()
        running.start("coordinator", "coordinator.main")
        running.start("sidecar", "tests.bench.instant_sidecar")
        async with AsyncExitStack() as stack:
            client = await nats.connect(running.server.url)
            stack.push_async_callback(client.close)
            bare_one = await bare(client)
            worker = running.other("tests.bench.bare_worker", running.server.url)
            sketch_one = await sketch(client)
            sketch_processes = {
                role: running.other("tests.bench.sketch", role, running.server.url, *more)
                for role, more in (("coordinator", (running.postgres.url,)), ("sidecar", ()))
            }
            bus = await running.connect()
            stack.push_async_callback(bus.close)
            await ready(bus)
            hops_one = await hops(bus, stack)
            bare_processes = {"client": own, "nats": running.processes["nats"], "worker": worker}
            servers = {name: running.processes[name] for name in ("nats", "postgres")}
            pairs = {
                "bare JetStream": (bare_one, bare_processes),
                "three hops, bare": (sketch_one, {"client": own, **servers, **sketch_processes}),
                "Hive, by the bus": (hops_one, {"client": own, **running.processes}),
            }
            await compare(pairs, tasks=max(200, tasks // 10), in_flight=32)
            celery = Celery(processes, folder) if PYTHON.exists() else None
            show("64 in flight", await compare(pairs, tasks=tasks, in_flight=64, celery=celery), "bare JetStream")
            show("one at a time", await compare(pairs, tasks=tasks // 5, in_flight=1), "bare JetStream")
            if with_rest:
                running.start("gateway", "coordinator.gateway.main")
                headers = {"Authorization": f"Bearer {KEY}"}
                http = httpx.AsyncClient(base_url=f"http://127.0.0.1:{running.port}", headers=headers, timeout=60)
                await stack.enter_async_context(http)
                await warm(http)
                used = {"client": own, **running.processes}
                rest_pairs = {
                    "Hive, by the bus": (hops_one, used),
                    "REST, no library": (bare_rest(running.port, KEY), used),
                    "REST, by httpx": (rest(http), used),
                }
                show("REST, one at a time", await compare(rest_pairs, tasks=tasks // 5, in_flight=1), "Hive, by the bus")
                show("REST, 16 in flight", await compare(rest_pairs, tasks=tasks // 2, in_flight=16), "Hive, by the bus")
            resident = ", ".join(f"{name} {each.memory_info().rss >> 20}" for name, each in running.processes.items())
            print(f"\nMiB resident: {resident}")


def main() -> None:
    tasks = int(sys.argv[1]) if len(sys.argv) > 1 else 3000
    with TemporaryDirectory(prefix="hive-bench-") as folder:
        Path(folder).chmod(0o755)
        uvloop.run(bench(Path(folder), tasks, with_rest="--no-rest" not in sys.argv))


if __name__ == "__main__":
    main()
