"""`make bench`: the three hops beside a bare JetStream pipeline, same server, same sync settings, one run. Prints ratios.

Turns of the two alternate, and the medians are compared, since machines are noisy. `python -m tests.bench [TASKS]`
"""

import asyncio
import subprocess
import sys
from contextlib import AsyncExitStack, ExitStack
from pathlib import Path
from tempfile import TemporaryDirectory

import httpx
import nats
import psutil
import uvloop

from bus.errors import HiveError
from bus.messages import AgentList, NoReply
from bus.nats_bus import NatsBus
from bus.subjects import service_verb
from deploy.local.launch import Launch, start
from tests.bench.load import Figures, OneTask, measure, median
from tests.bench.pipelines import bare, bare_rest, hops, rest
from tests.parts.nats import NatsServer
from tests.parts.ports import free_port
from tests.parts.postgres import PostgresServer

KEY = "sk-hive-bench-0123456789abcdef0123456789abcdef"
SLOTS = 128
ROUNDS = 3
Processes = dict[str, psutil.Process]


def process(stack: ExitStack, folder: Path, module: str, *arguments: str, **env: str) -> psutil.Process:
    """Ends with the benchmark, however that ends."""
    command = (sys.executable, "-m", module, *arguments)
    launch = Launch(name=module, command=command, environment=env)
    started = start(launch, folder / f"{module}.log")

    def end() -> None:
        started.terminate()
        try:
            started.wait(10)
        except subprocess.TimeoutExpired:
            started.kill()
            started.wait()

    stack.callback(end)
    return psutil.Process(started.pid)


async def ready(bus: NatsBus) -> None:
    async with asyncio.timeout(30):
        while True:
            try:
                agents = await bus.request(service_verb("agents", "list"), NoReply(), AgentList, timeout=2)
                if agents.agents:
                    return
            except HiveError:
                pass
            await asyncio.sleep(0.1)


async def warm(client: httpx.AsyncClient) -> None:
    async with asyncio.timeout(30):
        while True:
            try:
                if (await client.get("/readyz")).status_code == 200:
                    return
            except httpx.TransportError:
                pass
            await asyncio.sleep(0.1)


async def compare(pairs: dict[str, tuple[OneTask, Processes]], *, tasks: int, in_flight: int) -> dict[str, Figures]:
    found: dict[str, list[Figures]] = {name: [] for name in pairs}
    for _ in range(ROUNDS):
        for name, (one, processes) in pairs.items():
            found[name].append(await measure(one, tasks=tasks, in_flight=in_flight, processes=processes))
    return {name: median(figures) for name, figures in found.items()}


def show(title: str, figures: dict[str, Figures], base: str) -> None:
    print(f"\n{title}")
    for name, figure in figures.items():
        ratio = f"{figure.tasks_per_second / figures[base].tasks_per_second:5.2f} x tasks/s, {figure.p50 / figures[base].p50:5.2f} x p50"
        print(f"  {name:<22}{figure}   {ratio}", flush=True)


async def bench(folder: Path, tasks: int, with_rest: bool) -> None:
    with ExitStack() as processes:
        server = NatsServer(folder / "nats")
        server.start()
        processes.callback(server.kill)
        postgres = PostgresServer(folder / "postgres")
        postgres.start()
        processes.callback(postgres.stop)
        port = free_port()
        env = {
            "NATS_URL": server.url,
            "HIVE_DATABASE_URL": postgres.url,
            "HIVE_DATA_DIR": str(folder),
            "HIVE_BACKENDS": f"instant=http://127.0.0.1:9?slots={SLOTS}",
            "HIVE_API_PORT": str(port),
            "HIVE_ADMIN_KEY": KEY,
            "HIVE_LOG_LEVEL": "warning",
        }
        assert server.process is not None
        assert postgres.process is not None
        nats_process, own = psutil.Process(server.process.pid), psutil.Process()
        hive = {
            "nats": nats_process,
            "postgres": psutil.Process(postgres.process.pid),
            "coordinator": process(processes, folder, "coordinator.main", **env),
            "sidecar": process(processes, folder, "tests.bench.instant_sidecar", **env),
        }
        async with AsyncExitStack() as stack:
            client = await nats.connect(server.url)
            stack.push_async_callback(client.close)
            bare_one = await bare(client)
            worker = process(processes, folder, "tests.bench.bare_worker", server.url)
            bus = await NatsBus.connect(server.settings(), "bench", timeout=10)
            stack.push_async_callback(bus.close)
            await ready(bus)
            hops_one = await hops(bus, stack)
            bare_processes = {"client": own, "nats": nats_process, "worker": worker}
            pairs = {"bare JetStream": (bare_one, bare_processes), "Hive, by the bus": (hops_one, {"client": own, **hive})}
            await compare(pairs, tasks=max(200, tasks // 10), in_flight=32)
            show("64 in flight", await compare(pairs, tasks=tasks, in_flight=64), "bare JetStream")
            show("one at a time", await compare(pairs, tasks=tasks // 5, in_flight=1), "bare JetStream")
            if with_rest:
                hive["gateway"] = process(processes, folder, "coordinator.gateway.main", **env)
                headers = {"Authorization": f"Bearer {KEY}"}
                http = httpx.AsyncClient(base_url=f"http://127.0.0.1:{port}", headers=headers, timeout=60)
                await stack.enter_async_context(http)
                await warm(http)
                used = {"client": own, **hive}
                rest_pairs = {
                    "Hive, by the bus": (hops_one, used),
                    "REST, no library": (bare_rest(port, KEY), used),
                    "REST, by httpx": (rest(http), used),
                }
                show("REST, one at a time", await compare(rest_pairs, tasks=tasks // 5, in_flight=1), "Hive, by the bus")
                show("REST, 16 in flight", await compare(rest_pairs, tasks=tasks // 2, in_flight=16), "Hive, by the bus")
            resident = ", ".join(f"{name} {each.memory_info().rss >> 20}" for name, each in hive.items())
            print(f"\nMiB resident: {resident}")


def main() -> None:
    tasks = int(sys.argv[1]) if len(sys.argv) > 1 else 3000
    with TemporaryDirectory(prefix="hive-bench-") as folder:
        Path(folder).chmod(0o755)
        uvloop.run(bench(Path(folder), tasks, with_rest="--no-rest" not in sys.argv))


if __name__ == "__main__":
    main()
