"""Reads what could grow: memory, files, sockets and threads of each process, and what servers hold, by their own account."""

import asyncio
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any, Final

import asyncpg
import httpx
import psutil
import redis.asyncio

from tests.soak.hive import SoakHive

TABLES: Final = """
SELECT relname, pg_total_relation_size(oid) AS bytes FROM pg_class
WHERE relkind = 'r' AND relnamespace = 'public'::regnamespace
"""
ROWS: Final = ("tasks", "attempts", "task_dependencies", "outbox", "login_tickets", "agents", "models")
WAL: Final = "SELECT coalesce(sum(size), 0) FROM pg_ls_waldir()"


class Gauges:
    """`read` once every few seconds; connections of its own are opened once."""

    def __init__(self, hive: SoakHive, http: httpx.AsyncClient, database: asyncpg.Connection) -> None:
        self._hive, self._http, self._database = hive, http, database
        self._redis = redis.asyncio.from_url(hive.valkey.url)

    async def close(self) -> None:
        await self._redis.aclose()

    async def read(self) -> dict[str, float]:
        found = await asyncio.to_thread(lambda: dict(_of_processes(self._hive.processes)))
        found |= await asyncio.to_thread(lambda: dict(_of_folders(self._hive)))
        return found | await self._of_nats() | await self._of_postgres() | {"redis.keys": float(await self._redis.dbsize())}

    async def _of_nats(self) -> dict[str, float]:
        streams, connections, subscriptions = [
            await self._ask(path) for path in ("jsz?streams=true&accounts=true", "connz?acc=HIVE", "subsz?acc=HIVE")
        ]
        found = {
            "nats.connections": float(connections["num_connections"]),
            "nats.subscriptions": float(subscriptions["num_subscriptions"]),
            "nats.cache": float(subscriptions["num_cache"]),
        }
        for account in streams["account_details"]:
            for stream in account.get("stream_detail", ()):
                name, state = stream["name"], stream["state"]
                found[f"stream.{name}.messages"] = float(state["messages"])
                found[f"stream.{name}.bytes"] = float(state["bytes"])
                found[f"stream.{name}.subjects"] = float(state.get("num_subjects", 0))
                found[f"stream.{name}.consumers"] = float(state["consumer_count"])
        return found

    async def _ask(self, path: str) -> Any:
        answer = await self._http.get(f"http://127.0.0.1:{self._hive.nats.monitor_port}/{path}")
        return answer.raise_for_status().json()

    async def _of_postgres(self) -> dict[str, float]:
        found = {f"table.{row['relname']}": float(row["bytes"]) for row in await self._database.fetch(TABLES)}
        for table in ROWS:
            found[f"rows.{table}"] = float(await self._database.fetchval(f"SELECT count(*) FROM {table}"))
        return found | {"disk.wal": float(await self._database.fetchval(WAL))}


def _of_processes(processes: dict[str, psutil.Process]) -> Iterator[tuple[str, float]]:
    """Memory is what a process has to itself, in bytes: of PostgreSQL's family the shared buffers are counted nowhere. Of a family, memory
    and files are those of the one that has most: how many it is depends on who is at work, and shows in its threads and sockets.
    """
    for name, process in processes.items():
        with suppress(psutil.NoSuchProcess):
            family = [process, *process.children(recursive=True)]
            yield f"{name}.memory", float(max(each.memory_full_info().uss for each in family))
            yield f"{name}.files", float(max(each.num_fds() for each in family))
            yield f"{name}.sockets", float(sum(len(each.net_connections("all")) for each in family))
            yield f"{name}.threads", float(sum(each.num_threads() for each in family))


def _of_folders(hive: SoakHive) -> Iterator[tuple[str, float]]:
    yield "disk.nats", float(sum(_sizes(hive.nats.folder / "store")))
    yield "disk.sessions", float(sum(1 for _ in _sizes(hive.sessions)))
    yield "disk.logs", float(sum(log.stat().st_size for log in hive.logs))


def _sizes(folder: Path) -> Iterator[int]:
    """In bytes that the disk gives away; a file that goes meanwhile has none."""
    for path in folder.rglob("*"):
        with suppress(FileNotFoundError):
            if path.is_file():
                yield path.stat().st_blocks * 512
