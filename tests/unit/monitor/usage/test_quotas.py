"""When somebody is told that a quota nears its end: once at four fifths and once at the end, in each day or month."""

from datetime import UTC, datetime, timedelta

import pytest

from monitor.usage.quotas import share_to_tell
from tests.unit.bus.test_quotas import quota


@pytest.mark.parametrize(
    ("used", "told", "tell"),
    [(79, 0, None), (80, 0, 0.8), (99, 0.8, None), (100, 0.8, 1.0), (250, 0, 1.0), (250, 1.0, None)],
)
def test_each_share_is_told_once(used: float, told: float, tell: float | None) -> None:
    found = quota(used)
    assert share_to_tell(found, told, found.since) == tell


def test_what_was_told_yesterday_is_told_again_today() -> None:
    found = quota(85)
    assert share_to_tell(found, 0.8, found.since - timedelta(days=1)) == 0.8
    assert share_to_tell(found, 0.8, datetime(2020, 1, 1, tzinfo=UTC)) == 0.8
