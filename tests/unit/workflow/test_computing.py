"""Owners share the threads in which nodes are computed: nobody's endless code holds up the others."""

import asyncio
from collections.abc import Iterator
from threading import Event

import pytest

from workflow.running.computing import MOST_SLOW, Computing


@pytest.fixture
def let_end() -> Iterator[Event]:
    """Ends what stands for code without an end, at the latest with the test."""
    event = Event()
    yield event
    event.set()


async def test_endless_code_gives_its_place_to_others_and_not_to_its_owner(let_end: Event) -> None:
    computing = Computing(1)
    endless = [asyncio.create_task(computing.run("anna", let_end.wait)) for _ in range(3)]
    async with asyncio.timeout(20):
        assert await asyncio.gather(*(computing.run("bo", str, number) for number in range(5))) == ["0", "1", "2", "3", "4"]
    own = asyncio.create_task(computing.run("anna", str, "own"))
    assert await computing.run("bo", str, "after") == "after"
    assert not own.done(), "hers wait for one another"
    let_end.set()
    async with asyncio.timeout(20):
        assert await asyncio.gather(*endless) == [True] * 3
        assert await own == "own"
    computing.close()


async def test_owners_take_turns() -> None:
    computing, first, order = Computing(1), Event(), list[str]()
    tasks = [asyncio.create_task(computing.run("anna", first.wait))]
    await asyncio.sleep(0)  # it has the one thread
    tasks += [asyncio.create_task(computing.run(owner, order.append, owner)) for owner in ("anna", "anna", "anna", "bo", "bo")]
    await asyncio.sleep(0)
    first.set()
    async with asyncio.timeout(20):
        await asyncio.gather(*tasks)
    assert order == ["anna", "bo", "anna", "bo", "anna"]
    computing.close()


async def test_what_goes_on_beside_the_others_is_bounded(let_end: Event) -> None:
    """One more than may: it keeps its place, and whoever comes then waits."""
    computing, begun = Computing(1), list[int]()

    def endless(number: int) -> None:
        begun.append(number)
        let_end.wait()

    tasks = [asyncio.create_task(computing.run(f"owner {number}", endless, number)) for number in range(MOST_SLOW + 2)]
    async with asyncio.timeout(30):
        while len(begun) < MOST_SLOW + 1:
            await asyncio.sleep(0.01)
    assert not any(task.done() for task in tasks)
    let_end.set()
    async with asyncio.timeout(20):
        await asyncio.gather(*tasks)
    assert sorted(begun) == list(range(MOST_SLOW + 2))
    computing.close()


async def test_who_gives_up_waiting_leaves_its_place(let_end: Event) -> None:
    computing = Computing(1)
    first = asyncio.create_task(computing.run("anna", let_end.wait))
    await asyncio.sleep(0)
    waits = asyncio.create_task(computing.run("anna", str, 1))
    await asyncio.sleep(0)
    waits.cancel()
    await asyncio.gather(waits, return_exceptions=True)
    let_end.set()
    async with asyncio.timeout(20):
        assert await first
        assert await computing.run("anna", str, 2) == "2"
    computing.close()
