"""Dev tasks through the door for assistants, with the rooms on a bus in memory."""

import asyncio
from typing import Any
from uuid import UUID, uuid4

import pytest
from httpx import AsyncClient
from mcp import ClientSession

from bus import subjects
from bus.messages import AgentRecord, Capability, TaskStatus
from bus.quoting import quote
from bus.testing import InMemoryBus
from coordinator.gateway.settings import GatewaySettings
from tests.parts.mcp import given, session, text_of
from tests.unit.gateway.conftest import ANNA, VIEWER
from tests.unit.gateway.mcp_door import url
from tests.unit.gateway.rooms import ACACIA, Rooms

__all__ = ["url"]

BERT = "sk-hive-bert"
GOAL = {"goal": "Round up.", "files": [{"path": "total.py", "content": "print(1)"}]}


@pytest.fixture
def settings() -> GatewaySettings:
    return GatewaySettings()


async def planned(client: ClientSession, **more: Any) -> dict[str, Any]:
    return given(await client.call_tool("plan_dev_task", {**GOAL, **more}))


async def refused(client: ClientSession, tool: str, arguments: dict[str, Any]) -> tuple[str, str]:
    found = await client.call_tool(tool, arguments)
    assert found.is_error, text_of(found)
    return found.structured_content["code"], text_of(found)


async def test_a_plan_runs_nothing_and_then_its_parts_wait_for_each_other(url: str, rooms: Rooms) -> None:
    async with session(url, ANNA) as client:
        plan = await planned(client)
        assert given(await client.call_tool("get_dev_task", {"id": plan["id"]}))["status"] == "planned"
        assert not rooms.tasks
        state = given(await client.call_tool("run_dev_task", {"id": plan["id"]}))
        assert (state["status"], state["done"], state["goal"]) == ("running", 0, "Round up.")
        code, review, test, docs = (rooms.tasks[UUID(part["task_id"])] for part in state["parts"])
        assert code.depends_on == ()
        assert {review.depends_on, test.depends_on, docs.depends_on} == {(code.id,)}
        assert review.messages is not None
        assert quote(code.id) in review.messages[1].content
        assert (review.title, review.description) == ("review: Round up.", "Round up.")


async def test_a_plan_is_changed_before_it_runs(url: str, rooms: Rooms) -> None:
    async with session(url, ANNA) as client:
        plan = await planned(client)
        code, review = plan["parts"][:2]
        second = {**review, "name": "review-2", "instructions": "Look for races.", "model": "qwen3:8b", "max_tokens": 50}
        merge = {"name": "merge", "kind": "other", "instructions": "Merge.", "depends_on": ["review", "review-2"]}
        state = given(await client.call_tool("run_dev_task", {"id": plan["id"], "parts": [merge, second, review, code]}))
        assert {part["name"] for part in state["parts"]} == {"code", "review", "review-2", "merge"}
        tasks = {part["name"]: rooms.tasks[UUID(part["task_id"])] for part in state["parts"]}
        assert set(tasks["merge"].depends_on) == {tasks["review"].id, tasks["review-2"].id}
        assert (tasks["review-2"].model, tasks["review-2"].options) == ("qwen3:8b", {"num_predict": 50})
        told = tasks["review-2"].messages
        assert told is not None
        assert "Look for races." in told[1].content


async def test_its_parts_say_who_made_them(url: str, rooms: Rooms) -> None:
    heard: asyncio.Queue[str | None] = asyncio.Queue()

    async def progressed(progress: float, total: float | None, message: str | None) -> None:
        heard.put_nowait(message)

    async with session(url, ANNA) as client:
        plan = await planned(client, parts=["code", "docs"])
        state = given(await client.call_tool("run_dev_task", {"id": plan["id"]}))
        asked = {"id": plan["id"], "wait_seconds": 30}
        waiting = asyncio.create_task(client.call_tool("get_dev_task", asked, progress_callback=progressed))
        async with asyncio.timeout(20):
            assert await heard.get() == "0 of 2 done; code queued; docs pending"
        for part, text in zip(state["parts"], ("x" * 20_001, "Rounds up."), strict=True):
            await rooms.finish(UUID(part["task_id"]), text)
        ended = given(await waiting)
        assert (ended["status"], ended["ended"], ended["done"]) == ("completed", True, 2)
        code, docs = ended["parts"]
        assert (len(code["output"]), code["left_out"], docs["output"]) == (20_000, 1, "Rounds up.")
        assert docs["made_by"] == {"agent_id": "acacia", "model": "llama3.2:3b", "attempts": 1}


@pytest.mark.slow
async def test_who_waits_goes_on_waiting_while_nobody_can_tell(url: str, rooms: Rooms) -> None:
    progressed: asyncio.Queue[str | None] = asyncio.Queue()

    async def told(progress: float, total: float | None, message: str | None) -> None:
        progressed.put_nowait(message)

    async with session(url, ANNA) as client:
        plan = await planned(client, parts=["code", "docs"])
        state = given(await client.call_tool("run_dev_task", {"id": plan["id"]}))
        code, docs = (UUID(part["task_id"]) for part in state["parts"])
        asked = {"id": plan["id"], "wait_seconds": 30}
        waiting = asyncio.create_task(client.call_tool("get_dev_task", asked, progress_callback=told))
        async with asyncio.timeout(20):
            await progressed.get()
            rooms.away = True
            await rooms.finish(code, "done")
            await progressed.get()
            rooms.away = False
            await rooms.finish(docs, "done")
            assert given(await waiting)["status"] == "completed"


async def test_running_a_plan_again_runs_nothing_twice(url: str, rooms: Rooms) -> None:
    async with session(url, ANNA) as client:
        plan = await planned(client)
        first = given(await client.call_tool("run_dev_task", {"id": plan["id"]}))
        rooms.tasks.pop(UUID(first["parts"][-1]["task_id"]))  # as if its gateway had died before the last
        assert given(await client.call_tool("get_dev_task", {"id": plan["id"]}))["status"] == "incomplete"
        again = given(await client.call_tool("run_dev_task", {"id": plan["id"]}))
        assert [part["task_id"] for part in again["parts"]] == [part["task_id"] for part in first["parts"]]
        assert len(rooms.tasks) == 4
        other = {"id": plan["id"], "parts": plan["parts"][:2]}
        code, said = await refused(client, "run_dev_task", other)
        assert (code, "plan anew" in said) == ("conflict", True)


async def test_a_dev_task_is_cancelled_from_its_end(url: str, rooms: Rooms) -> None:
    async with session(url, ANNA) as client:
        plan = await planned(client)
        state = given(await client.call_tool("run_dev_task", {"id": plan["id"]}))
        await rooms.finish(UUID(state["parts"][0]["task_id"]), "done")
        cancelled = given(await client.call_tool("cancel_dev_task", {"id": plan["id"]}))
        assert cancelled["status"] == "cancelled"
        assert [part["status"] for part in cancelled["parts"]] == ["completed", *["cancelled"] * 3]
        unrun = await planned(client)
        given(await client.call_tool("cancel_dev_task", {"id": unrun["id"]}))
        assert (await refused(client, "get_dev_task", {"id": unrun["id"]}))[0] == "not_found"


async def test_one_part_that_failed_fails_the_whole(url: str, rooms: Rooms) -> None:
    async with session(url, ANNA) as client:
        plan = await planned(client, parts=["code", "docs"])
        state = given(await client.call_tool("run_dev_task", {"id": plan["id"]}))
        for part in state["parts"]:
            task_id = UUID(part["task_id"])
            rooms.tasks[task_id] = rooms.tasks[task_id].model_copy(update={"status": TaskStatus.FAILED})
        assert given(await client.call_tool("get_dev_task", {"id": plan["id"], "wait_seconds": 30}))["status"] == "failed"


async def test_it_is_its_owners(url: str, rooms: Rooms, memory_bus: InMemoryBus) -> None:
    async with session(url, ANNA) as anna, session(url, VIEWER) as viewer:
        plan = await planned(anna)
        tools = {tool.name for tool in (await viewer.list_tools()).tools}
        assert not tools & {"plan_dev_task", "run_dev_task"}
        assert (await refused(viewer, "plan_dev_task", GOAL))[0] == "permission_denied"
        assert (await refused(viewer, "run_dev_task", {"id": plan["id"]}))[0] == "permission_denied"
        assert (await refused(viewer, "get_dev_task", {"id": plan["id"]}))[0] == "not_found"
        given(await anna.call_tool("run_dev_task", {"id": plan["id"]}))
        for tool in ("get_dev_task", "cancel_dev_task"):
            assert (await refused(viewer, tool, {"id": plan["id"]}))[0] == "permission_denied"


async def test_what_cannot_be_run_is_refused_before_anything_is(url: str, rooms: Rooms, memory_bus: InMemoryBus) -> None:
    skilled: AgentRecord = ACACIA.model_copy(update={"capabilities": (Capability(name="code", proficiency=0.9),)})
    await memory_bus.put(subjects.KV_AGENTS, "acacia", skilled)
    async with session(url, ANNA) as client:
        plan = await planned(client)
        code, review = plan["parts"][:2]
        for changed, error, said in (
            ({**review, "model": "nobody:1b"}, "unknown_model", "nobody:1b"),
            ({**review, "depends_on": ["cod"]}, "invalid_request", "'cod'"),
            ({**review, "require": {"capabilities": {"poetry": 1}}}, "invalid_request", "code 0.9"),
            ({**review, "kind": "poem"}, "invalid_request", "`parts.1.kind`"),
        ):
            found = await refused(client, "run_dev_task", {"id": plan["id"], "parts": [code, changed]})
            assert (found[0], said in found[1]) == (error, True), found
        assert (await refused(client, "run_dev_task", {"id": str(uuid4())}))[0] == "not_found"
        found = await refused(client, "plan_dev_task", {"goal": "Read.", "diff": "x" * 400_001})
        assert (found[0], "400,000 are the most" in found[1]) == ("payload_too_large", True)
        assert not rooms.tasks


async def test_a_task_that_took_the_id_of_a_part_is_none(url: str, rooms: Rooms) -> None:
    """Nor is one question a thousand, however many parts its metadata name."""
    async with session(url, ANNA) as client, AsyncClient(base_url=url, headers={"Authorization": f"Bearer {ANNA}"}) as rest:
        for parts in ([], ["code"], [str(number) for number in range(1000)]):
            dev_task = uuid4()
            named = uuid4() if parts == ["code"] else dev_task
            mark = {"dev_task": str(named), "part": "code", "kind": "code", "parts": parts}
            headers = {"Idempotency-Key": f"dev-task {dev_task} 0"}
            response = await rest.post("/api/tasks", json={"prompt": "Hi", "metadata": mark}, headers=headers)
            assert response.status_code == 201, response.text
            assert (await refused(client, "get_dev_task", {"id": str(dev_task)}))[0] == "not_found"
