"""Places are locks of a session: what becomes of them when PostgreSQL ends it."""

import asyncio
from collections.abc import AsyncIterator
from uuid import uuid4

import asyncpg
import pytest

from workflow.running.limits import Limits, Place

WORKFLOW = uuid4()
OTHERS = "SELECT pg_terminate_backend(pid, 10000) FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid()"


@pytest.fixture
async def nemesis(database_url: str) -> AsyncIterator[asyncpg.Connection]:
    connection = await asyncpg.connect(database_url)
    yield connection
    await connection.close()


async def taken(limits: Limits, number: int) -> Place:
    async with asyncio.timeout(30):
        while (found := await limits.take_numbered(WORKFLOW, number)) is None:
            await asyncio.sleep(0.01)
    return found


async def test_a_place_that_another_took_meanwhile_is_no_longer_ours(database_url: str, nemesis: asyncpg.Connection) -> None:
    mine, others = Limits(database_url), Limits(database_url)
    place = await taken(mine, 0)
    assert await mine.holds(place)
    await nemesis.execute(OTHERS)
    theirs = await taken(others, 0)
    assert not await mine.holds(place)
    await taken(mine, 1)  # with a session of its own again
    assert not await mine.holds(place)
    await mine.give_back(place)
    assert await others.holds(theirs), "what was lost is not given back"
    await others.give_back(theirs)
    assert await mine.holds(await taken(mine, 0)), "it can be taken again"
    mine.close()
    others.close()


async def test_a_place_that_was_taken_again_with_a_new_session_was_not_held_without_a_break(
    database_url: str, nemesis: asyncpg.Connection
) -> None:
    mine, others = Limits(database_url), Limits(database_url)
    place = await taken(mine, 0)
    await nemesis.execute(OTHERS)
    await taken(mine, 1)
    assert await others.take_numbered(WORKFLOW, 0) is None, "whoever runs in it keeps it"
    assert not await mine.holds(place), "somebody else may have had it"
    await mine.give_back(place)
    await taken(others, 0)
    mine.close()
    others.close()


async def test_places_can_be_given_back_while_they_are_taken_again(database_url: str, nemesis: asyncpg.Connection) -> None:
    mine = Limits(database_url)
    places = [await taken(mine, number) for number in range(200)]
    await nemesis.execute(OTHERS)
    again = asyncio.create_task(taken(mine, 500))
    backs = []
    for place in places:
        backs.append(asyncio.create_task(mine.give_back(place)))
        await nemesis.fetchval("SELECT 1")  # as long as it takes for one of them
    await asyncio.gather(again, *backs)
    other = Limits(database_url)
    assert all([await other.take_numbered(WORKFLOW, number) for number in range(200)])
    mine.close()
    other.close()
