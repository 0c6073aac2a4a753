"""What the doors of clients share: names, headers, and a task followed from its submit to the last byte."""

import asyncio
import json
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

import pytest
from httpx import AsyncClient
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from starlette.datastructures import Headers
from starlette.types import Message, Scope

from bus import auth, subjects
from bus.errors import InvalidRequest, PermissionDenied
from bus.messages import (
    AgentRecord,
    AgentStatus,
    Claims,
    Ending,
    FailureInfo,
    ModelInfo,
    OutcomeStatus,
    OutputChunk,
    Role,
    TaskStatus,
    Usage,
)
from bus.messages.aliases import ModelAlias
from bus.testing import InMemoryBus
from coordinator.gateway.app import create_app
from coordinator.gateway.gateway import Gateway
from coordinator.gateway.llm.asked import ANY_PROFICIENCY, asked_in
from coordinator.gateway.llm.inbox import MOST_BYTES, Inbox
from coordinator.gateway.llm.names import TOLD, listing, resolve, told_of
from tests.unit.gateway.conftest import ANNA, client_of
from tests.unit.gateway.rooms import ACACIA, ATTEMPT, Rooms

ALL, FEW = Claims(sub="a", roles=()), Claims(sub="a", roles=(), models=("llama3.2:3b",))
ASK = {"model": "llama3.2:3b", "messages": [{"role": "user", "content": "Hi"}]}


def agent(name: str, *models: str, status: AgentStatus = AgentStatus.ONLINE) -> AgentRecord:
    found = tuple(ModelInfo(name=model) for model in models)
    return ACACIA.model_copy(update={"agent_id": name, "status": status, "models": found})


def aliases(**chains: tuple[str, ...]) -> dict[str, ModelAlias]:
    return {subjects.model_key(name): ModelAlias(alias=name, models=models) for name, models in chains.items()}


def test_a_name_stands_for_the_first_model_that_is_there() -> None:
    fleet = [agent("oak", "small:1b"), agent("elm", "big:70b", status=AgentStatus.OFFLINE)]
    known = aliases(chat=("big:70b", "small:1b"), lone=("big:70b",))
    assert resolve("chat", known, fleet, ALL).model == "small:1b"
    assert resolve("lone", known, fleet, ALL).model == "big:70b"
    assert resolve("other", known, fleet, ALL).model == "other"
    assert resolve("chat:latest", known, fleet, ALL).model == "small:1b"
    assert resolve("chat", known, [agent("elm", "big:70b")], ALL).model == "big:70b"


def test_a_key_may_use_an_alias_by_its_name_or_by_what_it_stands_for() -> None:
    known = aliases(chat=("qwen3:8b", "llama3.2:3b"), only=("qwen3:8b",))
    fleet = [agent("oak", "qwen3:8b", "llama3.2:3b")]
    assert resolve("chat", known, fleet, FEW).model == "llama3.2:3b"
    assert resolve("only", known, fleet, Claims(sub="a", roles=(), models=("only",))).model == "qwen3:8b"
    for name in ("only", "qwen3:8b"):
        with pytest.raises(PermissionDenied, match=name):
            resolve(name, known, fleet, FEW)


def test_the_list_is_the_union_of_the_hosts_that_are_there() -> None:
    fleet = [agent("oak", "b:1b", "a:1b"), agent("elm", "b:1b", "c:1b")]
    known = aliases(chat=("d:1b", "a:1b"), gone=("d:1b",)).values()
    assert [each.name for each in listing(fleet, known, ALL)] == ["a:1b", "b:1b", "c:1b", "chat"]
    assert [each.name for each in listing(fleet, known, Claims(sub="x", roles=(), models=("a:1b",)))] == ["a:1b", "chat"]


def test_a_host_that_went_a_moment_ago_is_still_told_of() -> None:
    """As one whose sidecar is upgraded."""
    now = datetime.now(UTC)
    there, never = agent("oak", "a:1b"), agent("elm", "b:1b", status=AgentStatus.OFFLINE).model_copy(update={"last_seen": None})
    just, long = (never.model_copy(update={"last_seen": now - ago}) for ago in (TOLD / 2, TOLD))
    assert told_of([there, never, just, long], now) == [there, just]


def test_headers_ask_for_priority_session_and_capabilities() -> None:
    found = asked_in(Headers({"X-Hive-Priority": "High", "X-Hive-Session": "s", "X-Hive-Require": "code=0.8, vision"}))
    assert (found.priority, found.session) == (1, "s")
    assert found.require.capabilities == {"code": 0.8, "vision": ANY_PROFICIENCY}
    assert asked_in(Headers()).priority == 3


@pytest.mark.parametrize(
    "headers",
    [{"X-Hive-Priority": "0"}, {"X-Hive-Priority": "soon"}, {"X-Hive-Require": "code=2"}, {"X-Hive-Require": "code=x"}, {"X-Hive-Require": ","}, {"X-Hive-Session": ""}, {"Idempotency-Key": ""}],
)  # fmt: skip
def test_headers_that_cannot_be_are_refused(headers: dict[str, str]) -> None:
    with pytest.raises(InvalidRequest):
        asked_in(Headers(headers))


TALK = {"messages": [{"role": "user", "content": "Hi"}]}
DOORS: dict[str, dict[str, Any]] = {
    "/v1/chat/completions": TALK,
    "/v1/completions": {"prompt": "Hi"},
    "/v1/embeddings": {"input": "Hi"},
    "/v1/responses": {"input": "Hi"},
    "/v1/messages": {**TALK, "max_tokens": 9},
    "/api/chat": TALK,
    "/api/generate": {"prompt": "Hi"},
    "/api/embed": {"input": "Hi"},
    "/api/embeddings": {"prompt": "Hi"},
}


@pytest.mark.parametrize("path", DOORS)
async def test_a_request_is_a_task_of_its_caller_with_what_its_headers_ask_for(
    anna: AsyncClient, rooms: Rooms, path: str
) -> None:
    headers = {"X-Hive-Priority": "1", "X-Hive-Session": "talk", "X-Hive-Require": "code=0.8, vision"}
    asking = asyncio.create_task(anna.post(path, json={"model": "llama3.2:3b", **DOORS[path]}, headers=headers))
    host = await said(rooms, asking)
    task = rooms.tasks[host.task_id]
    assert (task.owner, task.priority, task.session) == ("anna", 1, "talk")
    assert task.require.capabilities == {"code": 0.8, "vision": ANY_PROFICIENCY}
    await host.fail("task_timeout")
    await rooms.announce(host.task_id)
    response = await asking
    assert (response.status_code, response.headers["x-hive-task"]) == (504, str(host.task_id))


@pytest.mark.parametrize(
    ("method", "path", "body"),
    [
        ("POST", "/api/pull", {"model": "qwen3:8b"}),
        ("DELETE", "/api/delete", {"model": "llama3.2:3b"}),
        ("POST", "/api/copy", {"source": "llama3.2:3b", "destination": "mine"}),
        ("POST", "/api/create", {"model": "mine", "from": "llama3.2:3b"}),
    ],
)
async def test_who_moves_models_needs_the_permission_for_it(
    anna: AsyncClient, method: str, path: str, body: dict[str, str]
) -> None:
    response = await anna.request(method, path, json=body)
    assert response.status_code == 403
    assert "models.manage (agents.manage includes it)" in response.json()["error"]


class Said:
    """What a host says of a task, attempt by attempt."""

    def __init__(self, rooms: Rooms, task_id: UUID) -> None:
        self.rooms, self.task_id = rooms, task_id
        self._subject = subjects.output("acacia", task_id, ATTEMPT)

    async def text(self, text: str, *, number: int = 1, offset: int = 0, begins_at: int = 0) -> None:
        chunk = OutputChunk(number=number, offset=offset, begins_at=begins_at, text=text)
        await self.rooms.bus.publish(self._subject, chunk)

    async def end(self, offset: int, *, number: int = 1) -> None:
        ending = Ending(finish_reasons=("stop",), usage=Usage(prompt_tokens=3, completion_tokens=2))
        chunk = OutputChunk(number=number, offset=offset, end=OutcomeStatus.COMPLETED, ending=ending)
        await self.rooms.bus.publish(self._subject, chunk)

    async def fail(self, code: str) -> None:
        ended = {
            "status": TaskStatus.FAILED,
            "completed_at": datetime.now(UTC),
            "error": FailureInfo(code=code, message="It is so."),
        }
        self.rooms.tasks[self.task_id] = self.rooms.tasks[self.task_id].model_copy(update=ended)


async def said(rooms: Rooms, asking: "asyncio.Task[Any]") -> Said:
    """Once the task is there."""
    async with asyncio.timeout(10):
        while not rooms.tasks:
            assert not asking.done(), asking.result()
            await asyncio.sleep(0.001)
    [task_id] = rooms.tasks
    return Said(rooms, task_id)


def ask(client: AsyncClient, **more: Any) -> "asyncio.Task[Any]":
    return asyncio.create_task(client.post("/v1/chat/completions", json={**ASK, **more}))


def text_of(stream: str) -> str:
    events = [line.removeprefix("data: ") for line in stream.split("\n\n") if line.startswith("data: {")]
    choices = [choice for event in events for choice in json.loads(event).get("choices", ())]
    return "".join(choice["delta"].get("content") or "" for choice in choices)


async def test_an_answer_is_given_by_the_end_mark_without_the_record(anna: AsyncClient, rooms: Rooms) -> None:
    asking = ask(anna)
    host = await said(rooms, asking)
    await host.text("Hello")
    await host.text(" there.", offset=5)
    await host.end(12)
    response = await asking
    assert response.json()["choices"][0]["message"]["content"] == "Hello there."
    assert response.json()["usage"]["total_tokens"] == 5
    assert response.headers["x-hive-task"] == str(host.task_id)
    assert (response.headers["x-hive-agent"], response.headers["x-hive-model"]) == ("acacia", "llama3.2:3b")
    assert rooms.tasks[host.task_id].status is TaskStatus.QUEUED  # nobody was asked


async def test_an_end_that_is_announced_before_its_mark_needs_no_look_at_the_record(anna: AsyncClient, rooms: Rooms) -> None:
    asking = ask(anna)
    host = await said(rooms, asking)
    await host.text("Hello")
    await rooms.announce(host.task_id)
    await host.end(5)
    response = await asking
    assert response.json()["choices"][0]["message"]["content"] == "Hello"
    assert rooms.looks == 0


async def test_an_end_that_is_announced_and_has_no_mark_is_taken_from_the_record(anna: AsyncClient, rooms: Rooms) -> None:
    asking = ask(anna)
    host = await said(rooms, asking)
    await host.text("Hel")
    await rooms.finish(host.task_id, "Hello there.", announce=False)
    await rooms.announce(host.task_id)
    assert (await asking).json()["choices"][0]["message"]["content"] == "Hello there."
    assert rooms.looks == 1


async def test_what_did_not_come_is_taken_from_the_record(anna: AsyncClient, rooms: Rooms) -> None:
    asking = ask(anna, stream=True)
    host = await said(rooms, asking)
    await host.text("Hel")
    await host.text("there.", offset=6)  # behind a gap
    await rooms.finish(host.task_id, "Hello there.")
    response = await asking
    assert text_of(response.text) == "Hello there."
    assert response.text.endswith("data: [DONE]\n\n")


async def test_a_stream_that_missed_a_chunk_goes_on_from_the_bus_while_its_host_still_writes(
    anna: AsyncClient, rooms: Rooms, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It would say nothing more until the end of its task, not even a comment."""
    take = Inbox.put
    monkeypatch.setattr(Inbox, "put", lambda inbox, chunk: None if b"two " in chunk.data else take(inbox, chunk))
    asking = ask(anna, stream=True)
    host = await said(rooms, asking)
    for offset, text in ((0, "one "), (4, "two "), (8, "three")):
        await host.text(text, offset=offset)
    await host.end(13)
    assert text_of((await asking).text) == "one two three"
    assert rooms.tasks[host.task_id].status is TaskStatus.QUEUED, "the record could not tell"


async def test_an_answer_that_runs_when_the_gateway_is_told_to_stop_is_ended(
    anna: AsyncClient, rooms: Rooms, gateway: Gateway
) -> None:
    """Nobody can come back to it, as to the output of a task."""
    asking = ask(anna, stream=True)
    host = await said(rooms, asking)
    await host.text("Hello")
    gateway.stop()
    await host.text(" there.", offset=5)
    await host.end(12)
    assert text_of((await asking).text) == "Hello there."


async def test_an_answer_that_takes_longer_than_a_gateway_may_stay_is_told_so_before_it_goes(
    anna: AsyncClient, rooms: Rooms, gateway: Gateway, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("coordinator.gateway.gateway.LEAVE_SECONDS", gateway.settings.stop_seconds)
    asking = ask(anna, stream=True)
    host = await said(rooms, asking)
    await host.text("Hello")
    gateway.stop()
    async with asyncio.timeout(2):
        response = await asking
    assert text_of(response.text) == "Hello"
    assert str(host.task_id) in json.loads(response.text.split("data: ")[-1])["error"]["message"]
    assert rooms.tasks[host.task_id].status is not TaskStatus.CANCELLED


async def test_an_answer_that_is_not_seen_yet_is_begun_anew(anna: AsyncClient, rooms: Rooms) -> None:
    asking = ask(anna)
    host = await said(rooms, asking)
    await host.text("Hel")
    await host.text("Good day.", number=2)
    await host.end(9, number=2)
    assert (await asking).json()["choices"][0]["message"]["content"] == "Good day."


async def test_a_stream_goes_on_where_another_attempt_does(anna: AsyncClient, rooms: Rooms) -> None:
    asking = ask(anna, stream=True)
    host = await said(rooms, asking)
    await host.text("Hel")
    await host.text("lo.", number=2, offset=3, begins_at=3)
    await host.end(6, number=2)
    response = await asking
    assert text_of(response.text) == "Hello."
    assert response.text.endswith("data: [DONE]\n\n")


async def test_white_space_that_a_stream_begins_with_waits_for_a_word(anna: AsyncClient, rooms: Rooms) -> None:
    asking = ask(anna, stream=True)
    host = await said(rooms, asking)
    await host.text("\n")
    await host.text("\n", offset=1)
    await host.text("Hello.", offset=2)
    await host.end(8)
    assert text_of((await asking).text) == "\n\nHello."


async def test_an_answer_of_white_space_alone_is_one(anna: AsyncClient, rooms: Rooms) -> None:
    asking = ask(anna, stream=True)
    host = await said(rooms, asking)
    await host.text(" \n")
    await host.end(2)
    response = await asking
    assert text_of(response.text) == " \n"
    assert response.text.endswith("data: [DONE]\n\n")


async def test_a_stream_that_so_far_has_only_white_space_may_begin_again(anna: AsyncClient, rooms: Rooms) -> None:
    asking = ask(anna, stream=True)
    host = await said(rooms, asking)
    await host.text("\n")
    await host.text(" Good day.", number=2)
    await host.end(10, number=2)
    assert text_of((await asking).text) == " Good day."


async def test_a_stream_that_would_begin_again_ends_in_an_error_and_its_task_is_cancelled(
    anna: AsyncClient, rooms: Rooms
) -> None:
    asking = ask(anna, stream=True)
    host = await said(rooms, asking)
    await host.text("Hel")
    await host.text("Good day.", number=2)
    response = await asking
    assert text_of(response.text) == "Hel"
    assert json.loads(response.text.split("data: ")[-1])["error"]["code"] == "stream_interrupted"
    assert "[DONE]" not in response.text
    await until_cancelled(rooms, host.task_id)


async def until_cancelled(rooms: Rooms, task_id: UUID) -> None:
    async with asyncio.timeout(10):
        while rooms.tasks[task_id].status is not TaskStatus.CANCELLED:
            await asyncio.sleep(0.001)


@pytest.mark.parametrize(
    ("code", "status"),
    [
        ("backend_refused", 400),
        ("unsupported_by_backend", 400),
        ("attempts_exhausted", 502),
        ("task_timeout", 504),
        ("backend_error", 502),
    ],
)
@pytest.mark.parametrize("stream", [False, True])
async def test_a_task_that_fails_before_a_word_is_an_error_with_its_status(
    anna: AsyncClient, rooms: Rooms, monkeypatch: pytest.MonkeyPatch, code: str, status: int, *, stream: bool
) -> None:
    monkeypatch.setattr("coordinator.gateway.llm.running.QUIET_SECONDS", 0.01)
    asking = ask(anna, stream=False) if not stream else ask(anna, stream=True)
    host = await said(rooms, asking)
    await host.fail(code)
    response = await asking
    assert (response.status_code, response.json()["error"]["code"]) == (status, code)
    assert response.headers["x-hive-task"] == str(host.task_id)


async def test_a_failure_in_the_middle_is_an_error_event(
    anna: AsyncClient, rooms: Rooms, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("coordinator.gateway.llm.running.QUIET_SECONDS", 0.01)
    asking = ask(anna, stream=True)
    host = await said(rooms, asking)
    await host.text("Hel")
    await host.fail("stream_interrupted")
    response = await asking
    assert response.status_code == 200
    assert json.loads(response.text.split("data: ")[-1])["error"]["code"] == "stream_interrupted"
    assert "[DONE]" not in response.text


async def test_who_waits_is_kept_alive_and_told_the_place(
    anna: AsyncClient, rooms: Rooms, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("coordinator.gateway.llm.running.QUIET_SECONDS", 0.01)
    asking = ask(anna, stream=True)
    host = await said(rooms, asking)
    waits = {"position": 7, "assigned_agent_id": "acacia"}
    rooms.tasks[host.task_id] = rooms.tasks[host.task_id].model_copy(update=waits)
    await asyncio.sleep(0.1)
    await host.text("Hi")
    await host.end(2)
    response = await asking
    assert response.headers["x-hive-agent"] == "acacia", "known before a word was said"
    assert ": queued, position 7\n\n" in response.text
    assert response.headers["x-hive-queue-position"] == "7"
    assert text_of(response.text) == "Hi"


class Client:
    """A connection that a test holds in its hand: reads when it wants to, and goes when it wants to."""

    def __init__(self, gateway: Gateway, body: dict[str, Any]) -> None:
        self.sent: list[Message] = []
        self.may_read, self.gone = asyncio.Event(), asyncio.Event()
        self._inbox = [{"type": "http.request", "body": json.dumps(body).encode(), "more_body": False}]
        headers = [(b"authorization", f"Bearer {ANNA}".encode()), (b"content-type", b"application/json")]
        scope: Scope = {
            "type": "http", "asgi": {"version": "3.0", "spec_version": "2.3"}, "http_version": "1.1", "method": "POST", "scheme": "http",
            "path": "/v1/chat/completions", "raw_path": b"/v1/chat/completions", "query_string": b"", "headers": headers, "root_path": "",
        }  # fmt: skip
        app: Callable[..., Awaitable[None]] = create_app(gateway)
        self.asking = asyncio.create_task(app(scope, self._receive, self._send))  # type: ignore[arg-type]

    async def _receive(self) -> Message:
        if self._inbox:
            return self._inbox.pop()
        await self.gone.wait()
        return {"type": "http.disconnect"}

    async def _send(self, message: Message) -> None:
        await self.may_read.wait()
        self.sent.append(message)

    @property
    def text(self) -> str:
        return b"".join(message.get("body", b"") for message in self.sent).decode()


@pytest.mark.parametrize("stream", [False, True])
async def test_a_client_that_goes_cancels_its_task(gateway: Gateway, rooms: Rooms, *, stream: bool) -> None:
    client = Client(gateway, {**ASK, "stream": stream})
    client.may_read.set()
    host = await said(rooms, client.asking)
    await host.text("Hel")
    client.gone.set()
    await client.asking
    await until_cancelled(rooms, host.task_id)
    audit = await gateway.bus.read(subjects.AUDIT, subjects.ALL_AUDIT)
    assert audit.caught_up, "the door has changed nothing"


async def test_a_slow_reader_holds_little_and_loses_nothing(gateway: Gateway, rooms: Rooms) -> None:
    client = Client(gateway, {**ASK, "stream": True})
    host = await said(rooms, client.asking)
    piece, offset = "x" * 60_000, 0
    for _ in range(3 * MOST_BYTES // len(piece)):
        await host.text(piece, offset=offset)
        offset += len(piece)
    await host.end(offset)
    await rooms.finish(host.task_id, "x" * offset)
    client.may_read.set()
    await client.asking
    assert len(text_of(client.text)) == offset
    assert client.text.endswith("data: [DONE]\n\n")


@settings(max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(body=st.one_of(st.binary(max_size=60), st.recursive(st.none() | st.booleans() | st.floats() | st.text(max_size=5), lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(["model", "messages", "tools", "n", "stop", "content", "role", "type"]), inner, max_size=4), max_leaves=8).map(lambda value: json.dumps(value).encode())))  # fmt: skip
async def test_whatever_is_sent_is_answered_in_the_protocols_form(anna: AsyncClient, body: bytes) -> None:
    response = await anna.post("/v1/chat/completions", content=body)
    assert 400 <= response.status_code < 500
    assert set(response.json()["error"]) == {"message", "type", "param", "code"}


async def test_the_router_and_the_key_speak_the_protocol_too(anna: AsyncClient, nobody: AsyncClient) -> None:
    for response, status, code in (
        (await nobody.post("/v1/chat/completions", json=ASK), 401, "invalid_api_key"),
        (await anna.get("/v1/nothing"), 404, "not_found"),
        (await anna.get("/v1/chat/completions"), 405, "method_not_allowed"),
        (await anna.post("/v1/chat/completions", content=b"x" * 20_000), 413, "request_too_large"),
        (await anna.post("/v1/chat/completions", json={**ASK, "model": "nope"}), 404, "model_not_found"),
    ):
        assert (response.status_code, response.json()["error"]["code"]) == (status, code)
        assert response.headers["x-request-id"]
    assert (await nobody.get("/api/nothing")).headers["content-type"] == "application/problem+json"


async def test_an_alias_is_in_force_at_once(admin: AsyncClient, anna: AsyncClient, rooms: Rooms) -> None:
    put = await admin.put("/api/aliases/gpt-4o", json={"models": ["llama3.2:3b"]})
    assert put.json() == {"models": ["llama3.2:3b"], "alias": "gpt-4o"}
    assert (await anna.put("/api/aliases/x", json={"models": ["m"]})).status_code == 403
    assert [each["alias"] for each in (await anna.get("/api/aliases")).json()["aliases"]] == ["gpt-4o"]
    assert [each["id"] for each in (await anna.get("/v1/models")).json()["data"]] == ["gpt-4o", "llama3.2:3b"]
    asking = ask(anna, model="gpt-4o")
    host = await said(rooms, asking)
    await host.end(0)
    response = await asking
    assert (response.json()["model"], response.headers["x-hive-model"]) == ("gpt-4o", "llama3.2:3b")
    assert rooms.tasks[host.task_id].model == "llama3.2:3b"
    assert (await admin.delete("/api/aliases/gpt-4o")).status_code == 204
    assert (await admin.delete("/api/aliases/gpt-4o")).status_code == 404
    assert (await anna.post("/v1/chat/completions", json={**ASK, "model": "gpt-4o"})).status_code == 404


async def test_a_key_of_aliases_alone_is_no_stranger_to_ollamas_door(gateway: Gateway, memory_bus: InMemoryBus) -> None:
    for name, chain in {"chat": ("llama3.2:3b",), "other": ("llama3.2:3b",)}.items():
        await memory_bus.put(subjects.KV_ALIASES, subjects.model_key(name), ModelAlias(alias=name, models=chain))
    only = Claims(sub="ben", roles=(Role.DEVELOPER,), models=("chat",))
    await memory_bus.put(subjects.KV_KEYS, auth.hash_key("sk-hive-ben"), only)
    async with client_of(gateway, "sk-hive-ben") as ben:
        statuses = [
            (await ben.post("/api/embed", json={"model": model, "input": []})).status_code
            for model in ("chat", "other", "llama3.2:3b")
        ]
    assert statuses == [200, 404, 404]
