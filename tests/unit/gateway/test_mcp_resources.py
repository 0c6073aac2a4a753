"""Resources, completion, subscriptions and prompts of the door for assistants."""

import asyncio
import json
from typing import Any
from uuid import UUID, uuid4

import pytest
from mcp import Client, ClientSession
from mcp.server.subscriptions import ResourceUpdated
from mcp.shared.exceptions import MCPError
from mcp_types import PromptReference, ResourceTemplateReference, ResourceUpdatedNotification, TextContent, TextResourceContents

from bus import auth, subjects
from bus.testing import InMemoryBus
from tests.parts.mcp import Told, given, modern, session
from tests.unit.gateway.conftest import ADMIN, ANNA, VIEWER
from tests.unit.gateway.mcp_door import url
from tests.unit.gateway.rooms import Rooms

__all__ = ["url"]
# What assistants of today send is deprecated by the version that comes.
pytestmark = pytest.mark.filterwarnings("ignore::mcp.shared.exceptions.MCPDeprecationWarning")


async def submitted(client: ClientSession | Client) -> str:
    found: str = given(await client.call_tool("submit_task", {"prompt": "hi"}))["id"]
    return found


async def read(client: ClientSession | Client, uri: str) -> str:
    (contents,) = (await client.read_resource(uri)).contents
    assert isinstance(contents, TextResourceContents)
    return contents.text


def updated(uri: str) -> Any:
    return lambda message: isinstance(message, ResourceUpdatedNotification) and message.params.uri == uri


async def test_what_a_task_gave_is_read_by_its_address(url: str, rooms: Rooms) -> None:
    async with session(url, ANNA) as client:
        task = await submitted(client)
        assert await read(client, f"hive://tasks/{task}/output") == ""
        await rooms.finish(UUID(task), "Hello.")
        assert await read(client, f"hive://tasks/{task}/output") == "Hello."
        assert json.loads(await read(client, f"hive://tasks/{task}"))["status"] == "completed"


async def test_the_fleet_is_listed(url: str) -> None:
    async with session(url, VIEWER) as client:
        uris = {resource.uri for resource in (await client.list_resources()).resources}
        assert uris == {"hive://cluster", "hive://agents/acacia"}
        assert json.loads(await read(client, "hive://agents/acacia"))["name"] == "ACACIA"
        assert json.loads(await read(client, "hive://cluster"))["leader"]
        templates = {each.uri_template for each in (await client.list_resource_templates()).resource_templates}
        assert {"hive://tasks/{id}/output", "hive://executions/{id}", "hive://workflows/{id}"} <= templates


@pytest.mark.parametrize(
    ("key", "uri", "code"),
    [
        (VIEWER, "hive://tasks/{task}", "permission_denied"),
        (VIEWER, "hive://tasks/{task}/output", "permission_denied"),
        (ADMIN, "hive://tasks/seven", "invalid_id"),
        (ADMIN, f"hive://tasks/{UUID(int=7)}", "task_not_found"),
        (ADMIN, "hive://agents/walnut", "agent_not_found"),
        (ADMIN, "hive://agents/%2A", "agent_not_found"),
        (ADMIN, "hive://nowhere/1", "not_found"),
        (ADMIN, "file:///etc/passwd", "not_found"),
    ],
)
async def test_what_cannot_be_read_is_not_watched_either(url: str, key: str, uri: str, code: str) -> None:
    async with session(url, ANNA) as anna, session(url, key) as client:
        address = uri.replace("{task}", await submitted(anna))
        for attempt in (client.read_resource, client.subscribe_resource):
            with pytest.raises(MCPError, match=f"\\[{code}\\]") as refused:
                await attempt(address)
            assert refused.value.error.data["code"] == code


async def test_who_watches_is_told_by_the_bus(url: str, rooms: Rooms) -> None:
    told = Told()
    async with session(url, ANNA, told) as client:
        task, other = await submitted(client), await submitted(client)
        watched, ignored = f"hive://tasks/{task}/output", f"hive://tasks/{other}/output"
        await client.subscribe_resource(watched)
        await client.subscribe_resource(ignored)
        await client.unsubscribe_resource(ignored)
        await rooms.finish(UUID(other), "Other.")
        await rooms.finish(UUID(task), "Hello.")
        await told.until(updated(watched))
        assert await read(client, watched) == "Hello."
        assert not any(updated(ignored)(message) for message in told.notifications)


async def test_who_listens_without_a_session_is_told_too(url: str, rooms: Rooms) -> None:
    async with modern(url, ANNA) as client, session(url, ADMIN) as admin:
        task, foreign = await submitted(client), await submitted(admin)
        own = f"hive://tasks/{task}"
        async with client.listen(resource_subscriptions=[own, f"hive://tasks/{foreign}"]) as changes:
            assert changes.honored.resource_subscriptions == [own]
            await rooms.finish(UUID(task))
            async with asyncio.timeout(20):
                assert await anext(aiter(changes)) == ResourceUpdated(own)


async def test_nobody_is_told_once_the_key_is_revoked(url: str, rooms: Rooms, memory_bus: InMemoryBus) -> None:
    told, others = Told(), Told()
    async with session(url, ANNA, told) as client, session(url, ADMIN, others) as admin:
        task = await submitted(client)
        for watcher in (client, admin):
            await watcher.subscribe_resource(f"hive://tasks/{task}")
        await memory_bus.delete(subjects.KV_KEYS, auth.hash_key(ANNA))
        await rooms.finish(UUID(task))
        await others.until(updated(f"hive://tasks/{task}"))
        assert told.notifications == []


async def test_a_client_watches_so_many_and_no_more(url: str) -> None:
    async with session(url, ADMIN) as client:
        tasks = [await submitted(client) for _ in range(51)]
        uris = [f"hive://tasks/{task}{end}" for task in tasks for end in ("", "/output")]
        for uri in uris[:100]:
            await client.subscribe_resource(uri)
        with pytest.raises(MCPError, match="100 resources"):
            await client.subscribe_resource(uris[100])
        await client.unsubscribe_resource(uris[0])
        await client.subscribe_resource(uris[100])


async def test_ids_are_completed(url: str) -> None:
    async with session(url, ANNA) as client:
        task = await submitted(client)
        output = ResourceTemplateReference(uri="hive://tasks/{id}/output")
        assert (await client.complete(output, {"name": "id", "value": task[:4]})).completion.values == [task]
        assert (await client.complete(output, {"name": "id", "value": "zzz"})).completion.values == []
        agents = ResourceTemplateReference(uri="hive://agents/{agent_id}")
        assert (await client.complete(agents, {"name": "agent_id", "value": "ac"})).completion.values == ["acacia"]
        review = PromptReference(name="review_with_two_models")
        assert (await client.complete(review, {"name": "first_model", "value": "llama"})).completion.values == ["llama3.2:3b"]
        with pytest.raises(MCPError, match="no template"):
            await client.complete(ResourceTemplateReference(uri="hive://tasks/{id}"), {"name": "other", "value": ""})


async def test_prompts_name_the_models_that_are_there(url: str) -> None:
    async with session(url, ANNA) as client:
        assert {prompt.name for prompt in (await client.list_prompts()).prompts} == {"plan_work", "review_with_two_models"}
        code = "def f(x): return {x: '{goal}'}"
        arguments = {"code": code, "first_model": "llama3.2:3b", "second_model": "qwen3:8b"}
        (message,) = (await client.get_prompt("review_with_two_models", arguments)).messages
        assert isinstance(message.content, TextContent)
        assert code in message.content.text
        assert "llama3.2:3b on acacia" in message.content.text
        (plan,) = (await client.get_prompt("plan_work", {"goal": "A parser for dates"})).messages
        assert isinstance(plan.content, TextContent)
        assert "A parser for dates" in plan.content.text
        with pytest.raises(MCPError, match="`goal` is missing"):
            await client.get_prompt("plan_work", {})
        with pytest.raises(MCPError, match="`goall` is no argument"):
            await client.get_prompt("plan_work", {"goal": "x", "goall": "y"})


async def test_prompts_are_for_those_who_may_submit(url: str) -> None:
    async with session(url, VIEWER) as client:
        assert (await client.list_prompts()).prompts == []
        with pytest.raises(MCPError, match="no prompt"):
            await client.get_prompt("plan_work", {"goal": str(uuid4())})
