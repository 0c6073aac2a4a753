"""Rate limits, as the doors ask for them. Where none is set nothing is asked of anybody."""

from dataclasses import dataclass
from typing import Final

from limits import RateLimitItemPerHour

from bus.errors import HiveError, PermissionDenied, RateLimited
from bus.limits.counting import Counting
from bus.limits.rates import Amounts, Limited, most_for, told
from bus.messages import Claims


@dataclass(frozen=True, slots=True)
class Answer:
    """`headers` tell how the limit stands, whatever the answer is."""

    headers: dict[str, str]
    refusal: HiveError | None = None

    def require(self) -> None:
        """PermissionDenied for a role that may never, RateLimited for who has too often."""
        if self.refusal is not None:
            raise self.refusal


UNLIMITED: Final = Answer({})


class Limits:
    """Of one process, a gateway or a dashboard; all of them count together while Redis is there."""

    def __init__(self, amounts: Amounts, counting: Counting) -> None:
        self._amounts, self._counting = amounts, counting

    def limits(self, what: Limited) -> bool:
        """Whether anybody is: where not, nothing is asked of anybody."""
        return what in self._amounts

    async def take(self, what: Limited, claims: Claims) -> Answer:
        """One time more for this user."""
        most = most_for(self._amounts, what, claims.roles)
        if most is None:
            return UNLIMITED
        if most == 0:
            roles = ", ".join(claims.roles)
            return Answer({}, PermissionDenied(f"The limit of {what} is 0 for the role {roles} of {claims.sub}."))
        count = await self._counting.take(RateLimitItemPerHour(most), what, claims.tenant, claims.sub)
        headers = told(what, most, count.remaining, count.reset_seconds)
        if count.taken:
            return Answer(headers)
        seconds = max(1, int(headers["RateLimit-Reset"]))
        why = f"{claims.sub} may do {what} {most:,} times an hour, and has. Try again in {seconds} s."
        return Answer(headers, RateLimited(why, retry_after_seconds=seconds))

    async def close(self) -> None:
        await self._counting.close()
