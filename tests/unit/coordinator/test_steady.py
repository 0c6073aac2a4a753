"""A leader's hour follows the seconds that pass, not what its host's clock is set to."""

from datetime import UTC, datetime, timedelta

from coordinator.leading.steady import steady_time

BEGAN = datetime(2026, 1, 1, 12, tzinfo=UTC)


def test_it_begins_where_postgresql_is_and_goes_on_by_seconds() -> None:
    seconds = iter((100.0, 100.0, 107.5))
    now = steady_time(BEGAN, lambda: next(seconds))
    assert [now(), now()] == [BEGAN, BEGAN + timedelta(seconds=7.5)]
