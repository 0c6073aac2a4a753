"""How long whoever failed has to wait: pure. Waits grow with each failure and are forgotten when it has been quiet for a while."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final


@dataclass(frozen=True, slots=True)
class Pace:
    """`free` failures cost nothing; each further one twice the wait of the one before. Seconds."""

    free: int = 10
    first_seconds: float = 1.0
    most_seconds: float = 300.0
    remembered_seconds: float = 900.0

    def wait(self, failures: int) -> float:
        """After so many."""
        doublings = failures - self.free
        return 0.0 if doublings < 0 else min(self.most_seconds, self.first_seconds * 2 ** min(doublings, 32))

    def forgotten_after(self, failures: int) -> float:
        return self.wait(failures) + self.remembered_seconds


PACE: Final = Pace()


@dataclass(frozen=True, slots=True)
class Failures:
    """`until` is when the next attempt is looked at, in seconds since the epoch."""

    number: int = 0
    until: float = 0.0


def must_wait(known: Sequence[Failures], now: float) -> float:
    """Seconds. `known`: of the address; and where an account was named, of this address at the account, and of the account.

    The account's own counts only for an address that has failed there: the first attempt from elsewhere is always looked at, so whoever
    guesses at an account keeps its owner out from nowhere but the own address.
    """
    counting = known[:2] if len(known) > 2 and known[1].number == 0 else known
    return max(0.0, *(failures.until - now for failures in counting))
