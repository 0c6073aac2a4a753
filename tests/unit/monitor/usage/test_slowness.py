"""The hint that a host became slower, tried on histories as hosts have them: by the hour, with noise, days and nights, and odd hours."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from random import Random

import pytest

from monitor.usage.slowness import LATELY, Hour, slow, slow_hosts

BEGIN = datetime(2026, 11, 1, tzinfo=UTC)
DAYS = 10
LOSS_AT = 7 * 24
HOSTS = 60


def history(chance: Random, *, noise: float, loss: float = 0.0, usual: float = 50.0) -> list[Hour]:
    """Ten days. Rates scatter by `noise` (a share, normal); by day there is more work, which slows a host by 4 %; one hour in fifty another
    program has the card; some hours have no work. From LOSS_AT on the host has lost `loss` of its speed.
    """
    found = []
    for number in range(DAYS * 24):
        busy = 8 <= number % 24 < 20
        if chance.random() < (0.05 if busy else 0.5):
            continue
        rate = usual * (1 - 0.04 * busy) * (1 + chance.gauss(0, noise))
        rate *= 0.5 if chance.random() < 0.02 else 1.0
        rate *= 1 - loss if number >= LOSS_AT else 1.0
        tokens = chance.randint(600, 60_000)
        found.append(Hour(BEGIN + timedelta(hours=number), tokens, tokens / max(rate, 1)))
    return found


def told(hours: list[Hour]) -> Iterator[tuple[datetime, bool]]:
    """As somebody who looked after each hour would have seen it."""
    for count in range(1, len(hours) + 1):
        yield hours[count - 1].at, slow("acacia", "llama3.2:3b", hours[:count]) is not None


@pytest.mark.parametrize("noise", [0.02, 0.05])
def test_a_host_that_lost_thirty_percent_is_found_within_hours_of_work(noise: float) -> None:
    chance = Random(1)
    for _ in range(HOSTS):
        hours = history(chance, noise=noise, loss=0.3)
        after = [found for at, found in told(hours) if at >= BEGIN + timedelta(hours=LOSS_AT)]
        first = after.index(True)
        assert first < 2 * LATELY
        assert sum(after[first : first + 24]) >= 22  # and stays found for as long as the history remembers better


@pytest.mark.parametrize(
    ("loss", "noise", "found"),
    [(0.12, 0.02, 2), (0.15, 0.02, 59), (0.18, 0.02, 60), (0.2, 0.02, 60), (0.15, 0.05, 32), (0.18, 0.05, 52), (0.2, 0.05, 57)],
)
def test_of_hosts_that_lost_little_as_many_are_found_as_is_said(loss: float, noise: float, found: int) -> None:
    """Of 60, within a day of hours with work (docs/performance.md)."""
    assert found_within_a_day(loss, noise) == found


def found_within_a_day(loss: float, noise: float) -> int:
    chance, number = Random(3), 0
    for _ in range(HOSTS):
        hours = history(chance, noise=noise, loss=loss)
        lost = next(at for at, hour in enumerate(hours) if hour.at >= BEGIN + timedelta(hours=LOSS_AT))
        number += any(slow("acacia", "llama3.2:3b", hours[:count]) for count in range(lost + 1, lost + 25))
    return number


@pytest.mark.parametrize("noise", [0.02, 0.05, 0.1])
def test_noise_days_and_nights_and_odd_hours_are_no_loss(noise: float) -> None:
    chance = Random(2)
    looks, false = 0, 0
    for _ in range(HOSTS):
        found = [result for _, result in told(history(chance, noise=noise))]
        looks, false = looks + len(found), false + sum(found)
    assert looks > 5_000
    assert false / looks < 0.001, (false, looks)


def test_one_slow_hour_is_none_and_a_new_host_has_no_history() -> None:
    steady = [Hour(BEGIN + timedelta(hours=n), 5_000, 100.0) for n in range(40)]
    odd = Hour(BEGIN + timedelta(hours=40), 5_000, 500.0)
    assert slow("acacia", "m", [*steady, odd]) is None
    assert slow("acacia", "m", [*steady, odd, odd, odd]) is not None
    assert slow("acacia", "m", [*steady[:20], odd, odd, odd]) is None


def test_hours_with_little_work_say_nothing() -> None:
    steady = [Hour(BEGIN + timedelta(hours=n), 5_000, 100.0) for n in range(40)]
    short = [Hour(BEGIN + timedelta(hours=40 + n), 20, 4.0) for n in range(10)]
    assert slow("acacia", "m", [*steady, *short]) is None


def test_each_agent_is_held_against_itself_with_each_model_and_the_worst_comes_first() -> None:
    def rows(agent: str, model: str, late: float) -> list[dict[str, object]]:
        seconds = [100.0] * 40 + [late] * 5
        return [
            {
                "agent_id": agent,
                "model": model,
                "hour": BEGIN + timedelta(hours=n),
                "tokens": 5_000,
                "generation_seconds": took,
            }
            for n, took in enumerate(seconds)
        ]

    found = slow_hosts([*rows("acacia", "a", 130.0), *rows("acacia", "b", 100.0), *rows("walnut", "a", 200.0)])
    assert [(host.agent_id, host.model, round(host.share, 2)) for host in found] == [
        ("walnut", "a", 0.5),
        ("acacia", "a", 0.77),
    ]
    assert "50 % less" in found[0].text
