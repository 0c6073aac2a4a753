"""What of a server's address is shown, and what of it is secret: tokens stand in queries, and in paths too. Pure."""

from collections.abc import Iterator
from typing import Final
from urllib.parse import parse_qsl, urlsplit

from workflow.credentials.http_auth import BLANK

_CUT: Final = "…"


def shown(url: str, *, whole: bool) -> str:
    """Without the values of its query; and without its path, except for those who look after the server (`whole`)."""
    parts = urlsplit(url)
    origin = f"{parts.scheme}://{parts.netloc.rpartition('@')[2]}"
    if not whole:
        return origin if parts.path in ("", "/") and not parts.query else f"{origin}/{_CUT}"
    pairs = [name + (f"={BLANK}" if mark else "") for name, mark, _ in (each.partition("=") for each in parts.query.split("&"))]
    return f"{origin}{parts.path}{'?' if parts.query else ''}{'&'.join(pairs)}"


def secrets(url: str) -> Iterator[str]:
    """Values of its query, as they are sent and as they are meant."""
    query = urlsplit(url).query
    for _, _, value in (each.partition("=") for each in query.split("&")):
        yield value
    for _, value in parse_qsl(query):
        yield value


def target(url: str) -> str:
    """All but its origin, which a client's words repeat."""
    parts = urlsplit(url)
    return f"{parts.path}{'?' if parts.query else ''}{parts.query}"
