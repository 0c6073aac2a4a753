"""Sends by apprise, which is synchronous and slow to load: in threads of its own, never on the loop.

What apprise logs may hold addresses, so nothing of it is kept but what is known to hold none.
"""

import asyncio
import logging
import re
from collections.abc import Iterable
from concurrent.futures import ThreadPoolExecutor
from typing import Any, Final

from bus.errors import InvalidRequest, NotificationFailed
from monitor.notifying.message import Words

THREADS: Final = 4
SERVICE_SECONDS: Final = 25
_STATUS: Final = re.compile(r"error=([1-5]\d\d)\b")


class ByApprise:
    def __init__(self) -> None:
        self._threads = ThreadPoolExecutor(THREADS, "notify")

    def close(self) -> None:
        """Waits for none that is under way: its row says that it was not sent, and another monitor sends it."""
        self._threads.shutdown(wait=False, cancel_futures=True)

    async def check(self, url: str) -> None:
        """InvalidRequest for an address that apprise does not understand. Nothing is sent."""
        if not await self._run(_read, url):
            raise InvalidRequest(
                "apprise does not understand this address. Its pages say how the address of each service is written; "
                "what is special in a password is written as %40 and the like."
            )

    async def send(self, url: str, words: Words) -> None:
        """NotificationFailed, in words that hold nothing of the address."""
        failure = await self._run(_notify, url, words)
        if failure is not None:
            raise NotificationFailed(failure)

    async def _run(self, function: Any, *arguments: Any) -> Any:
        return await asyncio.get_running_loop().run_in_executor(self._threads, function, *arguments)


def _read(url: str) -> Any:
    """apprise's own object with one target, or None."""
    from apprise import Apprise, AppriseAsset

    quiet = logging.getLogger("apprise")
    quiet.propagate, quiet.handlers = False, [logging.NullHandler()]
    asset = AppriseAsset(
        app_id="Hive",
        async_mode=False,
        storage_mode="memory",
        http_redirects=False,
        allow_templates=False,
        service_timeout=SERVICE_SECONDS,
    )
    service = Apprise.instantiate(url, asset=asset)
    found = Apprise(asset=asset)
    return found if service is not None and found.add(service) else None


def _notify(url: str, words: Words) -> str | None:
    """None: it was taken."""
    service = _read(url)
    if service is None:
        return "apprise does not understand its address any more: enter it anew."
    try:
        result = service.notify(title=words.title, body=words.body, notify_type=words.tone.value, body_format="text")
        return None if result else _why(str(entry) for each in result.results for entry in each.logs())
    except Exception as error:  # it is others' code, of more than a hundred services; what it says may hold the address
        return f"apprise broke over it ({type(error).__name__})"


def _why(logged: Iterable[str]) -> str:
    text = "\n".join(logged)
    if status := _STATUS.search(text):
        return f"it answered HTTP {status[1]}"
    if "onnection error" in text:
        return "it could not be reached"
    return "it did not take it; apprise says no more that may be shown"
