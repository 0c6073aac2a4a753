"""Which host has become slower than it was: pure, by what it wrote a second with one model, hour by hour.

An hour counts when enough was written in it. Lately are the newest hours; before them, at least a day of hours. The host is slow when most of
what it wrote lately is slower than nearly every hour before, and by so much that nobody would call it noise: the bound is the larger of a
fixed share and what its own hours scatter by (the median absolute deviation, which a few odd hours do not move).
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from itertools import groupby
from statistics import median
from typing import Final

from bus.messages.usage import SlowHost

LATELY: Final = 5
"""Hours."""
LEAST_BEFORE: Final = 24
LEAST_TOKENS: Final = 500
"""In an hour: fewer are one or two short answers, whose rate says little."""
LEAST_LOSS: Final = 0.15
SCATTERS: Final = 3.0
"""So many standard deviations, taken from the median absolute one; the median of five hours scatters by half of what an hour does."""
TO_DEVIATION: Final = 1.4826
"""Of a normal distribution: standard deviation a median absolute deviation."""


@dataclass(frozen=True, slots=True)
class Hour:
    at: datetime
    tokens: int
    seconds: float

    @property
    def rate(self) -> float:
        return self.tokens / self.seconds


def slow(agent_id: str, model: str, hours: Iterable[Hour]) -> SlowHost | None:
    """`hours` in their order. None where it is as fast as ever, or too little is known."""
    worked = [hour.rate for hour in hours if hour.tokens >= LEAST_TOKENS and hour.seconds > 0]
    before, lately = worked[:-LATELY], worked[-LATELY:]
    if len(before) < LEAST_BEFORE:
        return None
    usual, now = median(before), median(lately)
    scatter = TO_DEVIATION * median(abs(rate - usual) for rate in before)
    if usual - now < max(LEAST_LOSS * usual, SCATTERS * scatter):
        return None
    text = (
        f"{agent_id} writes {now:.1f} tokens/s with {model}, and used to write {usual:.1f}: {100 * (1 - now / usual):.0f} % less. "
        "Look at its temperature and power limit, at what else runs there, and whether the model still fits its card."
    )
    return SlowHost(
        agent_id=agent_id,
        model=model,
        tokens_per_second=now,
        usual_tokens_per_second=usual,
        share=now / usual,
        hours=len(before),
        text=text,
    )


def slow_hosts(rows: Iterable[Mapping[str, object]]) -> list[SlowHost]:
    """Of rows of `speeds`, by agent, model and hour; the slowest of its own measure first."""
    found = []
    for (agent_id, model), group in groupby(rows, key=lambda row: (str(row["agent_id"]), str(row["model"]))):
        hours = [Hour(row["hour"], row["tokens"], row["generation_seconds"]) for row in group]  # type: ignore[arg-type]
        if (host := slow(agent_id, model, hours)) is not None:
            found.append(host)
    return sorted(found, key=lambda host: host.share)
