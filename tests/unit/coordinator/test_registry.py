"""Who is there: registration, heartbeats, silence and notices, with the time passed in."""

import pytest

from bus.errors import Conflict
from bus.messages import AgentStatus, ModelInfo, Timings, Usage
from coordinator.agents.agent import OpenAttempt
from coordinator.agents.registry import GRACE_SECONDS, SILENCE_SECONDS, UNSEEN_SECONDS, Registry
from coordinator.scheduling.speed import Speed
from tests.unit.coordinator.parts import COLD, NOON, WARM, attempt, heartbeat, registration


@pytest.fixture
def registry() -> Registry:
    """With `acacia`, registered and heard at second 10."""
    made = Registry()
    made.register(registration(), 10, NOON)
    return made


def running(registry: Registry, **more: object) -> OpenAttempt:
    taken = attempt(**more)  # type: ignore[arg-type]
    registry.take(taken)
    return taken


def dead(registry: Registry, seconds: float) -> list[str]:
    return [lost.agent.agent_id for lost in registry.deaths(seconds)]


def test_a_new_agent_is_online_and_its_models_are_known(registry: Registry) -> None:
    acacia = registry.agents["acacia"]
    assert (acacia.status, acacia.slots, acacia.models) == (AgentStatus.ONLINE, 1, (WARM,))
    assert registry.knows_model(WARM.name)
    assert not registry.knows_model("llama3")


def test_an_agent_of_the_record_is_offline_until_it_is_heard() -> None:
    registry = Registry()
    registry.remember(registration(), NOON, None)
    assert registry.agents["acacia"].status is AgentStatus.OFFLINE
    change = registry.heartbeat(heartbeat(), 1, NOON)
    assert change is not None
    assert (change.previous, change.agent.status) == (AgentStatus.OFFLINE, AgentStatus.ONLINE)


def test_a_heartbeat_brings_status_slots_and_models(registry: Registry) -> None:
    change = registry.heartbeat(heartbeat(status=AgentStatus.DEGRADED, reason="hot", slots=3, models=(COLD,)), 11, NOON)
    acacia = registry.agents["acacia"]
    assert change is not None
    assert (acacia.status, acacia.reason, acacia.slots, acacia.models) == (AgentStatus.DEGRADED, "hot", 3, (COLD,))
    assert registry.heartbeat(heartbeat(status=AgentStatus.DEGRADED), 12, NOON) is None
    assert acacia.models == (COLD,)


def test_an_agent_that_takes_work_again_is_asked_at_once(registry: Registry) -> None:
    acacia = registry.agents["acacia"]
    registry.heartbeat(heartbeat(status=AgentStatus.DEGRADED), 11, NOON)
    acacia.refuse(2.0, 11)
    registry.heartbeat(heartbeat(), 11.6, NOON)
    assert (acacia.free_slots(11.6), acacia.refusals) == (1, 0)


def test_a_heartbeat_of_one_that_was_online_all_along_ends_no_pause(registry: Registry) -> None:
    acacia = registry.agents["acacia"]
    acacia.refuse(2.0, 11)
    registry.heartbeat(heartbeat(), 11.6, NOON)
    assert (acacia.free_slots(11.6), acacia.full_until) == (0, 13.0)


@pytest.mark.parametrize("stranger", [heartbeat("birch"), heartbeat(instance="two")])
def test_who_has_not_introduced_itself_is_not_heard(registry: Registry, stranger: object) -> None:
    with pytest.raises(KeyError):
        registry.heartbeat(stranger, 12, NOON)  # type: ignore[arg-type]
    assert registry.agents["acacia"].heard_at == 10


def test_a_model_that_was_ever_offered_stays_known(registry: Registry) -> None:
    registry.heartbeat(heartbeat(models=(ModelInfo(name="llama3:latest"),)), 11, NOON)
    registry.heartbeat(heartbeat(models=()), 12, NOON)
    assert all(registry.knows_model(name) for name in (WARM.name, "llama3", "llama3:latest"))


def test_silence_ends_an_agent_and_its_attempts(registry: Registry) -> None:
    taken = running(registry)
    assert dead(registry, 10 + SILENCE_SECONDS - 0.01) == []
    registry.heartbeat(heartbeat(status=AgentStatus.DEGRADED), 10, NOON)
    [lost] = registry.deaths(10 + SILENCE_SECONDS)
    assert (lost.previous, lost.instance, lost.attempts) == (AgentStatus.DEGRADED, "one", (taken,))
    assert (registry.agents["acacia"].status, registry.open) == (AgentStatus.OFFLINE, {})
    assert dead(registry, 60) == []


def test_a_notice_ends_an_agent_after_its_grace(registry: Registry) -> None:
    registry.disconnected("one", 10.5)
    registry.disconnected("one", 11)
    assert dead(registry, 10.5 + GRACE_SECONDS - 0.01) == []
    assert dead(registry, 10.5 + GRACE_SECONDS) == ["acacia"]


def test_a_notice_shows_an_agent_offline_at_once_and_leaves_its_attempts_their_grace(registry: Registry) -> None:
    taken = running(registry)
    [change] = registry.disconnected("one", 10.5)
    assert (change.agent.agent_id, change.previous, change.agent.status) == ("acacia", AgentStatus.ONLINE, AgentStatus.OFFLINE)
    assert registry.disconnected("one", 10.6) == []
    assert (dead(registry, 10.9), taken.id in registry.open) == ([], True)
    [lost] = registry.deaths(10.5 + GRACE_SECONDS)
    assert (lost.previous, lost.attempts) == (AgentStatus.OFFLINE, (taken,))


def test_an_instance_that_comes_back_within_its_grace_keeps_its_attempts(registry: Registry) -> None:
    taken = running(registry)
    registry.disconnected("one", 10.5)
    change = registry.heartbeat(heartbeat(running=(taken.id,)), 11, NOON)
    assert change is not None
    assert (change.previous, change.agent.status) == (AgentStatus.OFFLINE, AgentStatus.ONLINE)
    assert dead(registry, 12) == []
    assert taken.id in registry.open


def test_a_notice_about_an_instance_that_is_not_there_any_more_ends_nobody(registry: Registry) -> None:
    registry.disconnected("an older one", 10.5)
    assert dead(registry, 12) == []


def test_while_the_leader_is_deaf_nobody_grows_silent(registry: Registry) -> None:
    registry.everybody_was_heard(20)
    assert dead(registry, 20 + SILENCE_SECONDS - 0.01) == []
    assert dead(registry, 20 + SILENCE_SECONDS) == ["acacia"]


def test_after_the_leader_was_deaf_the_grace_of_a_notice_begins_anew(registry: Registry) -> None:
    registry.disconnected("one", 10.5)
    registry.everybody_was_heard(20)
    assert dead(registry, 20 + GRACE_SECONDS - 0.01) == []
    assert dead(registry, 20 + GRACE_SECONDS) == ["acacia"]


def test_a_second_living_sidecar_of_the_same_agent_is_refused(registry: Registry) -> None:
    taken = running(registry)
    with pytest.raises(Conflict, match="Another sidecar"):
        registry.register(registration(instance="two"), 10.2, NOON)
    assert registry.agents["acacia"].instance == "one"
    assert taken.id in registry.open


@pytest.mark.parametrize("noticed", [True, False])
def test_a_sidecar_that_was_started_again_takes_over_and_its_old_attempts_are_lost(registry: Registry, noticed: bool) -> None:
    taken = running(registry)
    if noticed:
        registry.disconnected("one", 10.1)
    lost = registry.register(registration(instance="two", models=(COLD,)), 10.2 if noticed else 12, NOON)
    assert lost is not None
    assert (lost.instance, lost.attempts) == ("one", (taken,))
    acacia = registry.agents["acacia"]
    assert (acacia.instance, acacia.status, acacia.attempts) == ("two", AgentStatus.ONLINE, {})


def test_the_same_instance_may_introduce_itself_again_and_keeps_its_attempts(registry: Registry) -> None:
    taken = running(registry)
    lost = registry.register(registration(slots=4), 10.2, NOON)
    assert (lost, registry.agents["acacia"].slots) == (None, 4)
    assert taken.id in registry.open


def test_an_agent_that_is_back_does_not_say_why_it_was_away(registry: Registry) -> None:
    list(registry.deaths(20))
    registry.register(registration(instance="two"), 21, NOON)
    assert (registry.agents["acacia"].status, registry.agents["acacia"].record().status_reason) == (AgentStatus.ONLINE, None)


def test_an_attempt_takes_a_slot_until_it_is_closed(registry: Registry) -> None:
    acacia, taken = registry.agents["acacia"], running(registry)
    assert acacia.free_slots(10) == 0
    assert registry.close(taken.id) is taken
    assert acacia.free_slots(10) == 1
    assert registry.close(taken.id) is None


def test_an_accepted_attempt_that_heartbeats_do_not_name_is_unseen(registry: Registry) -> None:
    named, unnamed = running(registry, at=10), running(registry, at=10)
    running(registry, at=10, accepted=False)
    registry.heartbeat(heartbeat(running=(named.id,)), 12, NOON)
    assert registry.unseen(10 + UNSEEN_SECONDS - 0.01) == []
    assert registry.unseen(10 + UNSEEN_SECONDS) == [unnamed]


def test_what_an_agent_runs_and_nobody_waits_for_is_a_stranger(registry: Registry) -> None:
    known, stranger = running(registry), attempt()
    assert list(registry.strangers(heartbeat(running=(known.id, stranger.id)))) == [stranger.id]


def test_speeds_are_smoothed_and_what_is_not_told_changes_nothing() -> None:
    speed = Speed()
    speed.learn(Timings(generation_tokens_per_second=10, load_seconds=4), Usage(completion_tokens=100))
    speed.learn(Timings(generation_tokens_per_second=20, load_seconds=0.1), Usage())
    assert speed.generation_rate == pytest.approx(13)
    assert (speed.prompt_rate, speed.load_seconds, speed.completion_tokens) == (None, 4, 100)
