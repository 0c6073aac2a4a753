"""Where logins are watched: whoever counts failures, or bounds them, comes in here (bus verbs and every door pass it)."""

from typing import Protocol


class LoginWatch(Protocol):
    """`address` is where a login comes from as the door knows it; None where it does not."""

    async def begin(self, name: str, address: str | None) -> None:
        """TooManyAttempts where no further login is looked at."""

    async def failed(self, name: str, address: str | None) -> None: ...

    async def succeeded(self, name: str, address: str | None) -> None: ...


class Unwatched:
    """Every login is looked at."""

    async def begin(self, name: str, address: str | None) -> None:
        return

    async def failed(self, name: str, address: str | None) -> None:
        return

    async def succeeded(self, name: str, address: str | None) -> None:
        return
