"""Whether what a backup holds has room where it is to go, as far as that can be known before anything is deleted."""

import shutil
from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from nats.js.api import StorageType

from bus.errors import NotEnoughRoom
from bus.messages import JsonObject
from bus.nats_client import NatsClient
from deploy.backup import streams
from deploy.backup.manifest import Manifest

MIB: Final = 1024 * 1024
MOST_LOG_BYTES: Final = 512 * MIB
"""Of what PostgreSQL writes ahead of its tables: `max_wal_size` of deploy/local/postgres.py."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Stores:
    """Folders of embedded servers. None: of one that runs elsewhere, whose disk is not seen from here."""

    postgres: Path | None = None
    nats: Path | None = None


ELSEWHERE: Final = Stores()


async def require(manifest: Manifest, configs: Mapping[str, JsonObject], client: NatsClient, stores: Stores) -> None:
    """`configs`: of the streams as they will be, by the names of their sections. NotEnoughRoom, BusUnavailable."""
    there = [found for name in streams.ALL if (found := await streams.info(client, name)) is not None]
    _require_disks(manifest, stores, sum(each["state"]["bytes"] for each in there))
    if client.cluster is None:  # how copies count against a limit differs
        wanted = [{**configs[each.name], "bytes": _bytes(each.state)} for each in manifest.streams]
        _require_account(await streams.account(client), wanted, [each["config"] for each in there])


def record_bytes(manifest: Manifest) -> int:
    """About: rows as text are about as long as in a table, and PostgreSQL writes them ahead. What is there goes only when all is done."""
    rows = sum(table.size_bytes for table in manifest.tables)
    return rows + min(rows, MOST_LOG_BYTES)


def stream_bytes(manifest: Manifest) -> int:
    """The server has each snapshot beside what it becomes."""
    return sum(_bytes(each.state) for each in manifest.streams) + max((each.size_bytes for each in manifest.streams), default=0)


def _require_disks(manifest: Manifest, stores: Stores, freed: int) -> None:
    """`freed`: what the streams take that go before the others come."""
    needed: defaultdict[int, int] = defaultdict(int)
    folders: dict[int, Path] = {}
    for folder, size in (
        (stores.postgres, record_bytes(manifest)),
        (stores.nats, max(0, stream_bytes(manifest) - freed)),
    ):
        if folder is not None:
            disk = folder.stat().st_dev
            needed[disk] += size
            folders.setdefault(disk, folder)
    for disk, size in needed.items():
        free = shutil.disk_usage(folders[disk]).free
        if size > free:
            raise NotEnoughRoom(
                f"The restore needs about {_mib(size)} on the disk of {folders[disk]}, and {_mib(free)} are free. Nothing was changed. "
                "Make room, or restore into a folder on another disk (HIVE_DATA_DIR)."
            )


def _require_account(account: Mapping[str, Any], wanted: Iterable[JsonObject], there: Iterable[JsonObject]) -> None:
    """JetStream sets as much aside for a stream as it may grow to."""
    most = account["limits"]["max_storage"]
    if most < 0:
        return
    needed = sum(_aside(each) for each in wanted)
    free = most - max(0, account["reserved_storage"] - sum(_aside(each) for each in there))
    if needed > free:
        raise NotEnoughRoom(
            f"The streams of the backup need {_mib(needed)}, and the account on the bus has {_mib(free)} for them. Nothing was changed. "
            "Raise its limit of storage (`max_file` of its `jetstream`), or restore to another bus."
        )


def _aside(config: JsonObject) -> int:
    if config.get("storage") != StorageType.FILE.value:
        return 0
    return max(_number(config.get("max_bytes")), _number(config.get("bytes")))


def _bytes(state: JsonObject) -> int:
    return _number(state.get("bytes"))


def _number(found: object) -> int:
    """A file is somebody's word."""
    return found if isinstance(found, int) else 0


def _mib(size: int) -> str:
    return f"{size / MIB:,.1f} MiB"
