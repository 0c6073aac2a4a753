"""Failures in Redis, so that all doors of a hive know of them. A script decides, since many attempts at once are one way to guess fast.

It keeps to bus/guarding/pace.py; tests hold the two against each other.
"""

from collections.abc import Callable, Sequence
from time import time
from typing import Final

import redis.asyncio as redis

from bus.guarding.pace import Pace

ANSWER_SECONDS: Final = 0.5
PREFIX: Final = "hive:guard:"

_PACE: Final = """
local now, free, first, most, kept = tonumber(ARGV[1]), tonumber(ARGV[2]), tonumber(ARGV[3]), tonumber(ARGV[4]), tonumber(ARGV[5])
local function wait(number)
    if number < free then return 0 end
    return math.min(most, first * 2 ^ math.min(number - free, 32))
end
local function of(key)
    local found = redis.call('HMGET', key, 'number', 'until')
    return tonumber(found[1] or '0') or 0, tonumber(found[2] or '0') or 0
end
local function keep(key, number, till, seconds)
    redis.call('HSET', key, 'number', number, 'until', string.format('%.3f', till))
    if seconds then redis.call('PEXPIRE', key, math.ceil(seconds * 1000)) end
end
"""
_BEGIN: Final = (
    _PACE
    + """
local numbers, counting, longest = {}, #KEYS, 0
for i, key in ipairs(KEYS) do numbers[i] = of(key) end
if #KEYS > 2 and numbers[2] == 0 then counting = 2 end
for i = 1, counting do
    local _, till = of(KEYS[i])
    longest = math.max(longest, till - now)
end
if longest > 0 then return {string.format('%.3f', longest), numbers[1]} end
for i, key in ipairs(KEYS) do
    local number = numbers[i] + 1
    keep(key, number, now + wait(number), wait(number) + kept)
end
return {'0', numbers[1] + 1}
"""
)
_TAKE_BACK: Final = (
    _PACE
    + """
for _, key in ipairs(KEYS) do
    local number, till = of(key)
    if number <= 1 then redis.call('DEL', key) else keep(key, number - 1, math.min(till, now + wait(number - 1))) end
end
return 0
"""
)


class RedisFailures:
    """Raises whatever Redis's client raises while it is away. `now` is in seconds since the epoch."""

    def __init__(self, url: str, pace: Pace, now: Callable[[], float] = time) -> None:
        self._redis = redis.Redis.from_url(url, socket_timeout=ANSWER_SECONDS, socket_connect_timeout=ANSWER_SECONDS)
        self._pace, self._now = pace, now
        self._begin, self._take_back = self._redis.register_script(_BEGIN), self._redis.register_script(_TAKE_BACK)

    async def begin(self, names: Sequence[str]) -> tuple[float, int]:
        """As MemoryFailures."""
        seconds, number = await self._begin(keys=_keys(names), args=self._arguments())
        return float(seconds), int(number)

    async def take_back(self, names: Sequence[str]) -> None:
        await self._take_back(keys=_keys(names), args=self._arguments())

    def _arguments(self) -> list[float]:
        pace = self._pace
        return [self._now(), pace.free, pace.first_seconds, pace.most_seconds, pace.remembered_seconds]

    async def close(self) -> None:
        await self._redis.aclose()


def _keys(names: Sequence[str]) -> list[str]:
    return [PREFIX + name for name in names]
