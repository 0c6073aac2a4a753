"""How a hive is found on a LAN: by mDNS, as the service `_hive._tcp`. It says where an API is, and never a secret.

What answers on a LAN is anybody's word: it is good for an address to try, and for nothing that a password hangs on (docs/adr/0015).
zeroconf is imported where somebody advertises or looks, and nowhere else: a sidecar that knows its bus does without it.
"""

import asyncio
import ipaddress
import socket
from collections.abc import AsyncIterator, Iterable, Iterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated, Any, Final
from uuid import UUID

from pydantic import BeforeValidator
from pydantic_settings import NoDecode

from bus import telemetry
from bus.errors import HiveNotFound, SeveralHives, Unavailable
from bus.hosts import is_loopback
from bus.version import hive_version

if TYPE_CHECKING:
    from zeroconf import Zeroconf
    from zeroconf.asyncio import AsyncServiceInfo, AsyncZeroconf

logger = telemetry.log(__name__)

SERVICE_TYPE: Final = "_hive._tcp.local."
LOOK_SECONDS: Final = 3.0
"""Answers come within a second; a Wi-Fi that sleeps takes its time."""
RESOLVE_SECONDS: Final = 3.0
"""Where the address did not come with the name; what was asked once and got lost is asked again within it."""
ANY: Final = frozenset({"", "0.0.0.0", "::", "*"})
MDNS_INTERFACES: Final = (
    "IPv4 addresses by comma, of the interfaces that mDNS is spoken on; left out: that of HIVE_HOST, where it is one, else all but "
    "loopback"
)


def _addresses(value: Any) -> Any:
    if not isinstance(value, str):
        return value
    words = tuple(word.strip() for word in value.split(",") if word.strip())
    for word in words:
        try:
            ipaddress.IPv4Address(word)
        except ValueError:
            raise ValueError(f"`{word}` is no IPv4 address of an interface; write it like 192.168.1.5") from None
    return words


Addresses = Annotated[tuple[str, ...], NoDecode, BeforeValidator(_addresses)]


@dataclass(frozen=True, slots=True, order=True)
class FoundHive:
    """One that answered. `hive_id` is None where it told none."""

    name: str
    url: str
    hive_id: UUID | None = None
    version: str = ""

    def __str__(self) -> str:
        return f"{self.name} at {self.url}"


def interfaces(chosen: Sequence[str], host: str = "") -> list[str]:
    """The addresses of this machine on which to speak: those chosen, else `host` where it is one address, else all but loopback's."""
    if chosen:
        return list(chosen)
    if host not in ANY:
        return [socket.gethostbyname(host)]
    return lan_addresses()


def lan_addresses() -> list[str]:
    """This machine's own IPv4 addresses beyond loopback, of interfaces that are up. May be empty."""
    return [address for address in _own_addresses() if not is_loopback(address)]


def _own_addresses() -> list[str]:
    import psutil

    up = {name for name, stats in psutil.net_if_stats().items() if stats.isup}
    found = [
        address.address
        for name, addresses in psutil.net_if_addrs().items()
        for address in addresses
        if name in up and address.family is socket.AF_INET
    ]
    return list(dict.fromkeys(found))


@asynccontextmanager
async def advertised(*, port: int, hive_id: UUID, on: Sequence[str], secure: bool = False) -> AsyncIterator[str]:
    """Says so on these addresses, for as long as the context lasts: the name by which it is found. `secure`: it speaks TLS.
    Unavailable without zeroconf, or where its port is not to be had."""
    from zeroconf.asyncio import AsyncServiceInfo

    hostname = socket.gethostname().split(".")[0]
    name = f"{hostname}-{hive_id.hex[:6]}-{port}"  # two gateways of one machine differ in it, and need not hear each other for that
    info = AsyncServiceInfo(
        SERVICE_TYPE,
        f"{name}.{SERVICE_TYPE}",
        port=port,
        addresses=[socket.inet_aton(address) for address in on],
        properties={"id": str(hive_id), "version": hive_version(), "scheme": "https" if secure else "http"},
        server=f"{name}.local.",
    )
    async with _speaking(on) as zeroconf:
        await (await zeroconf.async_register_service(info, allow_name_change=True))
        logger.info("mdns_advertises", name=info.name, port=port, addresses=list(on))
        try:
            yield info.name.removesuffix(f".{SERVICE_TYPE}")
        finally:
            await (await zeroconf.async_unregister_service(info))


async def look(on: Sequence[str], seconds: float = LOOK_SECONDS) -> tuple[FoundHive, ...]:
    """Every hive that answers within so many seconds on these addresses, by name. Unavailable without zeroconf."""
    if not on:
        return ()
    async with _speaking(on) as zeroconf:
        from zeroconf import ServiceStateChange
        from zeroconf.asyncio import AsyncServiceBrowser

        names: set[str] = set()

        def changed(zeroconf: "Zeroconf", service_type: str, name: str, state_change: ServiceStateChange) -> None:
            names.discard(name) if state_change is ServiceStateChange.Removed else names.add(name)

        browser = AsyncServiceBrowser(zeroconf.zeroconf, SERVICE_TYPE, handlers=[changed])
        await asyncio.sleep(seconds)
        await browser.async_cancel()
        return tuple(sorted(await _resolved(zeroconf, names)))


async def _resolved(zeroconf: "AsyncZeroconf", names: Iterable[str]) -> list[FoundHive]:
    asked = [zeroconf.async_get_service_info(SERVICE_TYPE, name, timeout=int(RESOLVE_SECONDS * 1000)) for name in names]
    return [hive for info in await asyncio.gather(*asked) if info is not None for hive in _found(info)]


def _found(info: "AsyncServiceInfo") -> Iterator[FoundHive]:
    """With its first address; none for what tells neither address nor port."""
    told = {key.decode(): (value or b"").decode(errors="replace") for key, value in info.properties.items()}
    try:
        hive_id = UUID(told.get("id", ""))
    except ValueError:
        hive_id = None
    addresses = info.parsed_addresses()
    if addresses and info.port:
        name = info.name.removesuffix(f".{SERVICE_TYPE}")
        scheme = "https" if told.get("scheme") == "https" else "http"
        yield FoundHive(name, f"{scheme}://{addresses[0]}:{info.port}", hive_id, told.get("version", ""))


@asynccontextmanager
async def _speaking(on: Sequence[str]) -> AsyncIterator["AsyncZeroconf"]:
    try:
        from zeroconf import IPVersion
        from zeroconf.asyncio import AsyncZeroconf
    except ModuleNotFoundError:
        raise Unavailable("mDNS needs the library zeroconf, which this install does not have. Install hive[sidecar].") from None
    if strange := [address for address in on if address not in _own_addresses()]:  # zeroconf would leave a socket open
        raise Unavailable(f"{', '.join(strange)} is no address of an interface of this machine. Check HIVE_MDNS_INTERFACES.")
    try:
        zeroconf = AsyncZeroconf(interfaces=list(on), ip_version=IPVersion.V4Only)
    except OSError as error:
        raise Unavailable(f"mDNS cannot be spoken on {', '.join(on)}: {error.strerror or error}.") from None
    try:
        yield zeroconf
    finally:
        await zeroconf.async_close()


def the_one(found: Sequence[FoundHive], remedy: str) -> FoundHive:
    """HiveNotFound, or SeveralHives that names them; `remedy` says how to name one. Pure."""
    hives = {hive.hive_id or hive.url: hive for hive in reversed(found)}  # several gateways of one hive are one
    if not hives:
        raise HiveNotFound(f"No hive answers on this network by mDNS (_hive._tcp). {remedy}")
    if len(hives) > 1:
        raise SeveralHives(f"Several hives answer: {'; '.join(map(str, sorted(hives.values())))}. {remedy}")
    (hive,) = hives.values()
    return hive
