"""How people write down where a backend is, and what an agent is called when nobody named it. Pure."""

import ipaddress
import re
from collections.abc import Collection, Iterable
from dataclasses import dataclass, field
from urllib.parse import parse_qsl, urlsplit, urlunsplit

from bus.errors import InvalidRequest
from bus.hosts import is_loopback
from bus.messages import Upstream, bare_url

OLLAMA_PORT = 11434
BUILTIN_URL = "builtin:smollm2"
_DEFAULT_PORTS = {"http": 80, "https": 443}
_UPSTREAM_SETTINGS = ("slots", "model", "kind")


@dataclass(frozen=True, kw_only=True)
class Address:
    """Where to connect. `key` is sent as a bearer token."""

    scheme: str
    host: str
    port: int
    path: str = ""
    key: str | None = field(default=None, repr=False)

    @property
    def url(self) -> str:
        """For people: without the key."""
        return f"{self.scheme}://{self.authority}{self.path}"

    @property
    def authority(self) -> str:
        return f"[{self.host}]:{self.port}" if ":" in self.host else f"{self.host}:{self.port}"


def parse_address(url: str, key: str | None = None) -> Address:
    """A base URL; `/v1` at its end is dropped, since the paths begin there. InvalidRequest when it is none, or holds a key."""
    _refuse_key(url)
    try:
        parts = urlsplit(url.strip())
        host, port = (parts.hostname or "").encode("idna").decode(), parts.port
    except ValueError:
        raise _no_address(url) from None
    path = parts.path.rstrip("/").removesuffix("/v1")
    # Both stand in the head of a request, where a line break or a letter beyond ASCII has no place.
    if parts.scheme not in _DEFAULT_PORTS or not host or not re.fullmatch(r"[!-~]*", host + path):
        raise _no_address(url)
    return Address(scheme=parts.scheme, host=host, port=port or _DEFAULT_PORTS[parts.scheme], path=path, key=key)


def _refuse_key(url: str) -> None:
    try:
        bare_url(url)
    except ValueError as error:
        raise InvalidRequest(f"`{without_key(url)}`: {error}.") from None


def _no_address(url: str) -> InvalidRequest:
    return InvalidRequest(f"`{without_key(url)}` is not an address. Write it like http://gpu-host:11434.")


def without_key(url: str) -> str:
    """What was given for a URL, as it may be shown and logged: a key that does not belong there is cut off."""
    scheme, separator, rest = url.partition("://")
    rest = re.split(r"[?#]", rest if separator else scheme, maxsplit=1)[0]
    return (scheme + separator if separator else "") + re.sub(r"^[^/]*@", "", rest)


def ollama_url(host: str) -> str:
    """OLLAMA_HOST in each of Ollama's own forms: host, host:port, :port, URL. The port is 11434 unless a URL's scheme says else."""
    value = host.strip().strip("\"'")
    _refuse_key(value)
    scheme, separator, rest = value.partition("://")
    if not separator:
        scheme, rest = "http", value
    elif scheme not in _DEFAULT_PORTS:
        raise InvalidRequest(f"OLLAMA_HOST={without_key(value)} is not an address. Write it like gpu-host:11434.")
    network, slash, path = rest.partition("/")
    default = _DEFAULT_PORTS[scheme] if separator else OLLAMA_PORT
    name, port = _split_port(network, default)
    # A server listens on 0.0.0.0; a client reaches that server on loopback.
    name = {"": "127.0.0.1", "0.0.0.0": "127.0.0.1", "::": "::1"}.get(name, name)
    bracketed = f"[{name}]" if ":" in name else name
    return f"{scheme}://{bracketed}:{port}{slash}{path}".rstrip("/")


def _split_port(network: str, default: int) -> tuple[str, int]:
    name, colon, port = network.rpartition(":")
    if network.endswith("]") or not colon:
        return network.strip("[]"), default
    if ":" in name and not name.endswith("]"):  # a bare IPv6 address
        return network, default
    return name.strip("[]"), int(port) if port.isdigit() and 0 < int(port) < 65536 else default


def parse_upstreams(text: str) -> tuple[Upstream, ...]:
    """HIVE_BACKENDS: `http://a:11434, walnut=http://b:11434?slots=4`. ValueError says which entry is wrong and why."""
    return tuple(parse_upstream(entry) for entry in text.split(",") if entry.strip())


def parse_upstream(entry: str) -> Upstream:
    """`URL`, `name=URL`, each with `?slots=N&model=M&kind=K` behind it. `builtin` stands for the built-in model."""
    name, url = _split_name(entry.strip())
    if url == "builtin":
        return Upstream(url=BUILTIN_URL, kind="builtin", name=name, agent_id=slug(name) if name else None)
    parts = urlsplit(url)
    settings = dict(parse_qsl(parts.query))
    if unknown := sorted(settings.keys() - set(_UPSTREAM_SETTINGS)):
        raise ValueError(
            f"`{without_key(entry)}`: {', '.join(unknown)} is not a setting; they are {', '.join(_UPSTREAM_SETTINGS)}. "
            "A key is named in HIVE_BACKEND_KEYS"
        )
    try:
        bare = urlunsplit(parts._replace(query="", fragment=""))
        parse_address(bare)
    except InvalidRequest as error:
        raise ValueError(error.message) from None
    return Upstream.model_validate({"url": bare, "name": name, "agent_id": slug(name) if name else None, **settings})


def _split_name(entry: str) -> tuple[str | None, str]:
    found = re.match(r"([^=/?:]+)=(.+)", entry)
    return (found[1].strip(), found[2].strip()) if found else (None, entry)


def slug(text: str) -> str:
    """An agent id from any name: `GPU Host_1` becomes `gpu-host-1`."""
    return re.sub(r"[^a-z0-9]+", "-", text.lower()).strip("-")[:63].strip("-") or "local"


def is_here(upstream: Upstream, hostname: str) -> bool:
    """Whether the backend runs on this machine, so that this machine's load and hardware are its own."""
    if upstream.kind == "builtin":
        return True
    host = parse_address(upstream.url).host
    return is_loopback(host) or host.lower() == hostname.lower()


def agent_id_for(upstream: Upstream, hostname: str, taken: Collection[str]) -> str:
    """The id that it was given, else its host's name, else that with the port; a loopback address is this machine."""
    if upstream.agent_id:
        return upstream.agent_id
    if upstream.kind == "builtin":
        wanted = [slug(_first_label(hostname)), "builtin"]
    else:
        address = parse_address(upstream.url)
        base = slug(_first_label(hostname if is_loopback(address.host) else address.host))
        wanted = [base, f"{base[:57]}-{address.port}"]
    wanted += [f"{wanted[0][:59]}-{number}" for number in range(2, len(taken) + 3)]
    return next(name for name in wanted if name not in taken)


def agent_ids(upstreams: Iterable[Upstream], hostname: str) -> tuple[str, ...]:
    """Of the agents of one host, in their order."""
    ids: list[str] = []
    for upstream in upstreams:
        ids.append(agent_id_for(upstream, hostname, ids))
    return tuple(ids)


def _first_label(host: str) -> str:
    try:
        return str(ipaddress.ip_address(host))
    except ValueError:
        return host.split(".")[0]
