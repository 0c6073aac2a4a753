"""From where the next attempt at a task goes on: from what the last one wrote, where that can be gone on from. Pure."""

from bus.messages import AttemptOutcome, Continuation, OutcomeStatus, Output, TaskRequest


def written(outcome: AttemptOutcome) -> Continuation | None:
    """What an attempt that did not complete leaves to the next one; None where that begins anew.

    A call of a tool is not gone on from, nor a thought that has not led to an answer. And an attempt that went on, and failed before
    it wrote a word, may have failed over what it went on from.
    """
    output = outcome.output
    if not output.text or output.tool_calls:
        return None
    added = len(output.text) + len(output.thinking) - outcome.begins_at
    if outcome.status is OutcomeStatus.FAILED and outcome.begins_at and not added:
        return None
    return Continuation(output=Output(text=output.text, thinking=output.thinking), usage=outcome.usage)


def continuation(request: TaskRequest, left: Continuation | None) -> Continuation | None:
    """What the offer carries. An answer of a given form is written anew: its grammar begins with the first character."""
    return None if "format" in request.options else left
