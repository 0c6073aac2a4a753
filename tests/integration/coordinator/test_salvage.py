"""A host that died without a word left what it had sent: the next attempt goes on from that, whoever leads by then."""

import pytest

from bus import subjects
from bus.messages import DispatchOffer, OutputChunk
from coordinator.leading import salvage
from tests.integration.coordinator.conftest import Hive
from tests.parts.scripted_sidecar import ScriptedSidecar


@pytest.fixture(autouse=True)
def patient(monkeypatch: pytest.MonkeyPatch) -> None:
    """What is tested is what becomes of what was read, and not how quick this machine is."""
    monkeypatch.setattr(salvage, "SALVAGE_SECONDS", 10.0)


async def say(
    sidecar: ScriptedSidecar, offer: DispatchOffer, text: str, offset: int, *, tokens: int, begins_at: int = 0
) -> None:
    chunk = OutputChunk(number=offer.number, offset=offset, text=text, tokens=tokens, begins_at=begins_at)
    subject = subjects.output(sidecar.agent_id, offer.task_id, offer.attempt_id)
    await sidecar.bus.publish(subject, chunk)
    await sidecar.bus.flush()


async def begun(hive: Hive, **asked: object) -> tuple[ScriptedSidecar, DispatchOffer]:
    """A host that has said `Once upon`, in two pieces."""
    dying = await hive.distant_sidecar("acacia")
    await hive.submit(**asked)
    offer = await dying.offered()
    assert offer.continue_from is None
    await say(dying, offer, "Once", 0, tokens=1)
    await say(dying, offer, " upon", 4, tokens=2)
    return dying, offer


def left(offer: DispatchOffer) -> tuple[str, int]:
    assert offer.continue_from is not None
    return offer.continue_from.output.text, offer.continue_from.usage.completion_tokens


async def test_the_next_host_goes_on_from_what_a_dead_one_said(hive: Hive) -> None:
    dying, offer = await begun(hive)
    other = await hive.sidecar("birch")
    await dying.lose_connection()
    again = await other.offered()
    assert left(again) == ("Once upon", 2)
    await other.complete(again, "Once upon a time")
    record = await hive.ended(offer.task_id)
    assert [attempt.status.value for attempt in record.attempts] == ["lost", "completed"]


async def test_so_does_the_one_after_that(hive: Hive) -> None:
    dying, _ = await begun(hive)
    second = await hive.distant_sidecar("birch")
    await dying.lose_connection()
    offer = await second.offered()
    await say(second, offer, " a", 9, tokens=1, begins_at=9)
    third = await hive.sidecar("cedar")
    await second.lose_connection()
    assert left(await third.offered()) == ("Once upon a", 3)
    record = await hive.call("get", offer.task_id)
    assert [attempt.begins_at for attempt in record.attempts] == [0, 9, 0]


async def test_so_does_a_sidecar_that_was_started_again(hive: Hive) -> None:
    dying, _ = await begun(hive)
    await dying.lose_connection()
    new = await hive.sidecar("acacia")
    assert left(await new.offered()) == ("Once upon", 2)


async def test_a_host_that_dies_while_nobody_leads_is_gone_on_from_by_the_next_leader(idle_hive: Hive) -> None:
    hive = idle_hive
    first = hive.start_coordinator()
    dying, _ = await begun(hive)
    other = await hive.sidecar("birch")
    await hive.stop(first)
    hive.coordinators.remove(first)
    await dying.lose_connection()
    hive.start_coordinator()
    assert left(await other.offered(seconds=20)) == ("Once upon", 2)


async def test_an_output_that_cannot_be_read_in_time_holds_nothing_up(hive: Hive, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(salvage, "SALVAGE_SECONDS", 0.0)
    dying, _ = await begun(hive)
    other = await hive.sidecar("birch")
    await dying.lose_connection()
    assert (await other.offered()).continue_from is None


async def test_what_somebody_reads_as_it_is_written_is_read_for_longer(hive: Hive, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(salvage, "SALVAGE_SECONDS", 0.0)
    dying, _ = await begun(hive, streamed=True)
    other = await hive.sidecar("birch")
    await dying.lose_connection()
    assert left(await other.offered()) == ("Once upon", 2)


async def test_hosts_that_die_while_they_write_cost_none_of_the_attempts(hive: Hive) -> None:
    dying, offer = await begun(hive, max_attempts=2)
    for number, name in enumerate(("birch", "cedar"), 1):
        following = await hive.distant_sidecar(name)
        await dying.lose_connection()
        dying, offer = following, await following.offered()
        await say(dying, offer, " a", 7 + 2 * number, tokens=1, begins_at=7 + 2 * number)
    last = await hive.sidecar("date")
    await dying.lose_connection()
    again = await last.offered()
    assert left(again) == ("Once upon a a", 4)
    await last.complete(again, "Once upon a a time")
    record = await hive.ended(offer.task_id)
    assert [attempt.status.value for attempt in record.attempts] == ["lost", "lost", "lost", "completed"]


async def test_a_task_that_is_not_tried_again_keeps_what_its_dead_host_said(hive: Hive) -> None:
    dying = await hive.distant_sidecar("acacia")
    task_id = await hive.submit(max_attempts=1)
    offer = await dying.offered()
    await say(dying, offer, "Once", 0, tokens=1)
    await dying.lose_connection()
    record = await hive.ended(task_id)
    assert record.error is not None
    assert (record.error.code, record.output and record.output.text) == ("attempts_exhausted", "Once")


@pytest.mark.parametrize("choice", [-1, 10**9])
async def test_an_output_that_is_none_keeps_no_death_back(hive: Hive, choice: int) -> None:
    dying = await hive.distant_sidecar("acacia")
    await hive.submit()
    offer = await dying.offered()
    subject = subjects.output(dying.agent_id, offer.task_id, offer.attempt_id)
    await dying.bus.publish(subject, f'{{"number":1,"offset":0,"text":"Once","choice":{choice}}}'.encode())
    await dying.bus.flush()
    other = await hive.sidecar("birch")
    await dying.lose_connection()
    assert (await other.offered()).continue_from is None
