"""A hundred assistants on one gateway: `python -m tests.bench.mcp [CLIENTS [CALLS A SECOND [SECONDS]]]`, by default 100 50 10.

Each has a session by handshake, a stream for what the server tells, and a connection for its calls. The status of the hive is asked for at a
steady rate, by its tool and by plain REST in turns: an answer's time counts from when its question was due, so one that is held up counts for
those behind it. Before and after, what a connection costs that nobody uses.
"""

import asyncio
import json
import os
import statistics
import sys
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from time import perf_counter
from typing import Any

import psutil
import uvloop

from deploy.local.ports import free_port
from tests.bench.asking import Door, Exchange, connect
from tests.bench.gateway import hive_at
from tests.bench.load import cpu_seconds

IDLE_SECONDS = 10.0
ROUNDS = 3
VERSION = "2025-11-25"
TOOL = {"jsonrpc": "2.0", "id": 7, "method": "tools/call", "params": {"name": "cluster_status", "arguments": {}}}
HELLO = {
    "jsonrpc": "2.0",
    "id": 0,
    "method": "initialize",
    "params": {"protocolVersion": VERSION, "capabilities": {}, "clientInfo": {"name": "bench", "version": "1"}},
}


@dataclass(frozen=True)
class Assistant:
    """`calls`: its connection for calls; `listens`: its stream."""

    calls: Exchange
    listens: Exchange
    listening: asyncio.Task[bytes]
    session: str


def request(door: Door, method: str, path: str, body: dict[str, Any] | None = None, session: str = "") -> bytes:
    sent = json.dumps(body).encode() if body is not None else b""
    lines = [f"{method} {path} HTTP/1.1", f"Host: 127.0.0.1:{door.port}", f"Authorization: Bearer {door.key}"]
    lines += [
        "Accept: text/event-stream" if method == "GET" and path == "/mcp" else "Accept: application/json, text/event-stream"
    ]
    if session:
        lines += [f"Mcp-Session-Id: {session}", f"Mcp-Protocol-Version: {VERSION}"]
    if sent:
        lines += ["Content-Type: application/json", f"Content-Length: {len(sent)}"]
    return "".join(f"{line}\r\n" for line in lines).encode() + b"\r\n" + sent


async def assistant(door: Door) -> Assistant:
    calls, listens = await connect(door.port), await connect(door.port)
    answer = await calls.ask(request(door, "POST", "/mcp", HELLO))
    session = answer.lower().partition(b"mcp-session-id:")[2].split(b"\r", 1)[0].strip().decode()
    assert session, answer[:500]
    told = {"jsonrpc": "2.0", "method": "notifications/initialized"}
    await calls.ask(request(door, "POST", "/mcp", told, session))
    listening = asyncio.create_task(listens.ask(request(door, "GET", "/mcp", session=session)))
    return Assistant(calls, listens, listening, session)


async def asked(exchanges: list[Exchange], requests: list[bytes], needle: bytes, rate: float, seconds: float) -> list[float]:
    """Milliseconds of each answer, from when its question was due. One connection has one question at a time."""
    began, found = perf_counter() + 0.05, list[float]()
    free = [asyncio.Lock() for _ in exchanges]

    async def one(number: int) -> None:
        due, place = began + number / rate, number % len(exchanges)
        await asyncio.sleep(due - perf_counter())
        async with free[place]:
            answer = await exchanges[place].ask(requests[place])
        found.append((perf_counter() - due) * 1000)
        assert answer.startswith(b"HTTP/1.1 200"), answer[:500]
        assert needle in answer, answer[:2000]

    await asyncio.gather(*(one(number) for number in range(int(rate * seconds))))
    return found


def shown(name: str, milliseconds: list[float], cpu: float) -> float:
    """Prints it; its p95."""
    quantiles = statistics.quantiles(milliseconds, n=100)
    print(
        f"  {name:<12} p50 {quantiles[49]:6.2f}  p95 {quantiles[94]:6.2f}  p99 {quantiles[98]:6.2f} ms, "
        f"CPU of the gateway {cpu * 1000 / len(milliseconds):.2f} ms a call",
        flush=True,
    )
    return quantiles[94]


async def idle(gateway: psutil.Process) -> tuple[float, int]:
    """Share of a core, and bytes resident."""
    before = cpu_seconds({"": gateway})[""]
    await asyncio.sleep(IDLE_SECONDS)
    return (cpu_seconds({"": gateway})[""] - before) / IDLE_SECONDS, gateway.memory_info().rss


async def bench(folder: Path, clients: int, rate: float, seconds: float) -> None:
    with ExitStack() as stack:
        running, door = await hive_at(stack, folder, free_port())
        gateway = running.processes["gateway"]
        first = await assistant(door)  # so that what a first client alone loads is there
        status = request(door, "GET", "/api/status/cluster")
        await first.calls.ask(request(door, "POST", "/mcp", TOOL, first.session))
        await first.calls.ask(status)
        quiet, bytes_before = await idle(gateway)
        print(f"load average {os.getloadavg()[0]:.1f}; {clients} clients, {rate:g} calls/s", flush=True)
        there = [await assistant(door) for _ in range(clients)]
        cores, bytes_after = await idle(gateway)
        print(
            f"  idle: {(bytes_after - bytes_before) / clients / 1024:.0f} KB a client; "
            f"{cores * 100:.2f} % of a core with all of them, {quiet * 100:.2f} % with one",
            flush=True,
        )
        exchanges = [each.calls for each in there]
        tools = [request(door, "POST", "/mcp", TOOL, each.session) for each in there]
        for _ in range(ROUNDS):
            found = {}
            for name, requests in (("tool", tools), ("REST", [status] * clients)):
                before = cpu_seconds({"": gateway})[""]
                answers = await asked(exchanges, requests, b"throughput", rate, seconds)
                found[name] = shown(name, answers, cpu_seconds({"": gateway})[""] - before)
            print(
                f"  p95 of the tool is {found['tool'] / found['REST']:.1f} times that of REST; load {os.getloadavg()[0]:.1f}",
                flush=True,
            )
        for each in (first, *there):
            each.calls.close()
            each.listens.close()
        await asyncio.gather(*(each.listening for each in (first, *there)), return_exceptions=True)


def main() -> None:
    clients, rate, seconds = (float(word) for word in (sys.argv[1:] + ["100", "50", "10"][len(sys.argv) - 1 :]))
    with TemporaryDirectory(prefix="hive-bench-") as folder:
        Path(folder).chmod(0o755)
        uvloop.run(bench(Path(folder), int(clients), rate, seconds))


if __name__ == "__main__":
    main()
