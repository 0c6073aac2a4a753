"""Guessing is slow, whoever guesses, and whoever got in does not count."""

import pytest

from bus.errors import TooManyAttempts
from coordinator.gateway.attempts import ALTOGETHER, PER_ADDRESS, WINDOW_SECONDS, Attempts


class Clock:
    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now


def test_one_address_has_few_attempts_and_others_have_theirs() -> None:
    clock = Clock()
    attempts = Attempts(clock)
    for _ in range(PER_ADDRESS):
        attempts.begin("10.0.0.1")
    with pytest.raises(TooManyAttempts) as refused:
        attempts.begin("10.0.0.1")
    assert refused.value.retry_after_seconds == WINDOW_SECONDS
    attempts.begin("10.0.0.2")


def test_it_is_open_again_when_the_oldest_is_a_minute_old() -> None:
    clock = Clock()
    attempts = Attempts(clock)
    for _ in range(PER_ADDRESS):
        attempts.begin("10.0.0.1")
        clock.now += 1
    with pytest.raises(TooManyAttempts) as refused:
        attempts.begin("10.0.0.1")
    clock.now += refused.value.retry_after_seconds or 0
    attempts.begin("10.0.0.1")
    with pytest.raises(TooManyAttempts):
        attempts.begin("10.0.0.1")


def test_many_addresses_together_are_bounded_too() -> None:
    attempts = Attempts(Clock())
    for number in range(ALTOGETHER):
        attempts.begin(f"10.0.0.{number}")
    with pytest.raises(TooManyAttempts, match="all addresses"):
        attempts.begin("10.0.1.1")


def test_what_succeeded_counts_no_more() -> None:
    attempts = Attempts(Clock())
    for _ in range(3 * PER_ADDRESS):
        attempts.succeeded(attempts.begin("10.0.0.1"))
    begun = [attempts.begin("10.0.0.1") for _ in range(PER_ADDRESS)]
    attempts.succeeded(begun[4])
    attempts.begin("10.0.0.1")
    with pytest.raises(TooManyAttempts):
        attempts.begin("10.0.0.1")
