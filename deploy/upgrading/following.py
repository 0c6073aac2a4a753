"""Asks the supervisor for an upgrade, and follows it to its end."""

import asyncio
import sys
from collections.abc import Callable
from datetime import datetime
from pathlib import Path
from time import monotonic
from typing import Final

from bus.errors import DeadlineExceeded, UpgradeFailed
from deploy.local.data_folder import DataFolder
from deploy.local.handover import UpgradeRequest, request
from deploy.local.state import HiveState, UpgradeStage, UpgradeState

LOOK_SECONDS: Final = 0.1
MOST_SECONDS: Final = 900.0
"""Each part may take two minutes to begin."""


async def follow(folder: DataFolder, supervisor: int, asked_at: datetime, tell: Callable[[str], None]) -> UpgradeState:
    """`tell` is given each part that is done. UpgradeFailed; DeadlineExceeded."""
    try:
        request(folder, supervisor, UpgradeRequest(asked_at=asked_at, python=Path(sys.executable)))
    except OSError as error:
        raise UpgradeFailed(
            f"The hive on {folder.path} ended before it was asked ({error.strerror}). Start it with `hive up`."
        ) from None
    told, deadline = 0, monotonic() + MOST_SECONDS
    while monotonic() < deadline:
        await asyncio.sleep(LOOK_SECONDS)
        state = folder.read_state(HiveState)
        upgrade = state.upgrade if state else None
        if upgrade is not None and upgrade.asked_at == asked_at:
            for name in upgrade.done[told:]:
                tell(name)
            told = len(upgrade.done)
            if upgrade.stage is not UpgradeStage.UNDER_WAY:
                return upgrade
        elif upgrade is not None and upgrade.asked_at > asked_at:
            if upgrade.stage is UpgradeStage.FAILED:
                return upgrade  # this one perhaps, where the supervisor could not read what was asked for
            raise UpgradeFailed(
                "Another `hive upgrade` was given after this one and goes on in its place. See what it did: `hive upgrade --check`."
            )
        if folder.locked_by() is None:
            raise UpgradeFailed(
                f"The hive on {folder.path} has ended. Its log: {folder.log_of('supervisor')}. Start it with `hive up`."
            )
    raise DeadlineExceeded(
        f"The upgrade has not ended within {MOST_SECONDS:.0f} s. See it with `hive upgrade --check` and `hive logs supervisor`."
    )
