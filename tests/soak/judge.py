"""Decides from what was sampled whether anything grows with the work that was done. Pure.

The first third of a run warms up. A level is the median over a third, so that a saw-tooth (rows until the next look of retention, a heap until
the next collection) counts as what it is; what grows shows as a last third above the middle one, in proportion to the tasks between.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from fnmatch import fnmatchcase
from statistics import median
from typing import Final

MIB: Final = 1024 * 1024
FEWEST_SAMPLES: Final = 9
"""Three for each third: a median of fewer is no level."""


@dataclass(frozen=True, kw_only=True)
class Sample:
    """What the gauges showed when so many tasks had ended. A gauge that could not be read is left out."""

    seconds: float
    tasks: int
    gauges: Mapping[str, float]


@dataclass(frozen=True, kw_only=True)
class Allowance:
    """What gauges of such a name may grow by: `each` a task, and `noise` however many there were. `most`: never above, at any time."""

    pattern: str
    each: float = 0.0
    noise: float = 0.0
    most: float = float("inf")


@dataclass(frozen=True, kw_only=True)
class Growth:
    """Of one gauge: its level in the middle and the last third, with so many tasks from the one to the other."""

    gauge: str
    middle: float
    last: float
    highest: float
    tasks: float
    allowance: Allowance

    @property
    def per_thousand(self) -> float:
        return (self.last - self.middle) / self.tasks * 1000

    @property
    def grows(self) -> bool:
        return self.last - self.middle > self.allowance.each * self.tasks + self.allowance.noise

    @property
    def overflows(self) -> bool:
        return self.highest > self.allowance.most

    def __str__(self) -> str:
        verdict = "GROWS" if self.grows else "TOO MUCH" if self.overflows else ""
        return f"{self.gauge:<42}{self.middle:>14,.0f}{self.last:>14,.0f}{self.highest:>14,.0f}{self.per_thousand:>+14,.1f}  {verdict}"


HEADER: Final = f"{'gauge':<42}{'middle third':>14}{'last third':>14}{'highest':>14}{'per 1,000':>14}"


def judge(samples: Sequence[Sample], allowances: Iterable[Allowance]) -> list[Growth]:
    """Every gauge that was read in the middle and in the last third, by name. ValueError when too little was sampled or done.

    The first allowance whose pattern fits holds; a gauge that none fits is a mistake of the caller's, and a KeyError.
    """
    third = len(samples) // 3
    if len(samples) < FEWEST_SAMPLES:
        raise ValueError(f"{len(samples)} samples are too few to tell a level; {FEWEST_SAMPLES} are needed")
    middle, last = samples[third : 2 * third], samples[2 * third :]
    tasks = median(sample.tasks for sample in last) - median(sample.tasks for sample in middle)
    if tasks <= 0:
        raise ValueError("no task ended between the middle and the last third")
    known = tuple(allowances)
    names = {name for sample in middle for name in sample.gauges} & {name for sample in last for name in sample.gauges}
    return [
        Growth(
            gauge=name,
            middle=_level(middle, name),
            last=_level(last, name),
            highest=max(sample.gauges[name] for sample in samples if name in sample.gauges),
            tasks=tasks,
            allowance=_allowance(name, known),
        )
        for name in sorted(names)
    ]


def _level(samples: Iterable[Sample], name: str) -> float:
    return median(sample.gauges[name] for sample in samples if name in sample.gauges)


def _allowance(name: str, allowances: Iterable[Allowance]) -> Allowance:
    for allowance in allowances:
        if fnmatchcase(name, allowance.pattern):
            return allowance
    raise KeyError(name)
