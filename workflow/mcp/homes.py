"""Homes of stdio servers in the data folder. One goes with its server: what a program kept there may be a login."""

import asyncio
import shutil
from contextlib import suppress
from pathlib import Path
from uuid import UUID

from bus import telemetry
from bus.errors import DatabaseUnavailable
from workflow.mcp.registry import Registry

logger = telemetry.log(__name__)


async def sweep(folder: Path, registry: Registry) -> bool:
    """Removes those of servers that are registered no more; one that is switched off stays. False while the database is away."""
    homes = await asyncio.to_thread(
        _homes, folder
    )  # before the registry is asked: one that is registered meanwhile has none yet
    try:
        gone = await registry.gone(list(homes)) if homes else ()
    except DatabaseUnavailable:
        return False
    for server_id in gone:
        await asyncio.to_thread(shutil.rmtree, homes[server_id], ignore_errors=True)
        logger.info("mcp_server_home_removed", server=str(server_id))
    return True


def _homes(folder: Path) -> dict[UUID, Path]:
    """By server; what else is there is none of this."""
    found: dict[UUID, Path] = {}
    for each in folder.iterdir() if folder.is_dir() else ():
        with suppress(ValueError):
            if not each.is_symlink():
                found[UUID(each.name)] = each
    return found
