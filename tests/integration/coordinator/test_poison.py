"""What cannot become work: a failed task that says why, and nothing that waits behind it."""

import asyncio
import json
import random
from uuid import uuid4

import pytest
from structlog.testing import capture_logs

from bus import subjects
from bus.messages import FailureInfo, ListTasks, TaskList, TaskRecord, TaskStatus
from tests.integration.coordinator.conftest import Hive


async def refused(hive: Hive, body: bytes, task_id: object = None, **more: str) -> TaskRecord:
    """The dead letter that it becomes."""
    await hive.publish(body, str(task_id or uuid4()), **more)
    async with asyncio.timeout(10):
        while not (dead := (await hive.ask("list", ListTasks(dead_letters=True), TaskList)).tasks):
            await asyncio.sleep(0.02)
    return dead[0]


def error_of(record: TaskRecord) -> FailureInfo:
    assert record.error is not None
    return record.error


@pytest.mark.parametrize(
    ("body", "code", "words"),
    [
        (b"not json", "invalid_json", "not valid JSON"),
        (b"\xff\xfe", "invalid_json", "not valid JSON"),
        (b'{"prompt":"hi","promt":1}', "invalid_request", "`promt` is not a field"),
        (b'{"prompt":"a\\u0000b"}', "invalid_request", "U+0000"),
        (b'{"prompt":"hi","metadata":{"a":1e5000}}', "invalid_request", "metadata"),
        (b'{"prompt":"hi","model":"nobody-has-this"}', "unknown_model", "nobody-has-this"),
    ],
)
async def test_a_poison_message_becomes_a_failed_task_that_says_why_and_holds_nothing_up(
    hive: Hive, body: bytes, code: str, words: str
) -> None:
    sidecar = await hive.sidecar("acacia")
    task_id = uuid4()
    record = await refused(hive, body, task_id)
    assert (record.id, error_of(record).code) == (task_id, code)
    assert words in error_of(record).message
    good = await hive.submit()
    await sidecar.complete(await sidecar.offered())
    assert (await hive.ended(good)).status is TaskStatus.COMPLETED


async def test_a_failed_task_is_in_the_log_by_its_id_and_trace_and_without_its_text(hive: Hive) -> None:
    with capture_logs() as logs:
        record = await refused(hive, b'{"prompt":"of no concern to a log","model":"nobody-has-this"}')
    [told] = [entry for entry in logs if entry["event"] == "task_failed"]
    assert (told["task_id"], told["code"], told["log_level"]) == (str(record.id), "unknown_model", "info")
    assert "concern" not in str(told)


async def test_a_bad_id_becomes_a_failed_task_with_an_id_of_its_own(hive: Hive) -> None:
    record = await refused(hive, b'{"prompt":"hi"}', "not-a-uuid")
    assert error_of(record).code == "invalid_id"
    assert "not-a-uuid" in error_of(record).message


async def test_what_is_no_tenant_is_refused(hive: Hive) -> None:
    assert error_of(await refused(hive, b'{"prompt":"hi"}', tenant="Umbrella")).code == "invalid_subject"


async def test_what_hive_ignores_in_a_request_cannot_hurt(hive: Hive) -> None:
    """Fields of a tool call that Hive does not know, with what PostgreSQL refuses, or would give back unreadable."""
    sidecar = await hive.sidecar("acacia")
    for odd in ("\\u0000", "a"):
        call = '{"name":"f","odd":"' + odd + '","number":1e5000}'
        body = '{"messages":[{"role":"assistant","tool_calls":[' + call + "]}]}"
        task_id = uuid4()
        await hive.publish(body.encode(), task_id)
        offer = await sidecar.offered()
        assert offer.messages is not None
        assert offer.messages[0].tool_calls[0].name == "f"
        await sidecar.complete(offer)
        assert (await hive.ended(task_id)).status is TaskStatus.COMPLETED


async def test_odd_headers_hold_nothing_up(hive: Hive) -> None:
    sidecar = await hive.sidecar("acacia")
    task_id = uuid4()
    await hive.publish(b'{"prompt":"hi"}', task_id, owner="a\x00da", body_hash="\x00")
    await sidecar.complete(await sidecar.offered())
    assert (await hive.ended(task_id)).owner == "a�da"


async def test_a_header_too_long_for_an_index_holds_nothing_up(hive: Hive) -> None:
    sidecar = await hive.sidecar("acacia")
    task_id = uuid4()
    await hive.publish(b'{"prompt":"hi"}', task_id, owner=random.Random(1).randbytes(4000).hex())
    await sidecar.complete(await sidecar.offered())
    assert len((await hive.ended(task_id)).owner) == 255


@pytest.mark.slow
async def test_a_batch_with_a_report_that_postgresql_refuses_loses_only_that_report(hive: Hive) -> None:
    """The one thing of a report that is stored as it is: a code is a word of Hive's own, until somebody sends another."""
    sidecar = await hive.sidecar("acacia", slots=3)
    before, bad, after = [await hive.submit(max_attempts=1) for _ in range(3)]
    offers = {offer.task_id: offer for offer in [await sidecar.offered() for _ in range(3)]}
    async with hive.held_up():
        await sidecar.complete(offers[before])
        await sidecar.fail(offers[bad], code="a\x00b")
        await sidecar.complete(offers[after])
        await hive.all_is_read(subjects.OUTCOMES)
    assert [(await hive.ended(task_id)).status for task_id in (before, after)] == [TaskStatus.COMPLETED] * 2
    record = await hive.ended(bad)
    assert error_of(record).code == "attempts_exhausted"
    assert "could not be stored" in error_of(record).message


@pytest.mark.slow
async def test_a_batch_with_a_submit_that_postgresql_refuses_loses_only_that_submit(hive: Hive) -> None:
    """No request that is understood is refused today, so a rule that the record does not have yet stands for one."""
    await hive.leading()
    await hive.sql("ALTER TABLE tasks ADD CHECK (coalesce(title, '') <> 'odd' OR status = 'failed')")
    sidecar = await hive.sidecar("acacia", slots=3)
    async with hive.held_up():
        before, bad, after = await hive.submit(), await hive.submit(title="odd"), await hive.submit()
        await hive.all_is_read()
    for _ in range(3):
        await sidecar.complete(await sidecar.offered())
    assert [(await hive.ended(task_id)).status for task_id in (before, after)] == [TaskStatus.COMPLETED] * 2
    record = await hive.ended(bad)
    assert error_of(record).code == "invalid_request"
    assert "PostgreSQL refuses" in error_of(record).message


async def test_what_was_read_does_not_stay_on_the_stream(hive: Hive) -> None:
    sidecar = await hive.sidecar("acacia")
    await hive.publish(b"not json", uuid4())
    task_id = await hive.submit()
    await sidecar.complete(await sidecar.offered())
    await hive.ended(task_id)
    async with asyncio.timeout(10):
        for stream, subject in ((subjects.TASKS, subjects.submits_of_task("*")), (subjects.OUTCOMES, subjects.ALL_OUTCOMES)):
            while await hive.bus.last(stream, subject) is not None:
                await asyncio.sleep(0.02)
    assert json.loads((await hive.sql("SELECT positions FROM leadership"))[0]["positions"])["medium"] > 0


async def test_a_report_that_cannot_be_read_fails_its_attempt_and_not_the_task(hive: Hive) -> None:
    """Its subject still says which attempt has ended; else it would be offered again for ever, with nobody to count."""
    sidecar = await hive.sidecar("acacia")
    task_id = await hive.submit()
    offer = await sidecar.offered()
    sidecar.running.discard(offer.attempt_id)
    subject = subjects.outcome("acacia", offer.task_id, offer.attempt_id)
    await hive.bus.publish_durable(subject, b"not json", message_id=str(offer.attempt_id))
    again = await sidecar.offered()
    assert (again.task_id, again.number) == (task_id, 2)
    await sidecar.complete(again)
    record = await hive.ended(task_id)
    assert record.status is TaskStatus.COMPLETED
    assert [(a.status, a.error and a.error.code) for a in record.attempts] == [("failed", "backend_error"), ("completed", None)]
