"""Gaps in dispatch and the time until lost work begins again, from histories whose times are known."""

from uuid import uuid4

import pytest

from tests.chaos.history import Acknowledged, Entry, FaultBegan, GenerationBegan, GenerationEnded, RequestFailed
from tests.chaos.report import Gap, again, costs, gaps, in_hand


def acknowledged(op: str, asked_at: float) -> Entry:
    """Some time after the client had asked for it."""
    return Acknowledged(op=op, task_id=uuid4(), asked_at=asked_at, at=asked_at + 5)


def began(name: str, at: float, agent_id: str = "s1", number: int = 1) -> GenerationBegan:
    return GenerationBegan(name=name, agent_id=agent_id, number=number, at=at)


def ended(name: str, at: float, number: int = 1) -> GenerationEnded:
    return GenerationEnded(name=name, agent_id="s1", number=number, whole=True, at=at)


def test_no_dispatch_while_nothing_waits_is_no_gap() -> None:
    assert gaps([acknowledged("a", 1.0), began("a", 1.0), began("b", 9.0), acknowledged("b", 9.0)]) == []


def test_a_gap_begins_when_work_begins_to_wait() -> None:
    assert gaps([acknowledged("a", 1.0), began("a", 1.0), acknowledged("b", 4.0), began("b", 9.0)]) == [Gap(4.0, 9.0)]


def test_a_gap_begins_with_the_last_dispatch_when_work_waited_before() -> None:
    history = [acknowledged("b", 0.5), began("a", 1.0), acknowledged("a", 0.0), began("b", 9.0)]
    assert Gap(1.0, 9.0) in gaps(history)


def test_work_that_waits_is_seen_through_the_dispatch_of_other_work() -> None:
    history = [began("a", 1.0), acknowledged("late", 2.0), began("b", 3.0), began("c", 7.0), began("late", 8.0)]
    assert sorted(gaps(history)) == [Gap(2.0, 3.0), Gap(3.0, 7.0), Gap(7.0, 8.0)]


def test_only_what_the_victim_had_in_hand_is_counted_as_begun_again() -> None:
    fault = FaultBegan(fault="kill -9", role="sidecar", victim="s1", at=5.0)
    history: list[Entry] = [
        began("held", 4.0),
        ended("held", 5.1),
        began("done", 3.0),
        ended("done", 4.0),
        began("other", 4.0, agent_id="s2"),
        fault,
        began("held", 6.5, agent_id="s2", number=2),
        began("other", 6.6, agent_id="s3", number=2),
    ]
    assert [held.name for held in in_hand(history, "s1", 5.0)] == ["held"]
    assert again(history, fault) == [pytest.approx(1.5)]


def test_costs_count_for_the_fault_before_them() -> None:
    history: list[Entry] = [
        RequestFailed(op="x", request="submit", why="early", at=0.5),
        began("a", 1.0),
        FaultBegan(fault="kill -9", role="leader", victim="coordinator-1", at=2.0),
        acknowledged("b", 2.5),
        RequestFailed(op="b", request="submit", why="ReadError", at=2.6),
        began("b", 4.0),
        FaultBegan(fault="pause", role="nats", victim="nats", at=10.0),
    ]
    found = costs(history)
    assert found["before any fault"].failed == {"early": 1}
    assert found["kill -9: leader"].longest_gap == pytest.approx(1.5)
    assert found["kill -9: leader"].failed == {"ReadError": 1}
    assert found["pause: nats"].longest_gap == 0
