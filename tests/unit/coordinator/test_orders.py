"""What stands ordered about an agent, beside its own word."""

import pytest

from bus.messages import AgentStatus
from bus.messages.orders import StandingDrain
from coordinator.agents.orders import Orders, relabelled
from coordinator.agents.registry import Registry
from tests.unit.coordinator.parts import NOON, attempt, heartbeat, registration

DRAIN = StandingDrain(since=NOON, by="ada", reason="the fan is replaced")
ONLINE, DRAINING, DEGRADED, OFFLINE = AgentStatus.ONLINE, AgentStatus.DRAINING, AgentStatus.DEGRADED, AgentStatus.OFFLINE


@pytest.fixture
def registry() -> Registry:
    """With `acacia`, which its own settings put into the basement."""
    made = Registry()
    made.register(registration(labels={"site": "basement"}), 10, NOON)
    return made


@pytest.mark.parametrize(
    ("told", "shown"), [(ONLINE, DRAINING), (DEGRADED, DRAINING), (DRAINING, DRAINING), (OFFLINE, OFFLINE)]
)
def test_a_drain_holds_whatever_the_sidecar_says_unless_nobody_is_there(told: AgentStatus, shown: AgentStatus) -> None:
    assert Orders(drain=DRAIN).shown(told, None)[0] is shown
    assert Orders(maintenance="maintenance").shown(told, None)[0] is shown
    assert Orders().shown(told, "hot") == (told, "hot")


def test_a_person_s_drain_outlasts_a_window_of_maintenance() -> None:
    both = Orders(drain=DRAIN, maintenance="maintenance: cables")
    assert both.hold == "drained by ada: the fan is replaced"
    assert Orders(maintenance="maintenance: cables").hold == "maintenance: cables"


def test_a_drained_agent_stays_so_through_heartbeats_and_a_new_sidecar_until_it_is_resumed(registry: Registry) -> None:
    acacia = registry.agents["acacia"]
    acacia.order(Orders(drain=DRAIN), NOON)
    assert registry.heartbeat(heartbeat(), 11, NOON) is None
    assert (acacia.status, acacia.reason) == (DRAINING, "drained by ada: the fan is replaced")
    registry.disconnected("one", 12)
    assert acacia.status is OFFLINE
    registry.register(registration(instance="two"), 14, NOON)
    assert acacia.status is DRAINING
    acacia.order(Orders(), NOON)
    assert (acacia.status, acacia.reason) == (ONLINE, None)


def test_a_resumed_agent_is_as_its_sidecar_says(registry: Registry) -> None:
    acacia = registry.agents["acacia"]
    acacia.order(Orders(drain=DRAIN), NOON)
    registry.heartbeat(heartbeat(status=DEGRADED, reason="its backend hangs"), 11, NOON)
    acacia.order(Orders(), NOON)
    assert (acacia.status, acacia.reason) == (DEGRADED, "its backend hangs")


def test_a_draining_agent_shows_when_it_is_empty(registry: Registry) -> None:
    acacia, running = registry.agents["acacia"], attempt()
    registry.take(running)
    acacia.order(Orders(drain=DRAIN), NOON)
    assert (acacia.record().drained, acacia.record().drain) == (False, DRAIN)
    registry.close(running.id)
    assert acacia.record().drained
    acacia.order(Orders(), NOON)
    assert not acacia.record().drained


def test_an_order_about_an_agent_that_is_away_does_not_make_it_present(registry: Registry) -> None:
    list(registry.deaths(60))
    acacia = registry.agents["acacia"]
    acacia.order(Orders(drain=DRAIN), NOON)
    assert acacia.status is OFFLINE


def test_given_labels_count_before_declared_ones_which_come_back_when_they_are_taken_back(registry: Registry) -> None:
    acacia = registry.agents["acacia"]
    acacia.order(Orders(labels={"site": "attic", "quiet": "yes"}), NOON)
    assert acacia.traits.labels == {"site": "attic", "quiet": "yes"}
    registry.register(registration(labels={"site": "cellar", "rack": "3"}), 11, NOON)
    assert acacia.traits.labels == {"site": "attic", "quiet": "yes", "rack": "3"}
    acacia.order(Orders(), NOON)
    assert acacia.record().labels == {"site": "cellar", "rack": "3"}


def test_labels_are_changed_one_by_one_or_all_together() -> None:
    given = {"site": "attic", "quiet": "yes"}
    assert relabelled(given, {"quiet": None, "rack": "3"}, replace=False) == {"site": "attic", "rack": "3"}
    assert relabelled(given, {"rack": "3"}, replace=True) == {"rack": "3"}
    assert relabelled(given, {"never": None}, replace=False) == given
