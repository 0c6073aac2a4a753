"""From where the next attempt at a task goes on: from what the last one wrote, where that can be gone on from. Pure."""

from collections.abc import Sequence

from bus.messages import AttemptOutcome, Continuation, OutcomeStatus, Output, OutputChunk, TaskRequest, ToolCall
from coordinator.agent import OpenAttempt


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


def pieced_together(attempt: OpenAttempt, chunks: Sequence[OutputChunk], before: Continuation | None) -> AttemptOutcome | None:
    """What a host that died had sent of an attempt, as its sidecar would have reported it, as far as it has no gap.

    `before` is what earlier attempts wrote, which this one may have gone on from. None where nothing can be told: then that still stands.
    """
    begins_at = chunks[0].begins_at if chunks else 0
    known = before if begins_at and before is not None else Continuation(output=Output())
    text, thinking, calls = [known.output.text], [known.output.thinking], list[ToolCall]()
    end, tokens = len(text[0]) + len(thinking[0]), 0
    for chunk in chunks:
        if (chunk.begins_at, chunk.offset) != (begins_at, end):
            break
        text.append(chunk.text)
        thinking.append(chunk.thinking)
        calls += chunk.tool_calls
        end, tokens = end + len(chunk.text) + len(chunk.thinking), max(tokens, chunk.tokens)
    if end <= begins_at and not calls:
        return None
    return AttemptOutcome(
        attempt_id=attempt.id,
        task_id=attempt.task_id,
        agent_id=attempt.agent_id,
        instance=attempt.instance,
        status=OutcomeStatus.FAILED,
        output=Output(text="".join(text), thinking="".join(thinking), tool_calls=tuple(calls)),
        begins_at=begins_at,
        usage=known.usage.model_copy(update={"completion_tokens": known.usage.completion_tokens + tokens}),
    )
