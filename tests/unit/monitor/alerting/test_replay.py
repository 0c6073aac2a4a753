"""When a rule would have fired, over a past that the test writes."""

from datetime import datetime, timedelta

import pytest

from bus.errors import InvalidRequest
from bus.messages.alerts import AlertRule, DryRun
from monitor.alerting.dry_run import span
from monitor.alerting.replay import Point, firings
from monitor.alerting.rules import ready
from tests.unit.monitor.alerting.scene import NOON, rule

MINUTE = timedelta(minutes=1)


def at(minutes: float) -> datetime:
    return NOON + minutes * MINUTE


def course(*values: float | None) -> list[Point]:
    """One a minute; None: nothing was measured."""
    return [(at(minute), {"cpu_usage": value}) for minute, value in enumerate(values) if value is not None]


def tried(written: AlertRule, *values: float | None, since: float = 0) -> list[tuple[datetime, datetime | None]]:
    (one,) = ready({"rule": written})
    found = firings(one, "acacia", course(*values), every=MINUTE, since=at(since), before=at(len(values)))
    return [(firing.fired_at, firing.resolved_at) for firing in found]


def test_each_time_that_it_holds_is_a_firing_with_its_end() -> None:
    assert tried(rule("cpu_usage > 85"), 10, 90, 95, 20, 30, 99) == [(at(1), at(3)), (at(5), None)]


def test_windows_for_durations_and_cooldowns_are_those_of_the_watch() -> None:
    assert tried(rule("cpu_usage > 85", for_seconds=120), 90, 90, 90, 10, 90, 90) == [(at(2), at(3))]
    assert tried(rule("cpu_usage > 85", cooldown=240), 90, 10, 90, 10, 90, 90) == [(at(0), at(1)), (at(4), None)]
    assert tried(rule("avg(cpu_usage, 120) >= 60"), 0, 90, 90, 90, 0) == [(at(2), None)]


def test_an_agent_of_which_nothing_was_measured_was_not_available() -> None:
    assert tried(rule("agent_available == false"), 1, 1, None, None, None, 1, 1) == [(at(3), at(5))]
    assert tried(rule("agent_available == false"), 1, 1, None, 1) == []


def test_what_fired_before_and_still_held_is_told_and_what_was_over_is_not() -> None:
    assert tried(rule("cpu_usage > 85"), 90, 10, 90, 90, 10, since=3) == [(at(2), at(4))]


def test_a_span_is_a_day_unless_it_is_said_and_a_week_at_most() -> None:
    asked = DryRun(rule=rule("cpu_usage > 85"))
    assert span(asked, NOON) == (NOON - timedelta(days=1), NOON)
    for wrong in ({"since": NOON - timedelta(days=8)}, {"since": NOON + MINUTE}, {"since": NOON, "before": NOON}):
        with pytest.raises(InvalidRequest):
            span(asked.model_copy(update=wrong), NOON)
