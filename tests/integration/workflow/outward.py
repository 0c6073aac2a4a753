"""What must hold of mails and of calls of tools, whose receivers know no keys, once all executions ended. Pure."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

from bus.errors import OutcomeUnknown
from workflow.core.effects import SendMail, effect_from_json
from workflow.outside.mail_calls import message_of

STEPS: Final = ("One", "Mail", "Once", "Pay", "Twopypy")
"""What reaches the outside, in this order, and under these names."""
ONCE: Final = ("Once", "Pay")
"""What happens at most once, and is told as unknown where nobody can say whether it did."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Came:
    """Of one execution: how often each step came; how many different Message-IDs its repeatable mail had."""

    counts: Mapping[str, int]
    message_ids: int


def wrongs(status: str, node: str | None, code: str | None, came: Came) -> list[str]:
    """What must not have happened. `node` and `code`: of the failure, where it failed."""
    found = []
    done: tuple[str, ...] = STEPS
    if status == "error":
        if node not in ONCE or code != OutcomeUnknown.code:
            return [f"it failed at {node} with {code}"]
        done = STEPS[: STEPS.index(node)]
    elif status != "success":
        return [f"it ended as {status}"]
    found += [f"{step} never came" for step in done if not came.counts.get(step)]
    found += [f"{step} came {came.counts[step]} times" for step in ONCE if came.counts.get(step, 0) > 1]
    later = STEPS[len(done) + 1 :]
    found += [f"{step} came though {node} failed" for step in later if came.counts.get(step)]
    if came.message_ids > 1:
        found.append(f"the mail came with {came.message_ids} Message-IDs")
    return found


def place_of_mail(frames: list[Mapping[str, Any]], message_id: str) -> str:
    """`in flight`, where the record of one of the executions has the mail so."""
    for frame in frames:
        current = frame["current"]
        for effect in () if current is None else current["asked"]:
            if effect["kind"] == SendMail.kind and effect["key"] not in current["replies"]:
                found = effect_from_json(effect)
                if isinstance(found, SendMail) and message_of(found)["Message-ID"] == message_id:
                    return "in flight"
    return "not in flight"
