"""An outcome is told until somebody wrote it down: only then may the attempt be forgotten, and the output be called ended."""

import asyncio

from bus import subjects, telemetry
from bus.client import Bus
from bus.errors import HiveError
from bus.messages import AttemptOutcome, OutputChunk

logger = telemetry.log(__name__)

FIRST_PAUSE_SECONDS = 0.2
LONGEST_PAUSE_SECONDS = 5.0


async def report(bus: Bus, outcome: AttemptOutcome) -> None:
    """Returns once the outcome is acknowledged, however long the bus is away."""
    subject = subjects.outcome(outcome.agent_id, outcome.task_id, outcome.attempt_id)
    data = outcome.model_dump_json(exclude_none=True).encode()
    pause = FIRST_PAUSE_SECONDS
    while True:
        try:
            await bus.publish_durable(subject, data, message_id=str(outcome.attempt_id))
            return
        except HiveError as error:
            logger.warning("outcome_not_acknowledged", attempt_id=str(outcome.attempt_id), reason=error.message)
        await asyncio.sleep(pause)
        pause = min(LONGEST_PAUSE_SECONDS, pause * 2)


async def publish_chunk(bus: Bus, subject: str, chunk: OutputChunk) -> None:
    """A reader that misses it finds everything in the record."""
    try:
        await bus.publish(subject, chunk)
    except HiveError as error:
        logger.debug("output_not_sent", subject=subject, reason=error.message)
