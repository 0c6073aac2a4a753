"""`python -m tests.advisories [--strict]`. The exit status is 1 for a known hole; with --strict also where something could not be asked."""

import sys
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

from tests.advisories.asking import everything
from tests.advisories.holes import Answer, Verdict, exemptions, judge

EXEMPTIONS: Final = Path(__file__).with_name("exemptions.toml")


def told(answers: Sequence[Answer], verdict: Verdict) -> Iterator[str]:
    """Line by line, what is worst last."""
    for answer in answers:
        yield f"{answer.place}: {answer.asked} asked about, {len(answer.holes)} holes"
    for idle in verdict.idle:
        yield f"no longer needed in {EXEMPTIONS.name}: {idle.advisory} of {idle.package}"
    for hole in verdict.exempt:
        yield f"exempt: {hole.package} {hole.version} {hole.names[0]}"
    for answer in answers:
        if answer.unasked:
            yield f"COULD NOT BE ASKED: {answer.unasked} packages of {answer.place} ({answer.why})"
    for over in verdict.over:
        yield f"the exemption is over since {over.until}: {over.advisory} of {over.package} ({over.reason})"
    for hole in verdict.open:
        yield f"HOLE: {hole.package} {hole.version} in {hole.place}: {', '.join(hole.names)}; fixed in {hole.fixed_in}"


def main(arguments: Sequence[str]) -> int:
    answers = list(everything())
    verdict = judge(answers, exemptions(EXEMPTIONS.read_text()), datetime.now(UTC).date())
    for line in told(answers, verdict):
        print(line)
    unasked = any(answer.unasked for answer in answers)
    if verdict.open:
        print(f"{len(verdict.open)} known holes. Take a version without (make lock), or add an exemption to {EXEMPTIONS.name}.")
    elif unasked:
        print("No hole is known, as far as could be asked.")
    else:
        print("No hole is known.")
    return int(bool(verdict.open) or (unasked and "--strict" in arguments))


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
