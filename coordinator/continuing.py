"""From where the next attempt at a task goes on: from what the last one wrote, where that can be gone on from. Pure."""

from bus.errors import StreamInterrupted
from bus.messages import AttemptOutcome, Continuation, FailureInfo, OutcomeStatus, Output, TaskRequest
from bus.messages.output import contents_of
from coordinator.tasks import Streaming, Task


def written(outcome: AttemptOutcome) -> Continuation | None:
    """What an attempt that did not complete leaves to the next one; None where that begins anew.

    A call of a tool is not gone on from, nor a thought that has not led to an answer. And an attempt that went on, and failed before
    it wrote a word, may have failed over what it went on from.
    """
    output = outcome.output
    if not output.text or output.tool_calls or output.others:
        return None
    added = len(output.text) + len(output.thinking) - outcome.begins_at
    if outcome.status is OutcomeStatus.FAILED and outcome.begins_at and not added:
        return None
    return Continuation(output=Output(text=output.text, thinking=output.thinking), usage=outcome.usage)


def continuation(request: TaskRequest, left: Continuation | None) -> Continuation | None:
    """What the offer carries. An answer of a given form is written anew: its grammar begins with the first character."""
    return left if request.can_go_on else None


def broken_off(task: Task, outcome: AttemptOutcome) -> FailureInfo | None:
    """StreamInterrupted where somebody has seen output that no other attempt can go on from; None where another may be tried."""
    if task.streaming is Streaming.NOT or not any(content.units for content in contents_of(outcome.output)):
        return None
    if task.streaming is Streaming.GOES_ON and written(outcome) is not None:
        return None
    why = "" if outcome.error is None else f" ({outcome.error.code}: {outcome.error.message})"
    message = f"The answer broke off{why}, and what was sent of it already cannot be gone on with. Ask again."
    return FailureInfo(code=StreamInterrupted.code, message=message)
