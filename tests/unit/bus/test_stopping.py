"""A stop ends whatever it meets."""

import asyncio
import subprocess
import sys
from contextlib import suppress

import pytest

from bus import together
from bus.errors import BusUnavailable
from bus.stopping import unless, until_stopped


async def test_a_start_that_drops_a_cancel_ends_before_the_stop_is_over(monkeypatch: pytest.MonkeyPatch) -> None:
    """As a connecting does that waits by `asyncio.wait_for` of Python 3.11, when its answer comes together with the cancel."""
    monkeypatch.setattr(together, "AGAIN_SECONDS", 0.01)
    ended, stopping = asyncio.Event(), asyncio.Event()

    async def connect() -> None:
        try:
            with suppress(asyncio.CancelledError):
                stopping.set()
                await asyncio.Event().wait()
            await asyncio.Event().wait()
        finally:
            ended.set()

    async with asyncio.timeout(5):
        assert await unless(stopping, connect()) is None
    assert ended.is_set()


async def test_what_was_done_before_the_stop_is_given() -> None:
    async def connect() -> str:
        return "the bus"

    assert await unless(asyncio.Event(), connect()) == "the bus"


ENDS = """
import asyncio, os, signal, time
from bus.stopping import until_stopped

async def serve(stopping):
    os.kill(os.getpid(), signal.SIGTERM)
    {}

asyncio.run(until_stopped(serve, graceful={}, at_most={}))
print("over")
"""


@pytest.mark.parametrize(
    ("work", "graceful", "said"),
    [
        ("await stopping.wait(); await asyncio.sleep(0.01); print('ended')", 60, "ended over"),
        ("await stopping.wait(); await asyncio.Event().wait()", 0.01, "over"),
        ("await stopping.wait(); raise ValueError('at last')", 60, "ended_with_an_error ValueError: at last over"),
        ("await asyncio.to_thread(time.sleep, 600)", 0.01, "stop_cut_off"),
        ("await stopping.wait(); time.sleep(600)", 0.01, "stop_cut_off"),
    ],
)
def test_a_process_ends_when_it_is_told_to(work: str, graceful: float, said: str) -> None:
    """By itself, cut off, with an error, and with a thread or a loop that hangs."""
    code = ENDS.format(work, graceful, 0.5 if said == "stop_cut_off" else 60)
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=30, check=True)
    words = done.stderr + done.stdout
    assert [word for word in said.split() if word not in words] == []
    assert ("over" in done.stdout) is said.endswith("over")


async def test_what_ends_with_an_error_says_so() -> None:
    async def serve(_stopping: asyncio.Event) -> None:
        raise BusUnavailable("nobody is there")

    with pytest.raises(BusUnavailable):
        await until_stopped(serve, at_most=1)
