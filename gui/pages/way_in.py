"""From a page to the login and back: whoever follows a link and has no login comes to what it links to, once there is one."""

from collections.abc import MutableMapping
from typing import Any, Final
from urllib.parse import quote, urlsplit

from nicegui import Client

LOGIN: Final = "/login"
HOME: Final = "/"
_KEPT: Final = "wanted"


def login_from(client: Client) -> str:
    """The login's address, for somebody who wanted the client's page."""
    url = client.request.url
    return leading(LOGIN, url.path + (f"?{url.query}" if url.query else ""))


def leading(place: str, to: str) -> str:
    """An address on the way to a page."""
    return place if to == HOME else f"{place}{'&' if '?' in place else '?'}next={quote(to, safe='/')}"


def wanted(asked: str) -> str:
    """Where a login leads. An address of another site would let a link to this one lead there."""
    parts = urlsplit(asked)
    own = asked.startswith("/") and not parts.netloc and not asked.startswith(("//", "/\\")) and asked.isprintable()
    return asked if own and parts.path != LOGIN else HOME


def keep(cookie: MutableMapping[str, Any], path: str) -> None:
    """In the signed cookie of who goes to a provider from here, who knows of no page: of a browser without a login the server keeps nothing."""
    cookie[_KEPT] = path


def kept(cookie: MutableMapping[str, Any]) -> str:
    return wanted(str(cookie.pop(_KEPT, HOME)))
