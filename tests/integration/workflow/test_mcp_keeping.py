"""A stdio server that is at work is not taken for dead, and what it may have done is told as unknown."""

import asyncio
import sys
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest

from bus.errors import McpServerFailed, OutcomeUnknown
from bus.messages.mcp_servers import McpTransport
from bus.together import end
from workflow.mcp import keeper as module
from workflow.mcp.keeper import Keeper
from workflow.mcp.registry import Registered, State
from workflow.mcp.stdio import Session

MAX_BYTES = 1_000_000
STUBBORN = Path(__file__).with_name("stdio_server.py")
SERVER = Registered(
    id=uuid4(),
    name="stubborn",
    tenant="default",
    revision=1,
    transport=McpTransport.STDIO,
    endpoint="",
    command=sys.executable,
    trusted=True,
    args=(str(STUBBORN),),
    env={},
    headers={"Authorization": "Bearer honey-and-wax"},
)


class Kept(Keeper):
    """Without a registry: what would be told there is left out."""

    def __init__(self, folder: Path) -> None:
        nobody: Any = None
        super().__init__("", nobody, nobody, nobody, folder, MAX_BYTES)

    async def _tell(self, server: Registered, state: State) -> None:
        self.ready.set()

    ready: asyncio.Event


@pytest.fixture
async def kept(tmp_path: Path) -> AsyncIterator[Kept]:
    keeper = Kept(tmp_path)
    keeper.ready = asyncio.Event()
    running = asyncio.create_task(keeper._runs(SERVER))
    async with asyncio.timeout(60):
        await keeper.ready.wait()
    yield keeper
    await end([running])


async def test_one_at_work_is_not_taken_for_dead(kept: Kept, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    looks, thrice, look = [0], asyncio.Event(), Session.tools

    async def counted(session: Session, seconds: float) -> list[dict[str, Any]]:
        try:
            return await look(session, seconds)
        finally:
            looks[0] += 1
            if looks[0] == 3:
                thrice.set()

    monkeypatch.setattr(Session, "tools", counted)
    monkeypatch.setattr(module, "LOOK_SECONDS", 0.2)
    calling = asyncio.create_task(kept.call(SERVER, "works", {"until": str(tmp_path / "now")}, "key", 60))
    kept._sessions[SERVER.id].changed.set()  # so that it is looked at now
    async with asyncio.timeout(60):
        await thrice.wait()
        (tmp_path / "now").touch()
        answer = await calling
    assert answer is not None
    assert answer["content"][0]["text"] == "done"


async def test_what_is_not_answered_in_its_time_or_not_lived_to_be_answered_is_unknown(kept: Kept, tmp_path: Path) -> None:
    with pytest.raises(OutcomeUnknown, match=r"within 0\.2 s"):
        await kept.call(SERVER, "works", {"until": str(tmp_path / "now")}, "key", 0.2)
    (tmp_path / "now").touch()
    with pytest.raises(OutcomeUnknown, match="out of honey"):
        await kept.call(SERVER, "dies", {}, "key", 60)


async def test_an_answer_without_room_fails_its_call_alone(kept: Kept) -> None:
    """And what is no message is passed over."""
    await kept.call(SERVER, "prints", {}, "key", 60)
    with pytest.raises(McpServerFailed, match="more than 1,000,000 bytes"):
        await kept.call(SERVER, "much", {"size": 40 * MAX_BYTES}, "key", 60)
    answer = await kept.call(SERVER, "much", {"size": 10}, "key", 60)
    assert answer is not None
    assert answer["content"][0]["text"] == "y" * 10


def test_what_follows_a_bearer_is_secret_alone_too() -> None:
    assert "honey-and-wax" in SERVER.secrets
    assert str(STUBBORN) in SERVER.hidden
