"""`hive down`: stop the hive that runs on the data folder, from another terminal."""

import os
import signal
import time

from bus.errors import DeadlineExceeded
from deploy.cli.command import Json, command, settings
from deploy.cli.screen import print_json, say
from deploy.local.data_folder import DataFolder

STOP_SECONDS = 45.0


@command
def down(as_json: Json = False) -> None:
    """Stop the running hive, and wait until it has ended."""
    folder = DataFolder(settings().data_dir)
    supervisor = stop(folder)
    if as_json:
        print_json('{"stopped": %s}' % ("true" if supervisor else "false"))
    else:
        say(f"Stopped the hive on {folder.path}." if supervisor else f"No hive runs on {folder.path}.")


def stop(folder: DataFolder) -> int | None:
    """The supervisor that was told to end, and has; None when none ran. DeadlineExceeded."""
    supervisor = folder.locked_by()
    if supervisor:
        os.kill(supervisor, signal.SIGTERM)
        _wait_until_free(folder, supervisor)
    return supervisor


def _wait_until_free(folder: DataFolder, supervisor: int) -> None:
    deadline = time.monotonic() + STOP_SECONDS
    while folder.locked_by() == supervisor:
        if time.monotonic() > deadline:
            raise DeadlineExceeded(f"Process {supervisor} has not ended within {STOP_SECONDS:.0f} s. Its log: {folder.logs}.")
        time.sleep(0.05)
