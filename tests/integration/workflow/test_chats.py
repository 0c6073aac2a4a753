"""Chats through a real gateway: messages, sessions that are remembered, who may come in, and the page in a real browser."""

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any, Final, Literal

import pytest
from httpx import AsyncClient, BasicAuth
from playwright.async_api import Browser

from bus.nats_bus import NatsBus
from tests.e2e.conftest import browser  # noqa: F401 - a fixture
from tests.integration.gateway.parts import InstantSidecar
from tests.integration.workflow.browsing import watched
from tests.integration.workflow.doors import doors, given, saved
from tests.integration.workflow.parts import chain, node
from tests.parts.nats import NatsServer
from workflow.doors.chat import CHAT

pytestmark = pytest.mark.slow

SAY = node("Say", "set", {"mode": "raw", "jsonOutput": '={{ {"output": "You said " + $json.chatInput} }}'}, 3.4)
SCHEMES: Final[tuple[Literal["light", "dark"], ...]] = ("light", "dark")
AGENT = "@n8n/n8n-nodes-langchain."


def chat(hook: str, options: dict[str, Any] | None = None, **parameters: Any) -> dict[str, Any]:
    given = {"public": True, "options": options or {}, **parameters}
    return node("Chat", CHAT, given, 1.1, webhookId=hook)


@pytest.fixture
async def client(nats_bus: NatsBus, nats_server: NatsServer, database_url: str, tmp_path: Path) -> AsyncIterator[AsyncClient]:
    async with doors(nats_bus, nats_server, database_url, tmp_path) as client:
        yield client


async def test_a_webhook_lets_pages_of_the_sites_that_it_names_call(client: AsyncClient) -> None:
    asked = {"origin": "https://shop.example", "access-control-request-method": "POST"}
    for path, options in (("open", {"allowedOrigins": "https://shop.example"}), ("closed", {})):
        hook = node("Hook", "webhook", {"path": path, "httpMethod": "POST", "responseMode": "lastNode", "options": options}, 2)
        await saved(client, chain(hook, SAY), active=True)
    async with AsyncClient(base_url=client.base_url, timeout=60) as stranger:
        before = await stranger.options("/webhook/open", headers=asked)
        assert (before.status_code, before.headers["access-control-allow-methods"]) == (204, "POST")
        answer = await stranger.post("/webhook/open", json={"chatInput": "x"}, headers={"origin": "https://shop.example"})
        assert (answer.status_code, answer.headers["access-control-allow-origin"]) == (200, "https://shop.example")
        assert (await stranger.options("/webhook/closed", headers=asked)).status_code == 404


async def test_a_public_chat_is_open_while_its_workflow_is_active(client: AsyncClient) -> None:
    made = await saved(client, chain(chat("open"), SAY), active=False)
    message = {"action": "sendMessage", "sessionId": "s1", "chatInput": "hello"}
    async with AsyncClient(base_url=client.base_url, timeout=60) as stranger:
        refused = await stranger.post("/webhook/open/chat", json=message)
        assert (refused.status_code, refused.json()["code"]) == (404, "webhook_not_found")
        assert (await stranger.post("/webhook-test/open/chat", json=message)).status_code == 401
        tested = await client.post("/webhook-test/open/chat", json=message)
        assert (tested.status_code, tested.json()) == (200, {"output": "You said hello"})
        await client.post(f"/api/workflows/{made}/activate")
        answer = await stranger.post("/webhook/open/chat", json=message)
        assert (answer.status_code, answer.json()) == (200, {"output": "You said hello"})
        assert answer.headers["access-control-allow-origin"] == "*"
        (item,) = await given(client, made, "Chat")
        assert item["json"] == message
        asked = {"origin": "https://shop.example", "access-control-request-method": "POST"}
        before = await stranger.options("/webhook/open/chat", headers=asked)
        assert (before.status_code, before.headers["access-control-allow-headers"]) == (204, "authorization, content-type")
        assert (await stranger.options("/webhook/nowhere/chat", headers=asked)).status_code == 404
        assert (await stranger.options("/webhook/open/chat")).status_code == 422
        wrong = await stranger.post("/webhook/open/chat", json={"action": "drop"})
        assert (wrong.status_code, wrong.json()["code"]) == (422, "invalid_request")
        assert (await stranger.post("/form/open/chat", json=message)).status_code == 404, "it is no form"
    closed = await saved(client, chain(chat("closed", public=False), SAY))
    assert (await client.post("/webhook/closed/chat", json=message)).status_code == 404
    assert (await client.post("/webhook-test/closed/chat", json=message)).json() == {"output": "You said hello"}
    assert await given(client, closed, "Chat")


async def test_files_come_with_a_message(client: AsyncClient) -> None:
    made = await saved(client, chain(chat("files", {"allowFileUploads": True}), SAY))
    files = [("files", ("a.txt", b"one", "text/plain")), ("files", ("b.txt", b"two", "text/plain"))]
    answer = await client.post("/webhook/files/chat", data={"chatInput": "see", "sessionId": "s"}, files=files)
    assert answer.json() == {"output": "You said see"}
    (item,) = await given(client, made, "Chat")
    assert [each["fileName"] for each in item["json"]["files"]] == ["a.txt", "b.txt"]
    assert item["binary"]["data1"]["fileName"] == "b.txt"


async def test_a_chat_with_a_password_lets_in_who_knows_it(client: AsyncClient) -> None:
    secret = {"name": "door", "type": "httpBasicAuth", "data": {"user": "ann", "password": "right"}}
    made = (await client.post("/api/credentials", json=secret)).json()
    own = chat("locked", authentication="basicAuth")
    own["credentials"] = {"httpBasicAuth": {"id": made["id"], "name": "door"}}
    await saved(client, chain(own, SAY))
    async with AsyncClient(base_url=client.base_url, timeout=60) as stranger:
        for method in ("GET", "POST"):
            closed = await stranger.request(method, "/webhook/locked/chat")
            assert (closed.status_code, closed.headers["www-authenticate"]) == (401, 'Basic realm="Webhook"')
            wrong = await stranger.request(method, "/webhook/locked/chat", auth=BasicAuth("ann", "wrong"))
            assert wrong.status_code == 403
        known = BasicAuth("ann", "right")
        answer = await stranger.post("/webhook/locked/chat", json={"chatInput": "hi"}, auth=known)
        assert answer.json() == {"output": "You said hi"}
        page = await stranger.get("/webhook/locked/chat", auth=known)
        assert page.headers["content-type"] == "text/html; charset=utf-8"


def agent(hook: str) -> dict[str, Any]:
    """With a memory that the chat shows again."""
    document = chain(chat(hook, {"loadPreviousSession": "memory"}), node("Agent", f"{AGENT}agent", {}, 1.7))
    document["nodes"] += [
        node("Model", f"{AGENT}lmChatOpenAi", {"model": "gpt-4o-mini"}, 1),
        node("Memory", f"{AGENT}memoryBufferWindow", {}, 1.3),
    ]
    links = document["connections"]
    links["Model"] = {"ai_languageModel": [[{"node": "Agent", "type": "ai_languageModel", "index": 0}]]}
    both = [{"node": name, "type": "ai_memory", "index": 0} for name in ("Agent", "Chat")]
    links["Memory"] = {"ai_memory": [both]}
    return document


async def loaded(client: AsyncClient, hook: str, session: str) -> list[tuple[str, str]]:
    asked = {"action": "loadPreviousSession", "sessionId": session}
    found = (await client.post(f"/webhook/{hook}/chat", json=asked)).json()["data"]
    return [(each["id"][-1], each["kwargs"]["content"]) for each in found]


async def test_an_agent_remembers_a_session_and_the_chat_can_load_it(client: AsyncClient, nats_bus: NatsBus) -> None:
    """Two messages of a session and one of another; what is loaded again is the session's own, and starts nothing."""
    made = await saved(client, agent("agent"))
    sidecar = InstantSidecar(nats_bus, text="Four.")
    await sidecar.start()
    for session, text in (("s1", "2 + 2?"), ("s1", "Sure?"), ("s2", "Hello")):
        answer = await client.post("/webhook/agent/chat", json={"sessionId": session, "chatInput": text})
        assert answer.json() == {"output": "Four."}, answer.text
    await sidecar.close()

    human, model = "HumanMessage", "AIMessage"
    assert await loaded(client, "agent", "s1") == [(human, "2 + 2?"), (model, "Four."), (human, "Sure?"), (model, "Four.")]
    assert await loaded(client, "agent", "s2") == [(human, "Hello"), (model, "Four.")]
    assert await loaded(client, "agent", "s3") == []
    executions = (await client.get("/api/executions", params={"workflow_id": made})).json()["executions"]
    assert len(executions) == 3


async def test_sessions_that_are_answered_at_once_are_all_remembered(client: AsyncClient, nats_bus: NatsBus) -> None:
    """All are asked before any is answered, so each of them read what none of the others had kept yet."""
    await saved(client, agent("together"))
    sidecar = InstantSidecar(nats_bus, text="Four.")
    await sidecar.start()
    sidecar.may_end.clear()
    asked = [{"sessionId": f"s{number}", "chatInput": f"Is it {number}?"} for number in range(6)]
    waiting = [asyncio.create_task(client.post("/webhook/together/chat", json=each)) for each in asked]
    async with asyncio.timeout(60):
        while len((await client.get("/api/tasks", params={"status": "running"})).json()["tasks"]) < 6:
            await asyncio.sleep(0.05)
    sidecar.may_end.set()
    assert [(await each).json() for each in waiting] == [{"output": "Four."}] * 6
    await sidecar.close()
    for each in asked:
        found = await loaded(client, "together", each["sessionId"])
        assert found == [("HumanMessage", each["chatInput"]), ("AIMessage", "Four.")]


async def test_people_chat_on_its_page(client: AsyncClient, browser: Browser) -> None:  # noqa: F811
    """On a small screen, light and dark; nothing is asked of anywhere else, and the policy has nothing to complain of."""
    options = {"title": "Ask <us>", "subtitle": "Any time"}
    await saved(client, chain(chat("page", options, initialMessages="Hello!\nHow can we help?"), SAY))
    for scheme in SCHEMES:
        async with watched(browser, scheme) as seen, asyncio.timeout(60):
            page = seen.page
            await page.goto(f"{client.base_url}/webhook/page/chat")
            assert await page.title() == "Ask <us>"
            assert await page.locator(".log li").all_inner_texts() == ["Hello!", "How can we help?"]
            await page.get_by_label("Message").fill("<b>hi</b>")
            await page.get_by_role("button", name="Send").click()
            await page.locator(".log li", has_text="You said").wait_for()
            assert await page.locator(".log li").last.inner_text() == "You said <b>hi</b>"
            assert await seen.fits()
            assert seen.complaints == []
            own = str(client.base_url).rstrip("/")
            assert {url.removeprefix(own) for url in seen.asked} <= {"/webhook/page/chat", "/favicon.ico"}
