"""An outcome is told until somebody wrote it down: only then may the attempt be forgotten, and the output be called ended.

The leader is told first, and answers when it has committed it. Where none leads, or its answer does not come, the stream keeps the
outcome for the leader that comes (docs/adr/0018).
"""

import asyncio

from bus import subjects, telemetry
from bus.client import MAX_MESSAGE_BYTES, Bus
from bus.codec import encode
from bus.errors import HiveError, PayloadTooLarge
from bus.messages import AttemptOutcome, FailureInfo, OutcomeStatus, Output, OutputChunk

logger = telemetry.log(__name__)

ANSWER_SECONDS = 1.0
"""A leader that commits answers within milliseconds. One that takes longer has lost its database, or hangs."""
FIRST_PAUSE_SECONDS = 0.2
LONGEST_PAUSE_SECONDS = 5.0
MOST_BYTES = 16 * 1024 * 1024
"""Of reports that wait: four of the largest, thousands of the usual."""


MOST_REPORT_BYTES = MAX_MESSAGE_BYTES - 64 * 1024
"""The text of an output is bounded before; what stands beside it, such as a backend's `context`, is not."""


class Reports:
    """The reports of one agent that nobody has acknowledged yet."""

    def __init__(self, bus: Bus) -> None:
        self._bus = bus
        self._bytes = 0

    @property
    def full(self) -> bool:
        """Whether so many wait that no more work may begin: they are held in memory for as long as the bus is away or full."""
        return self._bytes > MOST_BYTES

    async def tell(self, outcome: AttemptOutcome) -> None:
        """Returns once it is acknowledged."""
        data = encode(outcome)
        if len(data) > MOST_REPORT_BYTES:
            outcome = _without_output(outcome, len(data))
            data = encode(outcome)
        self._bytes += len(data)
        try:
            await report(self._bus, outcome, data)
        finally:
            self._bytes -= len(data)


def _without_output(outcome: AttemptOutcome, size: int) -> AttemptOutcome:
    """What the bus does not take would be told for ever, and its task would hang."""
    message = f"The backend's answer has {size:,} bytes, and {MOST_REPORT_BYTES:,} are the most. Ask for less at once."
    error = FailureInfo(code=PayloadTooLarge.code, message=message)
    changes = {"status": OutcomeStatus.FAILED, "output": Output(), "begins_at": 0, "error": error, "retryable": False}
    return outcome.model_copy(update=changes)


async def report(bus: Bus, outcome: AttemptOutcome, data: bytes) -> None:
    """Returns once the outcome, encoded in `data`, is committed, or kept by the stream, however long the bus is away."""
    if await _is_committed(bus, outcome, data):
        return
    subject = subjects.outcome(outcome.agent_id, outcome.task_id, outcome.attempt_id)
    pause = FIRST_PAUSE_SECONDS
    while True:
        try:
            await bus.publish_durable(subject, data, message_id=str(outcome.attempt_id))
            return
        except HiveError as error:
            logger.warning("outcome_not_acknowledged", attempt_id=str(outcome.attempt_id), reason=error.message)
        await asyncio.sleep(pause)
        pause = min(LONGEST_PAUSE_SECONDS, pause * 2)


async def _is_committed(bus: Bus, outcome: AttemptOutcome, data: bytes) -> bool:
    """By the leader's word. Without it the outcome may be told twice; its attempt's row decides once."""
    subject = subjects.report(outcome.agent_id, outcome.task_id, outcome.attempt_id)
    try:
        await bus.request_raw(subject, data, timeout=ANSWER_SECONDS, patient=False)
    except HiveError as error:
        logger.debug("outcome_not_committed", attempt_id=str(outcome.attempt_id), reason=error.message)
        return False
    return True


async def publish_chunk(bus: Bus, subject: str, chunk: OutputChunk) -> None:
    """A reader that misses it finds everything in the record."""
    try:
        await bus.publish(subject, chunk)
    except HiveError as error:
        logger.debug("output_not_sent", subject=subject, reason=error.message)
