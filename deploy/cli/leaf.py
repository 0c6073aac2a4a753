"""`hive leaf NAME`: all that a site behind NAT needs for a bus of its own, in one folder to take there (deploy/leaf)."""

import json
import os
import shlex
from pathlib import Path
from secrets import token_hex
from typing import Annotated
from urllib.parse import urlsplit

import typer

from agent_sidecar.addresses import slug
from bus.errors import Conflict, InvalidRequest
from bus.hosts import in_url
from bus.identities import password_of, variables
from bus.permissions import LEAF
from deploy.cli.command import command, settings
from deploy.cli.connection import running
from deploy.cli.screen import note, say
from deploy.local.data_folder import DataFolder, Secrets
from deploy.local.state import HiveState

CONFIGURATIONS = Path(__file__).parents[1] / "leaf"


@command
def leaf(
    name: Annotated[str, typer.Argument(help="Of the site, unlike every other's.")],
    host: Annotated[str, typer.Option(help="Address of the machine there on which its bus runs.")],
    port: Annotated[int, typer.Option(help="Of that bus.")] = 4222,
    hub: Annotated[
        str | None, typer.Option(help="This machine as the site reaches it; left out: what this hive knows.")
    ] = None,
    folder: Annotated[Path | None, typer.Option(help="To write; left out: NAME.leaf here.")] = None,
) -> None:
    """Write what a site behind NAT needs for its own bus."""
    found = settings()
    state, secrets = running(found), DataFolder(found.data_dir).secrets()
    place = folder or Path(f"{slug(name)}.leaf")
    files = files_of(state, secrets, name=slug(name), host=host, port=port, hub=hub)
    try:
        place.mkdir(mode=0o700, parents=True)
    except FileExistsError:
        raise Conflict(f"{place} is there already. Name another with --folder, or remove it.") from None
    for file, text in files.items():
        with os.fdopen(os.open(place / file, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as written:
            written.write(text)
    started = "leaf-tls.conf" if "ca.pem" in files else "leaf.conf"
    say(f"Wrote {place}. Take it to {host} by a safe way: whoever has it may speak as any host.")
    note(f"There, with nats-server:     cd {place.name} && set -a && . ./leaf.env && exec nats-server -c {started}")
    note(f"On hosts of that site:       hive join TOKEN --bus nats://{in_url(host)}:{port}")


def files_of(state: HiveState, secrets: Secrets, *, name: str, host: str, port: int, hub: str | None) -> dict[str, str]:
    """By name, their texts. InvalidRequest where the hive takes no leaves in, or none of another machine and `hub` names no other way."""
    if state.leaf is None:
        raise InvalidRequest(
            "This hive takes no leaves in. Start it with `hive up --leaf-port 7422`, beside --listen for other machines."
        )
    if hub is None and not state.lan_bus:
        raise InvalidRequest(
            f"No other machine reaches this hive: its door for leaves is {state.leaf}, on loopback. Start it with `hive up --listen 0.0.0.0 "
            "--leaf-port 7422`, or name with --hub what forwards that port."
        )
    door, root = urlsplit(state.leaf), secrets.nats_sys_password
    address = f"{in_url(hub)}:{door.port}" if hub else door.netloc
    authority = state.nats.ca if door.scheme == "tls" else None
    told = {
        "HIVE_NATS_NAME": name,
        "HIVE_NATS_HOST": host,
        "HIVE_NATS_PORT": str(port),
        "HIVE_NATS_UNUSED_PASSWORD": f"h{token_hex(24)}",
        "HIVE_NATS_HUB": json.dumps([f"{door.scheme}://{LEAF}:{password_of(root, LEAF)}@{address}"]),
        "HIVE_NATS_ADMISSION_KEY": variables(root)["HIVE_NATS_ADMISSION_KEY"],
        **({} if authority is None else {"HIVE_NATS_HUB_CA": "ca.pem"}),
    }
    environment = "".join(f"{variable}={shlex.quote(value)}\n" for variable, value in told.items())
    files = {"leaf.conf": (CONFIGURATIONS / "leaf.conf").read_text(), "leaf.env": environment}
    if authority is not None:
        files |= {"leaf-tls.conf": (CONFIGURATIONS / "leaf-tls.conf").read_text(), "ca.pem": authority.read_text()}
    return files
