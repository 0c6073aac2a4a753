"""Silences that are planned, that windows of maintenance are, and what they cover; by a clock that the test moves."""

from datetime import timedelta
from uuid import uuid4

import pytest
from pydantic import ValidationError

from bus.errors import InvalidRequest
from bus.messages.alerts import AlertScope, AlertState, CreateSilence, Severity
from bus.messages.maintenance import MaintenancePhase, MaintenanceWindow
from monitor.alerting.maintenance import silences_of
from monitor.alerting.silences import planned
from tests.unit.monitor.alerting.scene import NOON, Scene, rule

FIRING, RESOLVED, SILENCED = AlertState.FIRING, AlertState.RESOLVED, AlertState.SILENCED
HOUR = timedelta(hours=1)
LABELS = {"acacia": {"rack": "2"}, "walnut": {"rack": "3"}}


def a_window(**more: object) -> MaintenanceWindow:
    window = {"id": uuid4(), "starts_at": NOON, "ends_at": NOON + HOUR, "reason": "a new card", "by": "ann", "created_at": NOON}
    return MaintenanceWindow.model_validate({**window, "phase": MaintenancePhase.UNDER_WAY, **more})


def test_a_host_under_maintenance_calls_nobody_though_it_is_down_and_others_do() -> None:
    scene = Scene()
    scene.silences = silences_of([a_window(agents=("acacia",))], LABELS, NOON)
    scene.hear("acacia", agent_available=False).hear("walnut", agent_available=False)
    told = {alert.entity: (alert.state, alert.reason) for alert in scene.judge()}
    assert told == {"acacia": (SILENCED, "silenced by ann: maintenance, a new card"), "walnut": (FIRING, None)}
    scene.silences = silences_of([a_window(agents=("acacia",))], LABELS, NOON + HOUR)
    scene.wait(3600).hear("acacia", agent_available=False).hear("walnut", agent_available=False)
    assert [(alert.entity, alert.state) for alert in scene.judge()] == [("acacia", FIRING)]


@pytest.mark.parametrize(
    ("window", "silenced"),
    [
        (a_window(labels={"rack": "2"}), {"acacia"}),
        (a_window(labels={"rack": "4"}), set()),
        (a_window(everything=True), {"acacia", "walnut", "high"}),
        (a_window(everything=True, phase=MaintenancePhase.CANCELLED), set()),
        (a_window(everything=True, starts_at=NOON + HOUR, ends_at=NOON + 2 * HOUR), set()),
    ],
)
def test_a_window_is_of_labels_or_of_everything_and_holds_in_its_time(window: MaintenanceWindow, silenced: set[str]) -> None:
    scene = Scene(down=rule("agent_available == false"), full=rule("waiting > 5", scope=AlertScope.QUEUE))
    scene.silences = silences_of([window], LABELS, NOON)
    scene.hear("acacia", agent_available=False).hear("walnut", agent_available=False).hear("high", AlertScope.QUEUE, waiting=9)
    assert {alert.entity for alert in scene.judge() if alert.state is SILENCED} == silenced


def test_a_silence_is_planned_and_holds_from_then_on() -> None:
    scene = Scene(hot=rule("cpu_usage > 85"))
    wish = CreateSilence(rule="hot", starts_at=NOON + HOUR, ends_at=NOON + 2 * HOUR, reason="a test of load")
    scene.silences = [planned(wish, "ann", NOON)]
    assert scene.hear(cpu_usage=90).states() == {"hot": FIRING}
    assert scene.wait(3600).hear(cpu_usage=90).states() == {"hot": SILENCED}
    assert scene.wait(3600).hear(cpu_usage=90).states() == {"hot": FIRING}


@pytest.mark.parametrize(
    ("named", "covered"),
    [
        ({"entity": "rack2-*"}, {"rack2-a"}),
        ({"entity": "rack?-*"}, set()),
        ({"rule": "h*t"}, {"rack2-a", "rack3-a"}),
        ({"rule": "h*t", "entity": "*3*"}, {"rack3-a"}),
        ({"scope": "agent"}, {"rack2-a", "rack3-a"}),
        ({"scope": "queue"}, set()),
        ({"severity": "critical"}, set()),
    ],
)
def test_a_silence_covers_what_fits_all_that_it_names(named: dict[str, str], covered: set[str]) -> None:
    scene = Scene(hot=rule("cpu_usage > 85", severity=Severity.WARNING))
    scene.silences = [planned(CreateSilence.model_validate({**named, "minutes": 5, "reason": "known"}), "ann", NOON)]
    scene.hear("rack2-a", cpu_usage=90).hear("rack3-a", cpu_usage=90)
    assert {alert.entity for alert in scene.judge() if alert.state is SILENCED} == covered


@pytest.mark.parametrize(
    "times",
    [
        {"ends_at": NOON - HOUR},
        {"starts_at": NOON + HOUR, "ends_at": NOON + HOUR},
        {"ends_at": NOON + timedelta(days=31)},
        {"starts_at": NOON + timedelta(days=400), "minutes": 5},
    ],
)
def test_a_time_that_is_no_use_is_refused(times: dict[str, object]) -> None:
    with pytest.raises(InvalidRequest):
        planned(CreateSilence.model_validate({"rule": "hot", "reason": "x", **times}), "ann", NOON)


def test_a_silence_names_something_and_ends_in_one_way() -> None:
    with pytest.raises(InvalidRequest, match="everything"):
        planned(CreateSilence(minutes=5, reason="x"), "ann", NOON)
    for ends in ({}, {"minutes": 5, "ends_at": NOON}):
        with pytest.raises(ValidationError, match="one of the two"):
            CreateSilence.model_validate({"rule": "hot", "reason": "x", **ends})
