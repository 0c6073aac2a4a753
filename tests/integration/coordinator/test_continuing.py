"""What an attempt wrote before it ended goes with the next offer, whoever leads by then."""

from datetime import timedelta
from uuid import UUID

import pytest

from bus.messages import Continuation, DispatchOffer, OutcomeStatus, Output, TaskRecord, ToolCall, Usage
from coordinator.agents.agent import OpenAttempt
from coordinator.agents.registry import Lost
from coordinator.leading.inputs import AgentDied, Tick
from coordinator.leading.loading import load_requests
from coordinator.store.database import Statements
from coordinator.store.rows import record_from
from tests.integration.coordinator.turns import Leader, told

WRITTEN, USED = Output(text="Once upon a"), Usage(prompt_tokens=4, completion_tokens=3)
STORY = '{"prompt":"Tell a story."}'


async def begun(leader: Leader, body: str = STORY) -> OpenAttempt:
    await leader.agent()
    [(attempt, offer)] = (await leader.turn(await leader.submitted(body=body))).offers
    assert offer.continue_from is None
    return attempt


async def again(leader: Leader) -> tuple[OpenAttempt, DispatchOffer]:
    """The next attempt, once the pause after a failure is over."""
    leader.later += timedelta(minutes=1)
    [(attempt, offer)] = (await leader.turn(Tick())).offers
    return attempt, offer


async def record(leader: Leader, task_id: UUID) -> TaskRecord:
    return record_from(await Statements(leader.connection).one("get_task", task_id, None))


async def test_a_preempted_task_waits_again_and_goes_on_from_its_words(leader: Leader) -> None:
    attempt = await begun(leader)
    yielded = await leader.reported(attempt, OutcomeStatus.PREEMPTED, output=WRITTEN, usage=USED)
    followup = await leader.turn(yielded)  # nothing more urgent waits any more, so it gets its slot back
    [(second, offer)] = followup.offers
    assert offer.continue_from == Continuation(output=WRITTEN, usage=USED)
    assert [told(fact.subject) for fact in followup.facts] == ["preempted", "queued", "assigned"]
    found = await record(leader, attempt.task_id)
    assert (found.output, found.max_attempts, second.number) == (WRITTEN, 3, 2)
    assert [each.status for each in found.attempts] == ["preempted", "offered"]
    assert leader.state.live[attempt.task_id].attempts_allowed == 4


async def test_so_does_one_whose_backend_stalled(leader: Leader) -> None:
    attempt = await begun(leader)
    await leader.turn(await leader.reported(attempt, OutcomeStatus.FAILED, output=WRITTEN, usage=USED))
    _, offer = await again(leader)
    assert offer.continue_from == Continuation(output=WRITTEN, usage=USED)


async def test_a_new_leader_offers_the_same_words_again(leader: Leader) -> None:
    attempt = await begun(leader)
    followup = await leader.turn(await leader.reported(attempt, OutcomeStatus.PREEMPTED, output=WRITTEN, usage=USED))
    [(_, offer)] = followup.offers
    [(_, left)] = (await load_requests(Statements(leader.connection), [attempt.task_id])).values()
    assert left == offer.continue_from


async def test_what_was_written_is_kept_when_the_next_host_dies_with_the_attempt(leader: Leader) -> None:
    attempt = await begun(leader)
    followup = await leader.turn(await leader.reported(attempt, OutcomeStatus.PREEMPTED, output=WRITTEN, usage=USED))
    [(second, _)] = followup.offers
    agent = leader.state.registry.agents["acacia"]
    leader.state.registry.close(second.id)
    [(_, offer)] = (await leader.turn(AgentDied(Lost(agent, agent.status, "one", (second,), "the power went")))).offers
    assert offer.continue_from == Continuation(output=WRITTEN, usage=USED)


async def test_an_attempt_that_went_on_and_added_nothing_is_followed_by_one_that_begins_anew(leader: Leader) -> None:
    attempt = await begun(leader)
    followup = await leader.turn(await leader.reported(attempt, OutcomeStatus.PREEMPTED, output=WRITTEN, usage=USED))
    [(second, _)] = followup.offers
    failed = await leader.reported(second, OutcomeStatus.FAILED, output=WRITTEN, begins_at=len(WRITTEN.text))
    await leader.turn(failed)
    _, offer = await again(leader)
    assert offer.continue_from is None
    assert [each.begins_at for each in (await record(leader, attempt.task_id)).attempts] == [0, len(WRITTEN.text), 0]


@pytest.mark.parametrize(
    "output",
    [Output(thinking="Hm."), Output(text="Let me see.", tool_calls=(ToolCall(name="look"),)), Output()],
    ids=["a thought", "a call of a tool", "nothing"],
)
async def test_what_cannot_be_gone_on_from_is_written_anew(leader: Leader, output: Output) -> None:
    attempt = await begun(leader)
    followup = await leader.turn(await leader.reported(attempt, OutcomeStatus.PREEMPTED, output=output, usage=USED))
    [(_, offer)] = followup.offers
    assert offer.continue_from is None


async def test_an_answer_of_a_given_form_is_written_anew(leader: Leader) -> None:
    attempt = await begun(leader, body='{"prompt":"Name a colour.","options":{"format":"json"}}')
    written = Output(text='{"colour":')
    followup = await leader.turn(await leader.reported(attempt, OutcomeStatus.PREEMPTED, output=written, usage=USED))
    [(_, offer)] = followup.offers
    assert offer.continue_from is None


async def test_a_failed_task_keeps_what_its_last_attempt_wrote(leader: Leader) -> None:
    attempt = await begun(leader)
    failed = await leader.reported(attempt, OutcomeStatus.FAILED, output=WRITTEN, retryable=False)
    await leader.turn(failed)
    found = await record(leader, attempt.task_id)
    assert (found.status, found.output) == ("failed", WRITTEN)
