"""When a window of maintenance holds, and for whom."""

from uuid import uuid4

import pytest
from pydantic import ValidationError

from bus.messages.maintenance import MaintenancePhase, MaintenanceWindow, PlanMaintenance
from coordinator.agents.maintenance import covers, phase_of, rest
from tests.unit.coordinator.parts import NOON, after, agent


def window(**more: object) -> MaintenanceWindow:
    """From one minute after noon for an hour."""
    known: dict[str, object] = {"starts_at": after(60), "ends_at": after(3660), "reason": "cables", "by": "ada"}
    known |= {"id": uuid4(), "created_at": NOON, "phase": MaintenancePhase.PLANNED}
    return MaintenanceWindow.model_validate(known | more)


@pytest.mark.parametrize(
    ("seconds", "phase"),
    [
        (59.9, MaintenancePhase.PLANNED),
        (60, MaintenancePhase.UNDER_WAY),
        (3659.9, MaintenancePhase.UNDER_WAY),
        (3660, MaintenancePhase.ENDED),
    ],
)
def test_a_window_is_what_its_times_say(seconds: float, phase: MaintenancePhase) -> None:
    assert phase_of(window(), after(seconds)) is phase
    assert phase_of(window(cancelled_at=NOON), after(seconds)) is MaintenancePhase.CANCELLED


def test_a_window_is_for_those_it_names_those_with_all_its_labels_or_everybody() -> None:
    acacia = agent("acacia", labels={"site": "basement", "rack": "3"})
    assert covers(window(agents=("acacia",)), acacia)
    assert not covers(window(agents=("birch",)), acacia)
    assert covers(window(labels={"site": "basement", "rack": "3"}), acacia)
    assert not covers(window(labels={"site": "basement", "rack": "4"}), acacia)
    assert covers(window(everything=True), acacia)
    assert not covers(window(), acacia)


def test_an_agent_rests_while_a_window_holds_and_says_until_when_and_why() -> None:
    acacia = agent("acacia")
    short, long = window(agents=("acacia",)), window(everything=True, ends_at=after(7200), reason="a power cut")
    assert rest([short, long], acacia, after(59)) is None
    assert rest([short], acacia, after(60)) == "maintenance until 2025-07-06 13:01 UTC: cables"
    assert rest([short, long], acacia, after(60)) == "maintenance until 2025-07-06 14:00 UTC: a power cut"
    assert rest([short, long], agent("birch"), after(60)) == "maintenance until 2025-07-06 14:00 UTC: a power cut"
    assert rest([short], agent("birch"), after(60)) is None


@pytest.mark.parametrize(
    "wrong",
    [
        {},
        {"agents": ["acacia"], "everything": True},
        {"agents": ["acacia"], "starts_at": after(100), "ends_at": after(50)},
        {"agents": ["acacia"], "starts_at": NOON, "ends_at": after(31 * 86400)},
        {"agents": ["acacia"], "reason": ""},
        {"agents": ["acacia"], "ends_at": "2026-11-23T22:00:00"},
    ],
)
def test_what_is_no_window_is_refused(wrong: dict[str, object]) -> None:
    with pytest.raises(ValidationError):
        PlanMaintenance.model_validate({"ends_at": after(3600), "reason": "cables", **wrong})
