"""`hive join TOKEN`: this host becomes one of a hive's. Taken aside like `hive run`, since a GPU host has neither typer nor rich."""

import argparse
import asyncio
import os
import socket
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Final
from urllib.parse import urlsplit

from pydantic import SecretStr

from agent_sidecar.addresses import agent_ids, parse_upstream, parse_upstreams, slug
from agent_sidecar.joined import (
    HostKey,
    Joined,
    identity_of,
    read_joined,
    read_key,
    with_joined,
    write_authority,
    write_joined,
    write_key,
)
from agent_sidecar.settings import SidecarSettings
from bus import mdns, telemetry
from bus.errors import BusUnavailable, HiveError, InvalidRequest
from bus.host_key import new_seed, public_key, sign
from bus.messages.joining import JoinHive
from bus.nats_complaints import without_password
from deploy.join_door import ask_to_join, door_url, open_door

STANDARD_INPUT: Final = "-"
BUS_SECONDS: Final = 10.0

EPILOG: Final = """A token is made on the hive's machine: hive join-token create. It usually says where the hive is (TOKEN@ADDRESS); else name
the hive's API with --url, or let mDNS find it on this network."""


def main(arguments: Sequence[str]) -> None:
    asked = _parser().parse_args(arguments)
    if asked.data_dir:
        os.environ["HIVE_DATA_DIR"] = str(asked.data_dir)
    settings = SidecarSettings.read()
    telemetry.configure("join", "error", "text" if sys.stderr.isatty() else "json")
    try:
        asyncio.run(join(asked.token, settings, url=asked.url, name=asked.name, backends=tuple(asked.backend), bus=asked.bus))
    except HiveError as error:
        sys.exit(f"error [{error.code}]: {error.message}")
    except KeyboardInterrupt:
        sys.exit(130)
    if asked.run:
        from deploy.run import main as run

        run(["sidecar"])


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser("hive join", description="Make this host one of a hive's.", epilog=EPILOG)
    parser.add_argument("token", metavar="TOKEN", help="as `hive join-token create` printed it; - reads it from standard input")
    parser.add_argument("--url", help="the hive's API, such as http://hive-machine:8420")
    parser.add_argument("--name", help="what the host is called in the hive; left out: its host name")
    parser.add_argument(
        "--backend",
        action="append",
        default=[],
        metavar="URL",
        help="its Ollama or OpenAI-compatible server, as in HIVE_BACKENDS; may be repeated; left out: what OLLAMA_HOST names",
    )
    parser.add_argument(
        "--bus", metavar="URL", help="the bus of its site (deploy/leaf), in place of the hive's: nats://192.168.7.2:4222"
    )
    parser.add_argument("--data-dir", type=Path, help="where the sidecar keeps what it needs (HIVE_DATA_DIR)")
    parser.add_argument("--run", action="store_true", help="become the sidecar right away")
    return parser


async def join(
    token: str,
    settings: SidecarSettings,
    *,
    url: str | None,
    name: str | None,
    backends: tuple[str, ...],
    bus: str | None = None,
) -> None:
    """Any HiveError says, in words, what stood in the way. `bus`: of its site, where that is not the hive's."""
    secret, _, there = (token if token != STANDARD_INPUT else sys.stdin.readline()).strip().partition("@")
    address, _, fingerprint = there.partition("#")
    before = read_joined(settings.data_dir)
    called = _name(name or (before.name if before else socket.gethostname().split(".")[0]))
    backends = _checked(backends) or (before.backends if before else ())
    door = await asyncio.to_thread(open_door, await _api(url or address or None, settings), fingerprint or None)
    granted = await asyncio.to_thread(
        ask_to_join, door, _request(secret, called, settings.data_dir, _own_names(backends, called))
    )
    joined = Joined(
        hive_id=granted.hive_id,
        api=door.url,
        name=granted.name,
        labels=granted.labels,
        backends=backends,
        agents=granted.agents,
        nats_url=SecretStr(bus or granted.nats_url),
    )
    write_authority(settings.data_dir, door.authority)
    file = write_joined(settings.data_dir, joined)
    _tell(joined, before, file)
    await _try_bus(joined, settings)


def _name(wanted: str) -> str:
    """As the agents of this host are called. InvalidRequest for what would become another name."""
    name = slug(wanted)
    if not any(letter.isalnum() and letter.isascii() for letter in wanted):
        raise InvalidRequest(f"`{wanted}` is no name for a host. Choose one of letters, digits and -, with --name.")
    return name


def _checked(backends: tuple[str, ...]) -> tuple[str, ...]:
    try:
        for backend in backends:
            parse_upstreams(backend)
    except ValueError as error:
        raise InvalidRequest(f"--backend {error}") from None
    return backends


async def _api(named: str | None, settings: SidecarSettings) -> str:
    """HiveNotFound, SeveralHives, InvalidRequest."""
    if named is not None:
        return door_url(named)
    print("Looking for a hive on this network …", file=sys.stderr)
    found = await mdns.look(mdns.interfaces(settings.mdns_interfaces))
    hive = mdns.the_one(found, "Name the hive with --url http://HIVE-MACHINE:8420")
    print(f"Found {hive}.", file=sys.stderr)
    return hive.url


def _own_names(backends: tuple[str, ...], name: str) -> tuple[str, ...]:
    """Of the agents that are not called after the host: the hive lets it speak for these beside its own."""
    named = agent_ids((parse_upstream(backend) for backend in backends), name)
    return tuple(agent for agent in named if agent != name and not agent.startswith(f"{name}-"))


def _request(token: str, name: str, data_dir: Path, agents: tuple[str, ...]) -> JoinHive:
    """Signed by this host's key, which is kept before it is used: a host whose answer is lost is still the same host."""
    if not token:
        raise InvalidRequest("No token was given. `hive join-token create` makes one on the hive's machine.")
    kept = read_key(data_dir)
    if kept is None:
        kept = HostKey(seed=SecretStr(new_seed()))
        write_key(data_dir, kept)
    seed = kept.seed.get_secret_value()
    try:
        told = {"token": token, "name": name, "key": public_key(seed), "signature": sign(seed, token, name)} | {
            "agents": agents
        }
        return JoinHive.model_validate(told)
    except ValueError:
        raise InvalidRequest("This is no join token. Copy the whole of it, or make one: hive join-token create") from None


def _tell(joined: Joined, before: Joined | None, file: Path) -> None:
    labels = ", ".join(f"{name}={value}" for name, value in joined.labels.items())
    print(f"Joined the hive at {joined.api} as {joined.name}{f', labelled {labels}' if labels else ''}.")
    if before is not None and before.hive_id != joined.hive_id:
        print(
            f"It belonged to the hive at {before.api} before; that one keeps its record until `hive agents remove {before.name}`."
        )
    print(f"What the sidecar needs is in {file}, for its user alone.")
    print("Start it:                          hive run sidecar")
    print("or, where its unit is installed:   systemctl enable --now hive-sidecar")


async def _try_bus(joined: Joined, settings: SidecarSettings) -> None:
    """BusUnavailable, with what to look at: a hive whose API is open to the LAN may still have its bus on loopback."""
    from bus.nats_bus import NatsBus

    try:
        unnamed = settings.model_copy()
        unnamed.model_fields_set.discard("nats_url")  # what is tried is what was joined
        bus = await NatsBus.connect(with_joined(unnamed), "join", timeout=BUS_SECONDS, host=identity_of(unnamed, ()))
    except BusUnavailable as error:
        address = joined.nats_url.get_secret_value()
        where, port = without_password(address), urlsplit(address.split(",")[0]).port or 4222
        raise BusUnavailable(
            f"The host has joined, but the hive's bus at {where} does not let it in from here ({error.message}) The hive's bus "
            f"must listen beyond loopback (HIVE_NATS_HOST=0.0.0.0), with port {port} open. The sidecar may be started meanwhile: it "
            "waits for the bus."
        ) from None
    await bus.close()
