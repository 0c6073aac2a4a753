"""The guard on a real Valkey decides as in memory, knows of what other doors saw, and goes on alone while it is away."""

import random
from pathlib import Path

import pytest

from bus.errors import TooManyAttempts
from bus.guarding.guard import AWAY_SECONDS, Guard
from bus.guarding.memory import MemoryFailures
from bus.guarding.pace import PACE, Pace
from bus.guarding.redis import RedisFailures
from tests.parts.valkey import ValkeyServer


async def test_the_script_decides_as_the_pure_one(valkey_url: str) -> None:
    clock, chance = [1_000_000.0], random.Random(11)
    pace = Pace(free=3, first_seconds=1, most_seconds=20, remembered_seconds=3600)  # Redis forgets by its own clock
    memory, shared = MemoryFailures(pace, lambda: clock[0]), RedisFailures(valkey_url, pace, lambda: clock[0])
    names = [("a",), ("b",), ("a", "a.x", "x"), ("b", "b.x", "x"), ("c", "c.x", "x"), ("b", "b.y", "y")]
    begun = refused = 0
    for _ in range(400):
        chosen = chance.choice(names)
        expected, number = await memory.begin(chosen)
        found, same_number = await shared.begin(chosen)
        assert (found, same_number) == (pytest.approx(expected, abs=0.002), number), chosen
        begun, refused = begun + (expected == 0), refused + (expected > 0)
        if expected == 0 and chance.random() < 0.3:
            await memory.take_back(chosen)
            await shared.take_back(chosen)
        clock[0] += chance.choice([0, 0.5, 2.25])
    assert min(begun, refused) > 50
    await shared.close()


async def test_doors_know_of_each_other_and_guess_alone_while_it_is_away(tmp_path: Path) -> None:
    server, clock, ticks = ValkeyServer(tmp_path), [1_000_000.0], [0.0]
    server.start()
    one, other = (Guard(server.url, now=lambda: clock[0], ticks=lambda: ticks[0]) for _ in range(2))
    try:
        for guard in (one, other) * (PACE.free // 2):
            await guard.begin("login", "10.0.0.1")
        for guard in (one, other):
            with pytest.raises(TooManyAttempts):
                await guard.begin("login", "10.0.0.1")
        server.kill()
        for _ in range(PACE.free):
            await one.begin("login", "10.0.0.1")
        with pytest.raises(TooManyAttempts):
            await one.begin("login", "10.0.0.1")
        server.start()
        ticks[0] += AWAY_SECONDS
        await one.begin("login", "10.0.0.1")
    finally:
        server.kill()
        await one.close()
        await other.close()
