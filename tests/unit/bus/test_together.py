"""Whichever ends first ends the rest, however they take it."""

import asyncio

import pytest

from bus import together as module
from bus.together import end, let_go, together, within


async def for_ever() -> None:
    await asyncio.Event().wait()


async def deaf_once(heard: list[str]) -> None:
    """As wait_for of Python 3.11 does when the answer comes together with the cancel."""
    try:
        await for_ever()
    except asyncio.CancelledError:
        heard.append("the first")
    await for_ever()


async def fails(error: Exception) -> None:
    raise error


async def test_the_first_error_ends_the_rest_and_is_told() -> None:
    error = ValueError("it broke")
    with pytest.raises(BaseExceptionGroup) as raised:
        await together(for_ever(), fails(error), for_ever())
    assert raised.value.exceptions == (error,)
    assert len(asyncio.all_tasks()) == 1


async def test_the_first_to_return_ends_the_rest() -> None:
    await together(for_ever(), asyncio.sleep(0))
    assert len(asyncio.all_tasks()) == 1


async def test_whoever_drops_a_cancel_is_cancelled_again(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "AGAIN_SECONDS", 0.01)
    heard: list[str] = []
    deaf = asyncio.create_task(deaf_once(heard))
    await asyncio.sleep(0)
    async with asyncio.timeout(5):
        await end([deaf])
    assert (heard, deaf.cancelled()) == (["the first"], True)


async def test_whoever_may_not_wait_lets_go_of_one_that_drops_a_cancel(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "AGAIN_SECONDS", 0.01)
    heard: list[str] = []
    deaf = asyncio.create_task(deaf_once(heard))
    await asyncio.sleep(0)
    let_go([deaf])
    async with asyncio.timeout(5):
        await asyncio.wait([deaf])
        while len(asyncio.all_tasks()) > 1:
            await asyncio.sleep(0)
    assert (heard, deaf.cancelled()) == (["the first"], True)


async def test_within_its_time_it_gives_what_the_work_gives() -> None:
    async def gives() -> str:
        await asyncio.sleep(0)
        return "this"

    assert await within(None, gives()) == "this"
    with pytest.raises(ValueError, match="it broke"):
        await within(5, fails(ValueError("it broke")))


async def test_work_that_drops_the_cancel_of_its_deadline_ends_all_the_same(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "AGAIN_SECONDS", 0.01)
    heard: list[str] = []
    async with asyncio.timeout(5):
        with pytest.raises(TimeoutError):
            await within(0.01, deaf_once(heard))
    assert (heard, len(asyncio.all_tasks())) == (["the first"], 1)


async def test_whoever_is_cancelled_while_work_has_its_time_leaves_none_behind() -> None:
    task = asyncio.create_task(within(None, for_ever()))
    await asyncio.sleep(0)
    await end([task])
    assert task.cancelled()
    assert len(asyncio.all_tasks()) == 1


async def test_cancelling_it_ends_them_all() -> None:
    task = asyncio.create_task(together(for_ever(), for_ever()))
    await asyncio.sleep(0)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert len(asyncio.all_tasks()) == 1


async def test_one_that_is_cancelled_while_it_ends_others_ends_them_first() -> None:
    may_end, clean = asyncio.Event(), list[str]()

    async def cleans_up() -> None:
        try:
            await for_ever()
        finally:
            await may_end.wait()
            clean.append("all of it")

    work = asyncio.create_task(cleans_up())
    await asyncio.sleep(0)
    ending = asyncio.create_task(end([work]))
    await asyncio.sleep(0)
    for _ in range(3):
        ending.cancel()
        await asyncio.sleep(0)
    assert not ending.done()
    may_end.set()
    with pytest.raises(asyncio.CancelledError):
        await ending
    assert clean == ["all of it"]
