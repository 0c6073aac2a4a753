"""Whether another site made a browser send a request: pure. By what a page cannot change (Fetch Metadata, and Origin)."""

from collections.abc import Mapping
from typing import Final
from urllib.parse import urlsplit

SAFE_METHODS: Final = frozenset({"GET", "HEAD", "OPTIONS"})
_OWN: Final = ("same-origin", "none")
"""`none`: a person typed the address. `same-site` is another origin, such as another port of this machine."""


def from_elsewhere(headers: Mapping[str, str]) -> bool:
    """False for what is no browser: it says neither."""
    site, origin = headers.get("sec-fetch-site"), headers.get("origin")
    if site is not None:  # the browser knows the address that it asked; a proxy may give another Host, without the port
        return site not in _OWN
    try:
        return origin is not None and urlsplit(origin).netloc != headers.get("host")
    except ValueError:
        return True
