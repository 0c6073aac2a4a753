"""`hive run SERVICE`: this process becomes exactly that service, so that a unit file or a container has one process to watch.

Flags are settings: `--nats-url X` stands for NATS_URL=X, `--api-port N` for HIVE_API_PORT=N. Flags > environment > file > defaults.
What is not needed to become a sidecar is imported where it is needed, since a sidecar should be there at once.
"""

import json
import os
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Final

from bus.errors import HiveError
from deploy.modules import MODULES

USAGE: Final = f"""usage: hive run SERVICE [--SETTING VALUE …]

  SERVICE    {", ".join([*MODULES, "nats"])}
  --SETTING  any setting of the service: --nats-url is NATS_URL, --api-port is HIVE_API_PORT
  --config   a YAML file of settings (HIVE_CONFIG)

On the machine of a running `hive up`, the addresses of its bus and database are known without saying."""

_OWN_NAMES: Final = {"NATS_URL", "OLLAMA_HOST"}
"""Variables that are not called HIVE_*."""


def main(arguments: Sequence[str]) -> None:
    service, *flags = arguments or ("",)
    if service in ("", "-h", "--help") or not {"-h", "--help"}.isdisjoint(flags):
        print(USAGE)
        sys.exit(0 if service else 2)
    try:
        os.environ.update(given(service, flags))
        if service == "nats":
            from deploy.local.standalone import nats_launch

            launch = nats_launch()
            os.execve(launch.command[0], launch.command, {**launch.environment, **os.environ})  # noqa: S606
    except ValueError as error:
        sys.exit(f"error [invalid_request]: {error}. See `hive run --help`.")
    except HiveError as error:
        sys.exit(f"error [{error.code}]: {error.message}")
    os.environ.update(found_addresses(service))
    os.execv(sys.executable, [sys.executable, "-P", "-m", MODULES[service]])  # noqa: S606


def given(service: str, flags: Sequence[str]) -> dict[str, str]:
    """The flags as variables. ValueError for a service or a setting that there is not."""
    if service != "nats" and service not in MODULES:
        raise ValueError(f"there is no service {service}; there are {', '.join([*MODULES, 'nats'])}")
    found = variables(flags)
    if found:
        from deploy.known_settings import known_variables

        if unknown := found.keys() - known_variables(service):
            raise ValueError(f"{service} has no setting {', '.join(sorted(unknown))}")
    return found


def variables(flags: Sequence[str]) -> dict[str, str]:
    """`--api-port 1` or `--api-port=1` as HIVE_API_PORT=1. ValueError when a flag has no value."""
    found, words = {}, list(flags)
    while words:
        flag, equals, value = words.pop(0).partition("=")
        if not flag.startswith("--"):
            raise ValueError(f"{flag} is not understood; settings are given as --name value")
        if not equals:
            if not words:
                raise ValueError(f"{flag} has no value")
            value = words.pop(0)
        found[variable(flag)] = value
    return found


def variable(flag: str) -> str:
    name = flag.removeprefix("--").replace("-", "_").upper()
    return name if name in _OWN_NAMES or name.startswith("HIVE_") else f"HIVE_{name}"


def found_addresses(service: str) -> dict[str, str]:
    """What the hive on this machine's data folder says of its addresses, for those that nobody has named otherwise.

    A sidecar whose host has joined a hive means that one (agent_sidecar/joined.py).
    """
    folder = Path(os.environ.get("HIVE_DATA_DIR") or Path.home() / ".hive").expanduser()
    if service == "sidecar" and (folder / "sidecar" / "joined.json").exists():
        return {}
    try:
        state = json.loads((folder / "hive.json").read_bytes())
        found = {
            "NATS_URL": state["nats"]["url"],
            "HIVE_NATS_CA": state["nats"].get("ca") or "",
            "HIVE_DATABASE_URL": state["database_url"],
            "HIVE_REDIS_URL": state["redis_url"],
        }
    except (OSError, ValueError, KeyError, TypeError):
        return {}
    named = _in_configuration() | {name.removesuffix("_FILE") for name in os.environ}
    if "NATS_URL" not in named:
        found |= _identity(service, found["NATS_URL"], folder)
    return {name: value for name, value in found.items() if value and name not in named}


def _identity(service: str, url: str, folder: Path) -> dict[str, str]:
    """Who the service is on a bus that this folder's hive has started, where `hive.json` names the operator. Empty for another bus."""
    try:
        secrets = json.loads((folder / "secrets.json").read_bytes())
        operator, root = f"//hive:{secrets['nats_password']}@", secrets["nats_sys_password"]
    except (OSError, ValueError, KeyError, TypeError):
        return {}
    if operator not in url:
        return {}
    from bus.identities import admission_seed, password_of
    from bus.permissions import COORDINATOR

    own = {"NATS_URL": url.replace(operator, f"//{service}:{password_of(root, service)}@")}
    return own | ({"HIVE_NATS_ADMISSION_SEED": admission_seed(root)} if service == COORDINATOR else {})


def _in_configuration() -> set[str]:
    path = os.environ.get("HIVE_CONFIG")
    if not path:
        return set()
    import yaml

    return {variable(str(name)) for name in yaml.safe_load(Path(path).read_text()) or ()}
