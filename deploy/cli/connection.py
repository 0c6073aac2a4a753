"""An operator's connection: to the bus that is named, else to the hive that runs on the data folder."""

import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from pydantic import SecretStr

from bus.errors import Unavailable
from deploy.cli.command import settings
from deploy.local.data_folder import DataFolder
from deploy.local.state import HiveState
from deploy.settings import DeploySettings

if TYPE_CHECKING:
    from bus.client import Bus

CONNECT_SECONDS = 10.0
REQUEST_SECONDS = 10.0


def quiet() -> None:
    """What the rooms log while they serve a command is no answer; only errors are told, beside it."""
    from bus import telemetry

    telemetry.configure("cli", "error", "text" if sys.stderr.isatty() else "json")


def running(of: DeploySettings) -> HiveState:
    """What the hive on the data folder says of itself. Unavailable when none runs there."""
    folder = DataFolder(of.data_dir)
    state = folder.read_state(HiveState)
    if state is None or folder.locked_by() is None:
        raise Unavailable(
            f"No hive runs on {folder.path}. Start one with `hive up`, or name a bus with NATS_URL and a data folder with HIVE_DATA_DIR."
        )
    return state


def nats_url(of: DeploySettings) -> str:
    return of.given_nats_url or running(of).nats.url


def nats_authority(of: DeploySettings) -> Path | None:
    return of.nats_ca if of.given_nats_url else running(of).nats.ca


@asynccontextmanager
async def operator_bus() -> AsyncIterator["Bus"]:
    """With the bus's own credentials, which are an operator's."""
    from bus.nats_bus import NatsBus  # takes half a second, which `hive status` need not

    quiet()
    found = settings()
    connected = found.model_copy(update={"nats_url": SecretStr(nats_url(found)), "nats_ca": nats_authority(found)})
    bus = await NatsBus.connect(connected, "cli", timeout=CONNECT_SECONDS)
    try:
        yield bus
    finally:
        await bus.close()
