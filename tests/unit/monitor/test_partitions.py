"""Which partitions are made and which are dropped."""

from datetime import UTC, datetime, timedelta
from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from monitor.partitions import AHEAD, Series, expired, wanted

DAY = timedelta(days=1)
moments = st.datetimes(datetime(2020, 1, 1), datetime(2090, 1, 1), timezones=st.just(UTC))


def series(width: int = 1, keep: float | None = 3, back: float = 0.05) -> Series:
    return Series(table="t", width=width * DAY, back=timedelta(days=back), keep=None if keep is None else timedelta(days=keep))


@given(moments, st.sampled_from([1, 30]), st.floats(0, 3))
def test_all_that_may_be_written_has_its_place_without_gaps(now: datetime, width: int, back: float) -> None:
    found = wanted(series(width, back=back), now)
    assert found[0].begin <= now - timedelta(days=back)
    assert found[-1].end > now + AHEAD * width * DAY
    assert all(one.end == other.begin for one, other in pairwise(found))
    assert len({each.name for each in found}) == len(found)


@given(moments, moments, st.sampled_from([1, 30]), st.floats(0, 100))
def test_what_is_dropped_holds_nothing_that_is_kept_and_nothing_older_stays(
    then: datetime, now: datetime, width: int, keep: float
) -> None:
    cut = series(width, keep)
    there = wanted(cut, then)
    dropped = set(expired(cut, [each.name for each in there], now))
    for each in there:
        assert (each.name in dropped) == (each.end <= now - timedelta(days=keep))


def test_for_ever_means_that_nothing_is_dropped_and_strange_names_never_are() -> None:
    late = datetime(2090, 1, 1, tzinfo=UTC)
    assert expired(series(keep=None), ["t_20200101"], late) == []
    assert expired(series(), ["t_20200101", "t_default", "other_20200101", "t_minutes_20200101"], late) == ["t_20200101"]
