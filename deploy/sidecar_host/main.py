"""The arguments of `hive upgrade` and `hive uninstall` where typer is not installed."""

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path

from agent_sidecar.settings import SidecarSettings
from bus.errors import HiveError


def main(command: str, arguments: Sequence[str]) -> None:
    asked = _parser(command).parse_args(arguments)
    data_dir = asked.data_dir or SidecarSettings.read().data_dir
    try:
        if command == "upgrade":
            from deploy.sidecar_host.upgrade import upgrade

            upgrade(data_dir, check=asked.check, as_json=asked.json)
        else:
            from deploy.sidecar_host.uninstall import uninstall

            uninstall(data_dir, check=asked.check, yes=asked.yes, keep_data=asked.keep_data, as_json=asked.json)
    except HiveError as error:
        sys.exit(f"error [{error.code}]: {error.message}")
    except KeyboardInterrupt:
        sys.exit(130)


def _parser(command: str) -> argparse.ArgumentParser:
    upgrades = command == "upgrade"
    does = "Let the installed version take over from the sidecar that runs." if upgrades else "Let this host leave its hive."
    parser = argparse.ArgumentParser(f"hive {command}", description=does)
    parser.add_argument("--check", action="store_true", help="change nothing; say what would be done")
    parser.add_argument("--json", action="store_true", help="print JSON for programs")
    parser.add_argument("--data-dir", type=Path, help="where the sidecar keeps what it needs (HIVE_DATA_DIR)")
    if not upgrades:
        parser.add_argument("--yes", action="store_true", help="do not ask")
        parser.add_argument("--keep-data", action="store_true", help="keep what the sidecar knows, and the host's key")
    return parser
