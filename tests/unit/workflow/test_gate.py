"""Who gets in, who waits, and who is refused."""

import asyncio

import pytest

from bus.errors import TooManyExecutions
from workflow.running.gate import RunningGate


def gate(running: int = 1, waiting: int = 8, held_bytes: int = 1000) -> RunningGate:
    return RunningGate(running, waiting, held_bytes)


async def waiting(gate: RunningGate, owner: str, count: int, size: int = 0) -> list["asyncio.Task[None]"]:
    """Once they wait, or are in, or were refused."""
    tasks = [asyncio.create_task(gate.enter_or_refuse(owner, size)) for _ in range(count)]
    await asyncio.sleep(0)
    return tasks


async def test_owners_take_turns() -> None:
    one = gate(waiting=100)
    await one.enter("anna")
    order: list[str] = []

    async def come(owner: str) -> None:
        await one.enter_or_refuse(owner)
        order.append(owner)
        one.leave(owner)

    tasks = [asyncio.create_task(come(owner)) for owner in ("anna", "anna", "anna", "bo")]
    await asyncio.sleep(0)
    one.leave("anna")
    await asyncio.gather(*tasks)
    assert order == ["anna", "bo", "anna", "anna"]


async def test_one_who_storms_leaves_places_to_wait_in_for_the_others() -> None:
    one = gate(waiting=8)
    await one.enter("anna")
    stormed = await waiting(one, "anna", 100)
    refused = [task for task in stormed if task.done()]
    assert len(refused) == 96
    assert all(isinstance(task.exception(), TooManyExecutions) for task in refused)
    (other,) = await waiting(one, "bo", 1)
    assert not other.done(), "it waits, and is not refused"
    for _ in range(2):
        one.leave("anna")
        await asyncio.sleep(0)
    assert other.done()
    for task in stormed:
        task.cancel()


async def test_what_an_owner_holds_is_bounded_and_leaves_bytes_for_the_others() -> None:
    one = gate(running=100, held_bytes=1000)
    tasks = await waiting(one, "anna", 10, size=100)
    assert [task.exception() is None for task in tasks] == [True] * 5 + [False] * 5
    error = tasks[-1].exception()
    assert isinstance(error, TooManyExecutions)
    assert error.retry_after_seconds
    await one.enter_or_refuse("bo", 100)
    one.leave("anna", 100)
    await one.enter_or_refuse("anna", 100)


async def test_what_is_larger_than_the_bound_gets_in_where_nothing_else_is() -> None:
    one = gate(running=100, held_bytes=1000)
    await one.enter_or_refuse("anna", 5000)
    with pytest.raises(TooManyExecutions):
        await one.enter_or_refuse("bo", 1)
    one.leave("anna", 5000)
    await one.enter_or_refuse("bo", 1)


async def test_who_gives_up_waiting_holds_nothing() -> None:
    one = gate(held_bytes=1000)
    await one.enter("anna")
    (task,) = await waiting(one, "bo", 1, size=900)
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)
    one.leave("anna")
    await one.enter_or_refuse("cleo", 900)
    assert one.free == 0
