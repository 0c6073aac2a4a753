"""POST /api/tasks: what is taken, what is refused and how, and what is promised."""

import asyncio
from collections.abc import AsyncIterator
from datetime import UTC, datetime
from uuid import UUID, uuid4

import pytest
from httpx import AsyncClient, Response

from bus import auth, subjects
from bus.client import Bus
from bus.errors import IdempotencyMismatch
from bus.messages import Claims, Role, TaskClass, TaskRequest
from bus.mirror import Mirror
from bus.overview import Overview
from bus.quotas import Quotas
from bus.submit import accepted, unknown_model
from bus.testing import InMemoryBus
from coordinator.gateway.gateway import Gateway, open_gateway
from coordinator.gateway.overload import Overload
from coordinator.gateway.settings import GatewaySettings
from coordinator.gateway.submission import Submission, body_hash, new_task_id
from tests.unit.gateway.conftest import client_of
from tests.unit.gateway.rooms import Rooms

HELLO = {"prompt": "Say hello."}
DEVELOPER = Claims(sub="anna", roles=(Role.DEVELOPER,))


def lonely(bus: Bus) -> Submission:
    """A door on a bus where no other room listens."""
    return Submission(bus, Mirror(bus, subjects.KV_MODELS, bytes.decode), Quotas(bus), Overload(Overview(bus), 1000), 1000)


def code_of(response: Response) -> tuple[int, str]:
    assert response.headers["content-type"] == "application/problem+json"
    return response.status_code, response.json()["code"]


async def test_a_task_is_on_the_bus_when_it_is_answered(anna: AsyncClient, memory_bus: InMemoryBus) -> None:
    response = await anna.post("/api/tasks", json={**HELLO, "priority": "high", "title": "Greeting"})
    task = response.json()
    assert response.status_code == 201
    assert (task["status"], task["priority"], task["position"], task["owner"]) == ("queued", 1, None, "anna")
    assert response.headers["location"] == f"/api/tasks/{task['id']}"
    stored = await memory_bus.last(subjects.TASKS, subjects.submits_of_task(task["id"]))
    assert stored is not None
    assert stored.subject == f"hive.tasks.submit.default.high.{task['id']}"
    assert stored.headers[subjects.HEADER_OWNER] == "anna"
    assert stored.decode(TaskRequest).title == "Greeting"


async def test_a_submit_needs_no_coordinator() -> None:
    bus = InMemoryBus()
    submitted = await lonely(bus).submit(TaskRequest(prompt="hi"), DEVELOPER, task_id=uuid4())
    assert submitted.created
    assert await bus.last(subjects.TASKS, subjects.submits_of_task(submitted.record.id))


@pytest.mark.parametrize(
    ("body", "status", "code", "said"),
    [
        (b"{", 400, "invalid_json", "Send one JSON object"),
        (b'{"prompt": "\\ud800"}', 400, "invalid_json", "hex escape"),
        (b'{"prompt": "hi", "options": {"a": NaN}}', 400, "invalid_json", "not valid JSON"),
        (b'{"prompt": "hi", "options": ' + b'{"a":' * 500 + b"1" + b"}" * 501, 400, "invalid_json", "recursion"),
        (b"[]", 422, "invalid_request", "dictionary"),
        (b"", 422, "invalid_request", "The body is empty"),
        (b'{"promt": "hi"}', 422, "invalid_request", "`promt` is not a field that Hive knows"),
        (b"{}", 422, "invalid_request", "either `prompt` or `messages`"),
        (b'{"prompt": "hi", "messages": [{"role": "user"}]}', 422, "invalid_request", "not both"),
        (b'{"prompt": "a\\u0000b"}', 422, "invalid_request", "U+0000"),
        (b'{"prompt": "hi", "priority": 9}', 422, "invalid_request", "`priority`"),
        (b'{"prompt": "hi", "depends_on": ["x"]}', 422, "invalid_request", "`depends_on.0`"),
        (b'{"prompt": "hi", "model": "lama3.2:3b"}', 422, "unknown_model", "llama3.2:3b"),
        (b'{"prompt": "' + b"x" * 20_000 + b'"}', 413, "payload_too_large", "10,000"),
    ],
)
async def test_what_is_not_a_task_is_refused_in_words(
    anna: AsyncClient, memory_bus: InMemoryBus, body: bytes, status: int, code: str, said: str
) -> None:
    response = await anna.post("/api/tasks", content=body, headers={"content-type": "application/json"})
    assert code_of(response) == (status, code)
    assert said in response.json()["detail"]
    assert await memory_bus.last(subjects.TASKS, subjects.submits_of_task("*")) is None


async def test_a_body_that_grows_beyond_the_limit_is_not_read_to_its_end(anna: AsyncClient) -> None:
    sent = 0

    async def endless() -> AsyncIterator[bytes]:
        nonlocal sent
        while True:
            sent += 1000
            yield b"x" * 1000

    response = await anna.post("/api/tasks", content=endless(), headers={"content-type": "application/json"})
    assert code_of(response) == (413, "payload_too_large")
    assert sent < 20_000


async def test_a_body_must_say_that_it_is_json(anna: AsyncClient) -> None:
    response = await anna.post("/api/tasks", content=b'{"prompt": "hi"}', headers={"content-type": "text/plain"})
    assert code_of(response) == (415, "unsupported_media_type")


async def test_a_model_that_was_just_seen_is_known(anna: AsyncClient, memory_bus: InMemoryBus) -> None:
    await memory_bus.put(subjects.KV_MODELS, subjects.model_key("new:1b"), b"new:1b")
    assert (await anna.post("/api/tasks", json={**HELLO, "model": "new:1b"})).status_code == 201


async def test_a_viewer_may_not_submit(viewer: AsyncClient) -> None:
    assert code_of(await viewer.post("/api/tasks", json=HELLO)) == (403, "permission_denied")


async def test_a_key_with_a_model_list_is_held_to_it(gateway: Gateway, memory_bus: InMemoryBus) -> None:
    claims = Claims(sub="ci", roles=(Role.DEVELOPER,), models=("qwen3:8b",))
    await memory_bus.put(subjects.KV_KEYS, auth.hash_key("sk-hive-ci"), claims)
    async with client_of(gateway, "sk-hive-ci") as ci:
        assert (await ci.post("/api/tasks", json={**HELLO, "model": "qwen3:8b"})).status_code == 201
        assert code_of(await ci.post("/api/tasks", json={**HELLO, "model": "llama3.2:3b"})) == (403, "permission_denied")
        assert code_of(await ci.post("/api/tasks", json=HELLO)) == (403, "permission_denied")


async def test_a_restricted_key_hears_of_no_other_models_and_not_that_there_are_none(
    gateway: Gateway, memory_bus: InMemoryBus
) -> None:
    claims = Claims(sub="ci", roles=(Role.DEVELOPER,), models=("gone:1b",))
    await memory_bus.put(subjects.KV_KEYS, auth.hash_key("sk-hive-ci"), claims)
    async with client_of(gateway, "sk-hive-ci") as ci:
        response = await ci.post("/api/tasks", json={**HELLO, "model": "gone:1b"})
    assert code_of(response) == (422, "unknown_model")
    assert "nor any other model that this key may use" in response.json()["detail"]
    assert not any(secret in response.text for secret in ("llama3.2", "qwen3", "hive agents add"))


async def test_a_dependency_must_exist(anna: AsyncClient) -> None:
    response = await anna.post("/api/tasks", json={**HELLO, "depends_on": [str(uuid4())]})
    assert code_of(response) == (422, "unknown_dependency")


async def test_a_dependency_of_another_owner_is_as_good_as_none(anna: AsyncClient, admin: AsyncClient) -> None:
    other = (await admin.post("/api/tasks", json=HELLO)).json()["id"]
    assert code_of(await anna.post("/api/tasks", json={**HELLO, "depends_on": [other]})) == (422, "unknown_dependency")


async def test_a_task_that_waits_for_another_is_pending(anna: AsyncClient) -> None:
    first = (await anna.post("/api/tasks", json=HELLO)).json()["id"]
    second = await anna.post("/api/tasks", json={**HELLO, "depends_on": [first]})
    assert second.status_code == 201
    assert second.json()["status"] == "pending"


async def test_a_task_cannot_wait_for_itself(anna: AsyncClient) -> None:
    own = str(new_task_id("default", "loop"))
    response = await anna.post("/api/tasks", json={**HELLO, "depends_on": [own]}, headers={"Idempotency-Key": "loop"})
    assert code_of(response) == (422, "dependency_cycle")


async def test_the_same_key_with_the_same_body_is_the_same_task(anna: AsyncClient) -> None:
    headers = {"Idempotency-Key": "import-1"}
    first = await anna.post("/api/tasks", json={**HELLO, "priority": 3}, headers=headers)
    again = await anna.post("/api/tasks", json={"priority": "medium", **HELLO}, headers=headers)
    assert (first.status_code, again.status_code) == (201, 200)
    assert first.json()["id"] == again.json()["id"]


async def test_what_a_key_is_compared_by_is_shown_to_nobody(anna: AsyncClient) -> None:
    task = (await anna.post("/api/tasks", json=HELLO, headers={"Idempotency-Key": "import-1"})).json()
    again = (await anna.get(f"/api/tasks/{task['id']}")).json()
    assert not any("hash" in field for field in (*task, *again))


async def test_the_same_key_with_another_body_is_refused(anna: AsyncClient) -> None:
    headers = {"Idempotency-Key": "import-1"}
    await anna.post("/api/tasks", json=HELLO, headers=headers)
    response = await anna.post("/api/tasks", json={"prompt": "Something else."}, headers=headers)
    assert code_of(response) == (409, "idempotency_mismatch")


async def test_a_key_holds_when_the_bus_has_long_forgotten_it(anna: AsyncClient, rooms: Rooms, memory_bus: InMemoryBus) -> None:
    """The server knows an id for two minutes, and the record for as long as it keeps the task."""
    headers, request = {"Idempotency-Key": "import-1"}, TaskRequest.model_validate(HELLO)
    task_id = new_task_id("default", "import-1")
    rooms.tasks[task_id] = accepted(task_id, request, DEVELOPER, datetime.now(UTC))
    rooms.hashes[task_id] = body_hash(request)
    again = await anna.post("/api/tasks", json=HELLO, headers=headers)
    assert (again.status_code, again.json()["id"]) == (200, str(task_id))
    other = await anna.post("/api/tasks", json={"prompt": "Something else."}, headers=headers)
    assert code_of(other) == (409, "idempotency_mismatch")
    assert await memory_bus.last(subjects.TASKS, subjects.submits_of_task(task_id)) is None


async def test_the_key_of_somebody_else_is_refused(anna: AsyncClient, admin: AsyncClient) -> None:
    headers = {"Idempotency-Key": "import-1"}
    await admin.post("/api/tasks", json=HELLO, headers=headers)
    assert code_of(await anna.post("/api/tasks", json=HELLO, headers=headers)) == (409, "idempotency_mismatch")


async def test_without_a_coordinator_the_stream_decides_what_a_key_has_brought(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("coordinator.gateway.submission.LOOK_SECONDS", 0.05)
    submission, task_id = lonely(InMemoryBus()), new_task_id("default", "k")
    first = await submission.submit(TaskRequest(prompt="hi"), DEVELOPER, task_id=task_id, idempotency_key="k")
    again = await submission.submit(TaskRequest(prompt="hi"), DEVELOPER, task_id=task_id, idempotency_key="k")
    assert (first.created, again.created) == (True, False)
    assert again.record == first.record.model_copy(update={"created_at": again.record.created_at})
    with pytest.raises(IdempotencyMismatch):
        await submission.submit(TaskRequest(prompt="ho"), DEVELOPER, task_id=task_id, idempotency_key="k")


@pytest.mark.parametrize("key", ["", "x" * 256, "a\tb"])
async def test_a_key_is_short_and_plain(anna: AsyncClient, key: str) -> None:
    response = await anna.post("/api/tasks", json=HELLO, headers={"Idempotency-Key": key})
    assert code_of(response) == (422, "invalid_request")


async def test_a_full_stream_refuses_and_says_when_to_come_back() -> None:
    full = InMemoryBus(stream_bytes=10)
    await full.put(subjects.KV_KEYS, auth.hash_key("k"), DEVELOPER)
    async with open_gateway(full, GatewaySettings()) as gateway, client_of(gateway, "k") as client:
        response = await client.post("/api/tasks", json=HELLO)
    assert code_of(response) == (503, "queue_full")
    assert response.headers["retry-after"] == "60"


async def test_wait_answers_with_the_ended_task(anna: AsyncClient, rooms: Rooms, memory_bus: InMemoryBus) -> None:
    waiting = asyncio.create_task(anna.post("/api/tasks?wait=10", json=HELLO))
    await rooms.finish(await first_task(rooms), "Hello there.")
    response = await waiting
    assert response.status_code == 201
    assert response.json()["status"] == "completed"
    assert response.json()["output"]["text"] == "Hello there."


async def test_wait_ends_with_the_task_as_it_is(anna: AsyncClient) -> None:
    response = await anna.post("/api/tasks?wait=0.05", json=HELLO)
    assert (response.status_code, response.json()["status"]) == (201, "queued")


async def test_an_end_that_was_not_announced_is_found_by_looking(
    anna: AsyncClient, rooms: Rooms, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("coordinator.gateway.waiting.POLL_SECONDS", 0.05)
    waiting = asyncio.create_task(anna.post("/api/tasks?wait=10", json=HELLO))
    await rooms.finish(await first_task(rooms), announce=False)
    async with asyncio.timeout(5):  # long before the client's own patience ends, which looks too
        assert (await waiting).json()["status"] == "completed"


async def test_who_waits_is_let_go_when_the_gateway_stops(anna: AsyncClient, rooms: Rooms, gateway: Gateway) -> None:
    waiting = asyncio.create_task(anna.post("/api/tasks?wait=300", json=HELLO))
    await first_task(rooms)
    gateway.stop()
    async with asyncio.timeout(2):
        assert (await waiting).json()["status"] == "queued"


@pytest.mark.parametrize("wait", ["-1", "301", "soon", "nan"])
async def test_wait_is_bounded(anna: AsyncClient, wait: str) -> None:
    assert code_of(await anna.post(f"/api/tasks?wait={wait}", json=HELLO)) == (422, "invalid_request")


async def first_task(rooms: Rooms) -> UUID:
    """The id of the first task that arrives."""
    async with asyncio.timeout(5):
        while not rooms.tasks:
            await asyncio.sleep(0.001)
    return next(iter(rooms.tasks))


def test_the_hash_does_not_see_spelling() -> None:
    written_out = TaskRequest.model_validate({"prompt": "x", "priority": 3, "options": {"b": 1, "a": 2}})
    assert body_hash(written_out) == body_hash(TaskRequest(prompt="x", options={"a": 2, "b": 1}))
    assert body_hash(written_out) != body_hash(TaskRequest(prompt="y", options={"a": 2, "b": 1}))


async def test_a_submit_is_not_dropped_because_another_tenant_has_used_its_id() -> None:
    """The server drops what bears an id that it knows, whatever its subject."""
    bus, task_id = InMemoryBus(), uuid4()
    for tenant in ("default", "umbrella"):
        claims = DEVELOPER.model_copy(update={"tenant": tenant})
        await lonely(bus).submit(TaskRequest(prompt="hi"), claims, task_id=task_id)
        stored = await bus.last(subjects.TASKS, subjects.submit(tenant, TaskClass.MEDIUM, task_id))
        assert stored is not None


def test_tenants_do_not_share_keys() -> None:
    assert new_task_id("a", "k") != new_task_id("b", "k")
    assert new_task_id("a", "k") == new_task_id("a", "k")
    assert new_task_id("a", None) != new_task_id("a", None)


def test_an_unknown_model_names_what_is_near() -> None:
    assert unknown_model("lama", ["zephyr", "llama3"]).endswith("Known are llama3, zephyr.")
    assert unknown_model("lama", ["llama3"], restricted=True).endswith("Of those that this key may use, known are llama3.")
    assert "`hive agents add`" in unknown_model("x", [])
