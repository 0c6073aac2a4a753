"""Guessing is slow, whoever guesses; who got in does not count; and nobody is kept out by what others do elsewhere."""

import pytest

from bus.errors import TooManyAttempts
from bus.guarding.guard import Attempt, Guard, network_of
from bus.guarding.pace import PACE

HERE, THERE = "10.0.0.1", "10.0.0.2"


class Clock:
    def __init__(self) -> None:
        self.now = 1_000_000.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def guard(clock: Clock) -> Guard:
    return Guard(None, now=clock)


async def wait_of(guard: Guard, address: str, account: str | None = None) -> int:
    with pytest.raises(TooManyAttempts) as refused:
        await guard.begin("login", address, account)
    assert refused.value.retry_after_seconds is not None
    return refused.value.retry_after_seconds


async def fail(guard: Guard, times: int, address: str, account: str | None = None) -> None:
    for _ in range(times):
        await guard.begin("login", address, account)


async def test_after_the_free_ones_each_wait_is_twice_the_one_before(guard: Guard, clock: Clock) -> None:
    await fail(guard, PACE.free, HERE)
    waits = []
    for _ in range(10):
        waits.append(await wait_of(guard, HERE))
        clock.now += waits[-1]
        await fail(guard, 1, HERE)
    assert waits == [1, 2, 4, 8, 16, 32, 64, 128, 256, 300]
    await guard.begin("login", THERE)


async def test_what_is_refused_does_not_make_the_wait_longer(guard: Guard, clock: Clock) -> None:
    await fail(guard, PACE.free, HERE)
    assert [await wait_of(guard, HERE) for _ in range(100)] == [1] * 100
    clock.now += 1
    await guard.begin("login", HERE)


async def test_failures_are_forgotten_when_it_was_quiet_for_a_while(guard: Guard, clock: Clock) -> None:
    await fail(guard, PACE.free, HERE)
    clock.now += PACE.forgotten_after(PACE.free)
    await fail(guard, PACE.free, HERE)


async def test_who_gets_in_does_not_count_and_forgives_nobody_elses_guesses(guard: Guard) -> None:
    for _ in range(3 * PACE.free):
        await guard.succeeded(await guard.begin("login", HERE, "anna"))
    await fail(guard, PACE.free - 1, HERE, "ben")
    await guard.succeeded(await guard.begin("login", HERE, "anna"))
    await fail(guard, 1, HERE, "ben")
    await wait_of(guard, HERE, "anna")


async def test_many_addresses_at_one_account_are_slowed_together(guard: Guard) -> None:
    for number in range(PACE.free):
        await guard.begin("login", f"10.0.1.{number}", "anna")
    assert await wait_of(guard, "10.0.1.0", "anna") == 1
    await guard.begin("login", "10.0.1.0", "ben")


async def test_who_is_guessed_at_gets_in_from_elsewhere(guard: Guard, clock: Clock) -> None:
    for number in range(1000):
        await guard.begin("login", f"10.{number // 250}.3.{number % 250}", "anna")
    await guard.succeeded(await guard.begin("login", THERE, "anna"))
    await guard.succeeded(await guard.begin("login", THERE, "anna"))


async def test_each_failure_that_was_looked_at_is_told(clock: Clock) -> None:
    told: list[Attempt] = []

    async def hear(attempt: Attempt) -> None:
        told.append(attempt)

    guard = Guard(None, told=hear, now=clock)
    assert await guard.begin_if_suspect("webhook", HERE) is None
    await guard.failed(await guard.begin("webhook", HERE, "orders"))
    assert (told[0].address, told[0].account, told[0].failures) == (HERE, "orders", 1)
    assert await guard.begin_if_suspect("webhook", HERE) is not None


async def test_addresses_of_one_ipv6_network_are_counted_together(guard: Guard) -> None:
    for number in range(PACE.free):
        await guard.begin("login", f"2001:db8:0:7::{number:x}", "anna")
    assert await wait_of(guard, "2001:db8:0:7:ffff::1", "anna") == 1
    await guard.begin("login", "2001:db8:0:8::1", "anna")
    await guard.failed(Attempt(door="key", address="2001:db8:0:7::1"))
    assert await guard.begin_if_suspect("key", "2001:db8:0:7::2") is not None
    assert network_of("::ffff:10.0.0.1") == HERE
    assert [network_of(odd) for odd in ("", "unix:", "fe80::1%eth0")] == ["", "unix:", "fe80::/64"]
