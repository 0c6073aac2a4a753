"""From a page to the login and back: whoever follows a link and has no login comes to what it links to, once there is one."""

from typing import Final
from urllib.parse import quote, urlsplit

from nicegui import Client

from gui.sessions import Storage

LOGIN: Final = "/login"
HOME: Final = "/"
_KEPT: Final = "wanted"


def login_from(client: Client) -> str:
    """The login's address, for somebody who wanted the client's page."""
    url = client.request.url
    wanted = url.path + (f"?{url.query}" if url.query else "")
    return LOGIN if wanted == HOME else f"{LOGIN}?next={quote(wanted, safe='/')}"


def wanted(asked: str) -> str:
    """Where a login leads. An address of another site would let a link to this one lead there."""
    parts = urlsplit(asked)
    own = asked.startswith("/") and not parts.netloc and not asked.startswith(("//", "/\\")) and asked.isprintable()
    return asked if own and parts.path != LOGIN else HOME


def keep(storage: Storage, path: str) -> None:
    """For who goes to a provider from here: what comes back knows of no page."""
    storage[_KEPT] = path


def kept(storage: Storage) -> str:
    return wanted(str(storage.pop(_KEPT, HOME)))
