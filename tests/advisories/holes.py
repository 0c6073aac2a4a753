"""What the tools have found, and what of it counts: pure.

A hole that is known of a pinned version fails the audit, unless it is exempt: with a reason, and until a day. What could not be asked is no
good news, and is told as what it is.
"""

import json
import tomllib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any, Final

WORD_FOR_NO_FIX: Final = "nothing yet"


@dataclass(frozen=True, slots=True, kw_only=True)
class Hole:
    """`names`: of one advisory, in every database that has it. `fixed_in`: versions, or what to do in words."""

    place: str
    package: str
    version: str
    names: tuple[str, ...]
    fixed_in: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """Of one file of pinned versions. `asked`: how many packages were looked up; `unasked`: how many were not, and `why` of it."""

    place: str
    asked: int = 0
    unasked: int = 0
    why: str = ""
    holes: tuple[Hole, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Exemption:
    advisory: str
    package: str
    reason: str
    until: date


@dataclass(frozen=True, slots=True, kw_only=True)
class Verdict:
    """`over`: exemptions whose day has passed, for holes that are there still. `idle`: those that no hole needs any more."""

    open: tuple[Hole, ...]
    exempt: tuple[Hole, ...]
    over: tuple[Exemption, ...]
    idle: tuple[Exemption, ...]


def exemptions(text: str) -> tuple[Exemption, ...]:
    """ValueError for one without a reason or a day, or with a word that is none of its own."""
    found = []
    for entry in tomllib.loads(text).get("exempt", ()):
        if (
            set(entry) != set(Exemption.__dataclass_fields__)
            or not isinstance(entry["until"], date)
            or not entry["reason"].strip()
        ):
            raise ValueError(f"an exemption has advisory, package, reason and a day `until`, and no more: {entry}")
        found.append(Exemption(**entry))
    return tuple(found)


def judge(answers: Iterable[Answer], exempting: Sequence[Exemption], today: date) -> Verdict:
    """An exemption holds through its last day, for its package and advisory alone."""
    answers = tuple(answers)
    holes = [hole for answer in answers for hole in answer.holes]
    holding = [each for each in exempting if today <= each.until]
    needed = [each for each in exempting if any(_covers(each, hole) for hole in holes)]
    whole = not any(answer.unasked for answer in answers)  # else the hole may be there, and was not asked about
    return Verdict(
        open=tuple(hole for hole in holes if not any(_covers(each, hole) for each in holding)),
        exempt=tuple(hole for hole in holes if any(_covers(each, hole) for each in holding)),
        over=tuple(each for each in needed if each not in holding),
        idle=tuple(each for each in exempting if whole and each not in needed),
    )


def _covers(exemption: Exemption, hole: Hole) -> bool:
    return exemption.package == hole.package and exemption.advisory in hole.names


def of_pip_audit(place: str, printed: str) -> Answer:
    """Of its JSON. ValueError for what is none: then nothing was asked."""
    packages = _object(printed)["dependencies"]
    skipped = [each["skip_reason"] for each in packages if "skip_reason" in each]
    holes = tuple(
        Hole(
            place=place,
            package=each["name"],
            version=each["version"],
            names=(found["id"], *found.get("aliases", ())),
            fixed_in=", ".join(found.get("fix_versions", ())) or WORD_FOR_NO_FIX,
        )
        for each in packages
        for found in each.get("vulns", ())
    )
    return Answer(
        place=place, asked=len(packages) - len(skipped), unasked=len(skipped), why=next(iter(skipped), ""), holes=holes
    )


def of_npm(place: str, printed: str, packages: int) -> Answer:
    """Of the JSON of `npm audit`, which tells errors in the same form. `packages`: that the file pins. ValueError for what is none."""
    found = _object(printed)
    if "vulnerabilities" not in found:
        return Answer(place=place, unasked=packages, why=str(found.get("message") or found.get("error") or "no answer"))
    holes = tuple(
        Hole(
            place=place,
            package=each["name"],
            version=each["range"],
            names=(str(via["url"]).rpartition("/")[2],),
            fixed_in="npm audit fix" if each.get("fixAvailable") else WORD_FOR_NO_FIX,
        )
        for each in found["vulnerabilities"].values()
        for via in each["via"]
        if isinstance(via, dict)  # a name stands for another package here, whose own entry has it
    )
    return Answer(place=place, asked=packages, holes=holes)


def pinned_by_npm(lock: str) -> int:
    return sum(1 for path in _object(lock).get("packages", {}) if path)


def _object(text: str) -> dict[str, Any]:
    found = json.loads(text)
    if not isinstance(found, dict):
        raise ValueError("it is no object")
    return found
