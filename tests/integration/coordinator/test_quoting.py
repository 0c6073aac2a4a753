"""A task that quotes what those that it depends on answered: whoever is leader reads the same, and nobody reads what is another's."""

import json
from typing import Any
from uuid import UUID, uuid4

from bus.messages import TaskStatus
from bus.quoting import quote
from tests.integration.coordinator.conftest import Hive

SAID = 'a "quoted" answer, with {{output:x}} and \\ in it'


async def quoting(hive: Hive, *task_ids: UUID, **more: Any) -> UUID:
    text = "Review: " + " and ".join(map(quote, task_ids))
    return await hive.submit(text, depends_on=[str(task_id) for task_id in task_ids], **more)


async def test_what_a_dependency_answers_is_in_the_prompt_of_who_waits_for_it(hive: Hive) -> None:
    sidecar = await hive.sidecar("acacia", slots=2)
    first, second = await hive.submit(), await hive.submit()
    waiting = await quoting(hive, first, second)
    for _ in range(2):
        offer = await sidecar.offered()
        await sidecar.complete(offer, SAID if offer.task_id == first else "more")
    offer = await sidecar.offered()
    assert (offer.task_id, offer.prompt) == (waiting, f"Review: {SAID} and more")
    await sidecar.complete(offer)
    assert (await hive.ended(waiting)).prompt == f"Review: {SAID} and more"


async def test_it_may_have_been_answered_before(hive: Hive) -> None:
    sidecar = await hive.sidecar("acacia")
    first = await hive.submit()
    await sidecar.complete(await sidecar.offered(), SAID)
    await hive.ended(first)
    message = {"role": "user", "content": f"Review: {quote(first)}"}
    await hive.publish(json.dumps({"messages": [message], "depends_on": [str(first)]}).encode(), uuid4())
    offer = await sidecar.offered()
    assert offer.messages is not None
    assert offer.messages[0].content == f"Review: {SAID}"


async def test_a_leader_that_dies_after_the_answer_changes_nothing(idle_hive: Hive) -> None:
    hive = idle_hive
    leader = hive.start_coordinator()
    sidecar = await hive.sidecar("acacia")
    first = await hive.submit()
    waiting = await quoting(hive, first)
    offer = await sidecar.offered()
    await hive.reaches(waiting, TaskStatus.PENDING)
    await hive.stop(leader)
    await sidecar.complete(offer, SAID)
    hive.start_coordinator()
    assert (await sidecar.offered()).prompt == f"Review: {SAID}"


async def test_the_next_attempt_reads_the_same(hive: Hive) -> None:
    """Though the answer itself says what would be a quote."""
    sidecar = await hive.sidecar("acacia")
    first = await hive.submit()
    waiting = await quoting(hive, first, max_attempts=1)
    said = f"{SAID} {quote(first)}"
    await sidecar.complete(await sidecar.offered(), said)
    await sidecar.fail(await sidecar.offered())
    await hive.ended(waiting)
    await hive.call("requeue", waiting)
    assert (await sidecar.offered()).prompt == f"Review: {said}"


async def test_what_failed_with_its_dependency_is_given_the_answer_when_both_are_tried_again(hive: Hive) -> None:
    sidecar = await hive.sidecar("acacia")
    first = await hive.submit(max_attempts=1)
    waiting = await quoting(hive, first)
    await hive.stored(waiting)
    await sidecar.fail(await sidecar.offered())
    await hive.ended(waiting)
    await hive.call("requeue", first)
    await sidecar.complete(await sidecar.offered(), SAID)
    await hive.reaches(first, TaskStatus.COMPLETED)
    await hive.call("requeue", waiting)
    assert (await sidecar.offered()).prompt == f"Review: {SAID}"


async def test_another_owners_answer_is_not_given_away(hive: Hive) -> None:
    sidecar = await hive.sidecar("acacia")
    first = await hive.submit(owner="anna")
    thief = await quoting(hive, first, owner="bert")
    third = await hive.submit("After it", depends_on=[str(thief)], owner="bert")
    await hive.stored(third)
    await sidecar.complete(await sidecar.offered(), "a secret")
    record = await hive.ended(thief)
    assert record.error is not None
    assert (record.error.code, str(first) in record.error.message) == ("dependency_failed", True)
    assert "a secret" not in str(record.prompt)
    late = await quoting(hive, first, owner="bert")
    assert (await hive.ended(late)).status is TaskStatus.FAILED
    assert (await hive.ended(third)).status is TaskStatus.FAILED


async def test_what_is_empty_with_the_answers_in_it_fails_and_nothing_else(hive: Hive) -> None:
    sidecar = await hive.sidecar("acacia")
    first = await hive.submit()
    waiting = await hive.submit(quote(first), depends_on=[str(first)])
    await hive.stored(waiting)
    await sidecar.complete(await sidecar.offered(), "")
    late = await hive.submit(quote(first), depends_on=[str(first)])
    for task_id in (waiting, late):
        record = await hive.ended(task_id)
        assert record.error is not None
        assert (record.error.code, "prompt" in record.error.message) == ("invalid_request", True)
    other = await hive.submit()
    assert (await sidecar.offered()).task_id == other


async def test_what_grows_beyond_all_bounds_is_refused_before_it_is_made(hive: Hive) -> None:
    sidecar = await hive.sidecar("acacia")
    first = await hive.submit()
    await sidecar.complete(await sidecar.offered(), "x" * 1_000_000)
    await hive.ended(first)
    record = await hive.ended(await hive.submit(quote(first) * 10_000, depends_on=[str(first)]))  # 10 GB
    assert record.error is not None
    assert record.error.code == "payload_too_large"
