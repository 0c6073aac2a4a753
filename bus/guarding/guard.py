"""The guard of the doors that take a secret: counts what fails, by address and by account, and lets whoever fails wait."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from hashlib import sha256
from ipaddress import IPv4Address, IPv6Network, ip_address
from math import ceil
from time import monotonic, time
from typing import Final

from redis.exceptions import RedisError

from bus import telemetry
from bus.errors import TooManyAttempts
from bus.guarding.memory import MemoryFailures
from bus.guarding.pace import PACE, Pace
from bus.guarding.redis import RedisFailures

logger = telemetry.log(__name__)

AWAY_SECONDS: Final = 5.0
MOST_SUSPECTS: Final = 10_000
_AWAY: Final = (RedisError, OSError, TimeoutError)


@dataclass(frozen=True, slots=True, kw_only=True)
class Attempt:
    """At a secret. `failures` of its address at this door, itself among them; `account` as it was named, which may be anybody's."""

    door: str
    address: str
    account: str | None = None
    failures: int = 0

    @property
    def network(self) -> str:
        return network_of(self.address)

    @property
    def names(self) -> tuple[str, ...]:
        """Under which it is counted. What somebody may write freely is hashed."""
        address = f"{self.door}:address:{_short(self.network)}"
        if self.account is None:
            return (address,)
        account = _short(self.account)
        return (address, f"{self.door}:pair:{account}:{_short(self.network)}", f"{self.door}:account:{account}")


Told = Callable[[Attempt], Awaitable[None]]


class Guard:
    """`begin` before the secret is looked at, `succeeded` when it was right: until then it counts as failed.

    `url` is Redis's; None, or while it is away, this process counts alone. `told` hears of each attempt that turned out wrong, if the door
    says so by `failed`; as many as the pace lets through.
    """

    def __init__(
        self,
        url: str | None,
        *,
        pace: Pace = PACE,
        told: Told | None = None,
        now: Callable[[], float] = time,
        ticks: Callable[[], float] = monotonic,
    ) -> None:
        self._own = MemoryFailures(pace, now)
        self._shared = RedisFailures(url, pace, now) if url else None
        self._told, self._ticks, self._not_before = told, ticks, 0.0
        self._suspects: dict[tuple[str, str], None] = {}

    async def begin(self, door: str, address: str, account: str | None = None) -> Attempt:
        """TooManyAttempts."""
        attempt = Attempt(door=door, address=address, account=account)
        seconds, failures = await self._begin(attempt.names)
        if seconds > 0:
            whole = max(1, ceil(seconds))
            logger.info("attempt_refused", door=door, address=address, failures=failures, wait_seconds=whole)
            raise TooManyAttempts(
                f"Too many attempts failed {'from this address' if account is None else 'from here, or at this account'}. "
                f"Try again in {whole} s.",
                retry_after_seconds=whole,
            )
        return Attempt(door=door, address=address, account=account, failures=failures)

    async def begin_if_suspect(self, door: str, address: str, account: str | None = None) -> Attempt | None:
        """For a door where most come with what is right, or with nothing: nobody is asked about an address that has not failed here."""
        return await self.begin(door, address, account) if (door, network_of(address)) in self._suspects else None

    async def succeeded(self, attempt: Attempt) -> None:
        if not await self._in_redis(lambda shared: shared.take_back(attempt.names)):
            await self._own.take_back(attempt.names)

    async def failed(self, attempt: Attempt) -> None:
        """It is counted already; here it is told."""
        self._suspects[attempt.door, attempt.network] = None
        while len(self._suspects) > MOST_SUSPECTS:
            del self._suspects[next(iter(self._suspects))]
        logger.warning("attempt_failed", door=attempt.door, address=attempt.address, failures=attempt.failures)
        if self._told is not None:
            await self._told(attempt)

    async def _begin(self, names: tuple[str, ...]) -> tuple[float, int]:
        found: list[tuple[float, int]] = []

        async def ask(shared: RedisFailures) -> None:
            found.append(await shared.begin(names))

        return found[0] if await self._in_redis(ask) else await self._own.begin(names)

    async def _in_redis(self, ask: Callable[[RedisFailures], Awaitable[None]]) -> bool:
        """Whether it answered."""
        if self._shared is None or self._ticks() < self._not_before:
            return False
        try:
            await ask(self._shared)
        except _AWAY as error:
            self._not_before = self._ticks() + AWAY_SECONDS
            logger.warning("guard_counts_alone", reason=type(error).__name__)
            return False
        return True

    async def close(self) -> None:
        if self._shared is not None:
            await self._shared.close()


def network_of(address: str) -> str:
    """What one customer has: of IPv6 a /64, out of which each attempt could come from an address of its own. Pure."""
    try:
        found = ip_address(address)
    except ValueError:
        return address
    if isinstance(found, IPv4Address):
        return str(found)
    return str(found.ipv4_mapped or IPv6Network((int(found) >> 64 << 64, 64)))


def _short(name: str) -> str:
    return sha256(name.encode(errors="replace")).hexdigest()[:32]
