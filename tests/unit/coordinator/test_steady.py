"""A leader's hour follows the seconds that pass, not what its host's clock is set to."""

import time
from datetime import UTC, datetime, timedelta

import pytest

from coordinator.leading.steady import apart, steady_time

BEGAN = datetime(2026, 1, 1, 12, tzinfo=UTC)


def test_it_begins_where_postgresql_is_and_goes_on_by_seconds() -> None:
    seconds = iter((100.0, 100.0, 107.5))
    now = steady_time(BEGAN, lambda: next(seconds))
    assert [now(), now()] == [BEGAN, BEGAN + timedelta(seconds=7.5)]


@pytest.mark.parametrize(("seconds", "is_so"), [(0.4, False), (-0.4, False), (1.5, True), (-3600, True)])
def test_clocks_are_apart_by_more_than_a_question_takes(seconds: float, *, is_so: bool) -> None:
    assert apart(BEGAN + timedelta(seconds=seconds), BEGAN) is is_so


@pytest.mark.skipif(not hasattr(time, "CLOCK_BOOTTIME"), reason="Linux's")
def test_the_hours_that_the_machine_slept_have_passed(monkeypatch: pytest.MonkeyPatch) -> None:
    """Else a laptop's hive would be hours behind from the first night on."""
    slept = {time.CLOCK_BOOTTIME: 0.0}
    monkeypatch.setattr(time, "clock_gettime", lambda clock: 100.0 + slept.get(clock, 0.0))
    now = steady_time(BEGAN)
    slept[time.CLOCK_BOOTTIME] = 3600.0
    assert now() == BEGAN + timedelta(hours=1)
