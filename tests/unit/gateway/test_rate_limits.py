"""Rate limits by user, role and route: at every door in its protocol's form, and the seed's where nobody said otherwise."""

import pytest
from httpx import AsyncClient
from pydantic import ValidationError

from bus.limits.counting import Counting
from bus.limits.limits import Limits
from bus.limits.rates import Limited, most_for
from bus.messages import Claims, Role
from bus.testing import InMemoryBus
from coordinator.gateway.gateway import Gateway
from coordinator.gateway.settings import GatewaySettings
from tests.unit.gateway.conftest import ANNA, PEOPLE

FEW = {"api.tasks.create": {"developer": 2}, "api.llm.ask": {"developer": 1}}
TASK = {"prompt": "Say hello."}
CHAT = {"model": "llama3.2:3b", "messages": [{"role": "user", "content": "hi"}]}


@pytest.fixture
def settings() -> GatewaySettings:
    return GatewaySettings.model_validate({"max_body_bytes": 10_000, "rate_limits": FEW})


async def test_the_limit_is_told_and_then_refused_with_the_time_to_come_back(anna: AsyncClient, admin: AsyncClient) -> None:
    first = await anna.post("/api/tasks", json=TASK)
    assert first.status_code == 201
    assert first.headers["ratelimit-policy"] == '"api.tasks.create";q=2;w=3600'
    assert first.headers["ratelimit"].startswith('"api.tasks.create";r=1;t=')
    assert (first.headers["ratelimit-limit"], first.headers["ratelimit-remaining"]) == ("2", "1")
    assert (await anna.post("/api/tasks", json=TASK)).status_code == 201
    third = await anna.post("/api/tasks", json=TASK)
    assert (third.status_code, third.json()["code"]) == (429, "rate_limited")
    assert 0 < int(third.headers["retry-after"]) <= 3600
    assert third.headers["ratelimit-remaining"] == "0"
    other = await admin.post("/api/tasks", json=TASK)
    assert other.status_code == 201
    assert "ratelimit" not in other.headers


@pytest.mark.parametrize(
    ("path", "body", "form"),
    [
        ("/v1/chat/completions", CHAT, {"type": "requests", "code": "rate_limit_exceeded"}),
        ("/v1/messages", {**CHAT, "max_tokens": 5}, {"type": "rate_limit_error"}),
        ("/api/chat", {**CHAT, "stream": False}, None),
    ],
)
async def test_doors_of_models_refuse_in_their_own_form(
    gateway: Gateway, anna: AsyncClient, path: str, body: dict[str, object], form: dict[str, str] | None
) -> None:
    (await gateway.limits.take(Limited.LLM_ASK, PEOPLE[ANNA])).require()
    response = await anna.post(path, json=body)
    assert response.status_code == 429, response.text
    assert 0 < int(response.headers["retry-after"]) <= 3600
    assert response.headers["ratelimit-limit"] == "1"
    said = response.json()["error"]
    assert (isinstance(said, str) and "an hour" in said) if form is None else form.items() <= said.items()


async def test_a_role_that_may_never_is_refused_by_permission(viewer: AsyncClient, anna: AsyncClient, gateway: Gateway) -> None:
    for client in (viewer, anna):
        response = await client.post("/api/agents", json={"url": "http://127.0.0.1:1"})
        assert (response.status_code, response.json()["code"]) == (403, "permission_denied")
    never = Limits({Limited.LLM_ASK: {Role.DEVELOPER: 0}}, Counting(None))
    refusal = (await never.take(Limited.LLM_ASK, PEOPLE[ANNA])).refusal
    assert refusal is not None
    assert refusal.code == "permission_denied"


async def test_users_and_tenants_are_counted_apart() -> None:
    limits = Limits({Limited.TASKS_CREATE: {Role.DEVELOPER: 1}}, Counting(None))
    anna = Claims(sub="anna", roles=(Role.DEVELOPER,))
    assert (await limits.take(Limited.TASKS_CREATE, anna)).refusal is None
    assert (await limits.take(Limited.TASKS_CREATE, anna)).refusal is not None
    for other in (Claims(sub="ben", roles=anna.roles), anna.model_copy(update={"tenant": "other"})):
        assert (await limits.take(Limited.TASKS_CREATE, other)).refusal is None


def test_the_defaults_are_the_seeds_and_a_setting_changes_what_it_names() -> None:
    plain = GatewaySettings().rate_limits
    assert most_for(plain, Limited.WORKFLOWS_CREATE, [Role.ADMIN]) == 100
    assert most_for(plain, Limited.EXECUTIONS_START, [Role.DEVELOPER]) == 100
    assert most_for(plain, Limited.AGENTS_REGISTER, [Role.VIEWER]) == 0
    assert most_for(plain, Limited.WORKFLOWS_CREATE, [Role.DEVELOPER, Role.ADMIN]) == 100
    assert not Limits(plain, Counting(None)).limits(Limited.LLM_ASK)
    changed = GatewaySettings.model_validate({"rate_limits": {"api.executions.start": {"developer": None}}}).rate_limits
    assert most_for(changed, Limited.EXECUTIONS_START, [Role.DEVELOPER]) is None
    assert most_for(changed, Limited.EXECUTIONS_START, [Role.ADMIN]) == 200
    with pytest.raises(ValidationError, match="rate_limits"):
        GatewaySettings.model_validate({"rate_limits": {"api.nothing": {"developer": 5}}})


async def test_the_setting_comes_as_json(monkeypatch: pytest.MonkeyPatch, memory_bus: InMemoryBus) -> None:
    monkeypatch.setenv("HIVE_RATE_LIMITS", '{"api.llm.ask": {"viewer": 7}}')
    assert GatewaySettings().rate_limits[Limited.LLM_ASK] == {Role.VIEWER: 7}
