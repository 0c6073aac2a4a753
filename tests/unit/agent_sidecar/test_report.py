"""Whom a sidecar tells how an attempt ended, and when it may forget it."""

import asyncio
from uuid import uuid4

import pytest

from agent_sidecar import report
from bus import subjects
from bus.client import Received
from bus.codec import encode
from bus.messages import AttemptOutcome, OutcomeStatus, Output
from bus.testing import InMemoryBus

WHAT = AttemptOutcome(
    attempt_id=uuid4(), task_id=uuid4(), agent_id="acacia", instance="one", status=OutcomeStatus.COMPLETED, retryable=False
)
SUBJECT = subjects.outcome(WHAT.agent_id, WHAT.task_id, WHAT.attempt_id)


async def kept(bus: InMemoryBus) -> bool:
    return await bus.last(subjects.OUTCOMES, SUBJECT) is not None


async def test_an_outcome_is_told_until_the_leader_has_committed_it() -> None:
    bus, heard = InMemoryBus(), list[Received]()
    await bus.collect(subjects.ALL_REPORTS, heard.append)
    telling = asyncio.create_task(report.report(bus, WHAT, encode(WHAT)))
    async with asyncio.timeout(5):
        while not heard:
            await asyncio.sleep(0)
    assert heard[0].decode(AttemptOutcome) == WHAT
    assert not telling.done()
    await bus.publish(heard[0].reply, b"")
    await telling
    assert not await kept(bus)


async def test_without_a_leader_the_stream_keeps_it() -> None:
    bus = InMemoryBus()
    await report.report(bus, WHAT, encode(WHAT))
    assert await kept(bus)


async def test_of_a_leader_that_does_not_answer_nothing_more_is_expected(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(report, "ANSWER_SECONDS", 0.05)
    bus, heard = InMemoryBus(), list[Received]()
    await bus.collect(subjects.ALL_REPORTS, heard.append)
    async with asyncio.timeout(5):
        await report.report(bus, WHAT, encode(WHAT))
    assert len(heard) == 1
    assert await kept(bus)


async def test_what_is_larger_than_the_bus_takes_ends_as_a_failure_that_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    """It would be told for ever, its task would hang, and the agent would in the end refuse all work."""
    monkeypatch.setattr(report, "MOST_REPORT_BYTES", 1000)
    bus = InMemoryBus()
    reports = report.Reports(bus)
    await reports.tell(WHAT.model_copy(update={"output": Output(text="no", context=tuple(range(10_000)))}))
    stored = await bus.last(subjects.OUTCOMES, SUBJECT)
    assert stored is not None
    told = stored.decode(AttemptOutcome)
    assert told.error is not None
    assert (told.status, told.error.code, told.retryable) == (OutcomeStatus.FAILED, "payload_too_large", False)
    assert not reports.full
