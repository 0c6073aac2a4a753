"""From where the next attempt at a task goes on: from what the last one wrote, where that can be gone on from. Pure."""

from collections.abc import Sequence

from bus.errors import StreamInterrupted
from bus.messages import AttemptOutcome, Continuation, FailureInfo, OutcomeStatus, Output, OutputChunk, TaskRequest
from bus.messages.output import contents_of, output_from
from coordinator.agents.agent import OpenAttempt
from coordinator.tasks import Streaming, Task


def written(outcome: AttemptOutcome) -> Continuation | None:
    """What an attempt that did not complete leaves to the next one; None where that begins anew.

    A call of a tool is not gone on from, nor a thought that has not led to an answer, nor white space. And an attempt that went on, and
    failed before it wrote a word, may have failed over what it went on from.
    """
    output = outcome.output
    if not output.text.strip() or output.tool_calls or output.others:
        return None
    if outcome.status is OutcomeStatus.FAILED and outcome.begins_at and not added(outcome):
        return None
    return Continuation(output=Output(text=output.text, thinking=output.thinking), usage=outcome.usage)


def added(outcome: AttemptOutcome) -> int:
    """Units that the attempt itself wrote of its output."""
    return sum(content.units for content in contents_of(outcome.output)) - outcome.begins_at


def continuation(request: TaskRequest, left: Continuation | None) -> Continuation | None:
    """What the offer carries. An answer of a given form is written anew: its grammar begins with the first character."""
    return left if request.can_go_on else None


def broken_off(task: Task, outcome: AttemptOutcome) -> FailureInfo | None:
    """StreamInterrupted where somebody has seen output that no other attempt can go on from; None where another may be tried."""
    if task.streaming is Streaming.NOT or not _is_seen(outcome.output):
        return None
    if task.streaming is Streaming.GOES_ON and written(outcome) is not None:
        return None
    why = "" if outcome.error is None else f" ({outcome.error.code}: {outcome.error.message})"
    message = f"The answer broke off{why}, and what was sent of it already cannot be gone on with. Ask again."
    return FailureInfo(code=StreamInterrupted.code, message=message)


def _is_seen(output: Output) -> bool:
    """White space is nothing yet: doors keep what a stream begins with until a word follows."""
    return any(
        content.thinking or content.text.strip() or content.tool_calls or content.embeddings for content in contents_of(output)
    )


def pieced_together(attempt: OpenAttempt, chunks: Sequence[OutputChunk], before: Continuation | None) -> AttemptOutcome | None:
    """What a host that died had sent of an attempt, as its sidecar would have reported it, as far as it has no gap.

    `before` is what earlier attempts wrote, which this one may have gone on from. None where nothing can be told: then that still stands.
    """
    begins_at = chunks[0].begins_at if chunks else 0
    known = before if begins_at and before is not None else Continuation(output=Output())
    found, end = list[OutputChunk](), len(known.output.text) + len(known.output.thinking)
    for chunk in chunks:
        if (chunk.begins_at, chunk.offset) != (begins_at, end):
            break
        found.append(chunk)
        end += chunk.units
    if end <= begins_at:
        return None
    written_tokens = known.usage.completion_tokens + max(chunk.tokens for chunk in found)
    return AttemptOutcome(
        attempt_id=attempt.id,
        task_id=attempt.task_id,
        agent_id=attempt.agent_id,
        instance=attempt.instance,
        status=OutcomeStatus.FAILED,
        output=output_from(known.output, found),
        begins_at=begins_at,
        usage=known.usage.model_copy(update={"completion_tokens": written_tokens}),
    )
