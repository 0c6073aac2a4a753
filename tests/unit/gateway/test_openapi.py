"""The API describes itself completely, and its examples are true."""

import json
import re
from typing import Any

import pytest
from fastapi.openapi.models import Example
from httpx import AsyncClient
from pydantic import BaseModel

from bus.auth import Permission
from bus.messages import AddUpstream, CreateKey, CreateSchedule, TaskRequest, Timing, Timings, UpdateSchedule, Usage
from bus.messages.alerts import CreateSilence, DryRun, PutRules
from bus.messages.aliases import AliasTargets
from bus.messages.benchmarks import BenchmarkWish
from bus.messages.joining import CreateJoinToken, JoinHive
from bus.messages.maintenance import PlanMaintenance
from bus.messages.notifications import TargetWish
from bus.messages.orders import DrainWish, LabelChanges, LabelSet
from coordinator.gateway.app import create_app
from coordinator.gateway.docs_page import render
from coordinator.gateway.examples import agents, alerts, keys, models, notifications, schedules, tasks
from coordinator.gateway.gate import AUTHORITY_PATH, JOIN_PATH, LOGIN_PATH, METRICS_PATH, OPEN_PATHS, REFRESH_PATH
from coordinator.gateway.gateway import Gateway
from coordinator.gateway.llm.anthropic import messages_answer, messages_request
from coordinator.gateway.llm.dialects import dialect_of
from coordinator.gateway.llm.examples import OPERATIONS
from coordinator.gateway.llm.ollama import answer as ollama_answer
from coordinator.gateway.llm.openai import chat_answer, chat_request
from coordinator.gateway.llm.wording import Choice, Whole
from coordinator.gateway.routes.declared import ANY_KEY, NO_KEY, PERMISSION_FIELD
from coordinator.gateway.routes.tasks import Assignment

MINIMAL: dict[str, Any] = {
    "info": {"title": "x", "version": "1", "description": "`a` b"},
    "paths": {},
    "components": {"schemas": {}, "securitySchemes": {}},
}
Operation = dict[str, Any]
SEED = {
    ("post", "/api/tasks"),
    ("get", "/api/tasks/{task_id}"),
    ("put", "/api/tasks/{task_id}/assign"),
    ("delete", "/api/tasks/{task_id}"),
    ("get", "/api/status/cluster"),
    ("get", "/api/status/agents"),
    ("get", "/api/metrics/performance"),
    ("get", "/api/agents/{agent_id}/metrics"),
}


@pytest.fixture
def document(gateway: Gateway) -> dict[str, Any]:
    return create_app(gateway).openapi()


@pytest.fixture
def operations(document: dict[str, Any]) -> dict[tuple[str, str], Operation]:
    return {(method, path): operation for path, item in document["paths"].items() for method, operation in item.items()}


def test_the_routes_of_the_seed_are_there(operations: dict[tuple[str, str], Operation]) -> None:
    assert set(operations) >= SEED


def test_every_route_has_a_summary_a_description_and_a_permission(operations: dict[tuple[str, str], Operation]) -> None:
    for (method, path), operation in operations.items():
        assert operation["summary"], (method, path)
        assert operation["description"], (method, path)
        named = str(operation[PERMISSION_FIELD]).partition(",")[0]
        if path in OPEN_PATHS | {METRICS_PATH, JOIN_PATH, LOGIN_PATH, REFRESH_PATH}:
            assert (named, operation["security"]) == (NO_KEY, [])
        else:
            assert named in {*Permission, ANY_KEY}
            assert "security" not in operation


def test_every_route_documents_its_errors(operations: dict[tuple[str, str], Operation]) -> None:
    for (method, path), operation in operations.items():
        if path in OPEN_PATHS or dialect_of(path) is not None:
            continue
        wanted = {"401"} if path == METRICS_PATH else {"401", "422", "503", "504"}
        wanted = {"404"} if path == AUTHORITY_PATH else wanted
        wanted = wanted - {"401"} | {"403", "409", "429"} if path == JOIN_PATH else wanted
        wanted |= {"400", "413", "415"} if "requestBody" in operation else set()
        wanted |= {"400"} if "{" in path else set()
        assert wanted <= set(operation["responses"]), (method, path)
        for status, response in operation["responses"].items():
            if int(status) >= 400:
                shown = response["content"]["application/problem+json"]
                assert shown["schema"] == {"$ref": "#/components/schemas/Problem"}
                assert all(str(example["value"]["status"]) == status for example in shown["examples"].values())


def test_every_answer_has_an_example(operations: dict[tuple[str, str], Operation]) -> None:
    for (method, path), operation in operations.items():
        for status, response in operation["responses"].items():
            content = response.get("content", {}).get("application/json")
            if content is not None:
                assert content.get("example") or content.get("examples"), (method, path, status)
    ready = operations["get", "/readyz"]["responses"]
    assert [ready[status]["content"]["application/json"]["example"]["ready"] for status in ("200", "503")] == [True, False]
    metrics = operations["get", METRICS_PATH]["responses"]["200"]["content"]
    assert 'hive_task_queue_length{class="medium"} 3.0' in metrics["text/plain"]["example"]
    stream = operations["get", "/api/tasks/{task_id}/output"]["responses"]["200"]["content"]
    assert list(stream) == ["text/event-stream"]
    assert "\n\nid: 1:5\nevent: delta\n" in stream["text/event-stream"]["example"]
    assert stream["text/event-stream"]["example"].startswith("event: queue\n")


@pytest.mark.parametrize(("method", "path"), list(OPERATIONS))
def test_a_door_documents_its_errors_in_its_protocols_form(
    operations: dict[tuple[str, str], Operation], method: str, path: str
) -> None:
    known, operation = OPERATIONS[method, path], operations[method, path]
    wanted = {"400", "401", "403", "503"} | ({"404", "413"} if known.takes else set()) | ({"409"} if known.is_task else set())
    assert wanted <= set(operation["responses"])
    assert "422" not in operation["responses"]
    for status, response in operation["responses"].items():
        if int(status) >= 400:
            for example in response["content"]["application/json"]["examples"].values():
                assert example["value"]["error"]


def test_every_operation_of_the_doors_is_described(operations: dict[tuple[str, str], Operation]) -> None:
    assert {(method, path) for method, path in operations if dialect_of(path) is not None} == set(OPERATIONS)
    for (method, path), known in OPERATIONS.items():
        if known.takes is not None:
            body = operations[method, path]["requestBody"]["content"]["application/json"]
            known.takes.model_validate(body["examples"]["request"]["value"])


def test_what_the_doors_answer_has_the_fields_of_the_examples() -> None:
    whole = Whole(choices=[Choice(text="Hello!", finish_reason="stop")], usage=Usage(prompt_tokens=12, completion_tokens=2))
    whole.timings = Timings(generation_seconds=0.04)
    chat = OPERATIONS["post", "/v1/chat/completions"]
    assert chat.body is not None
    messages = OPERATIONS["post", "/v1/messages"]
    assert messages.body is not None
    asked = messages_request.MessagesRequest.model_validate(messages.body)
    for operation, wording in (
        (chat, chat_answer.ChatWording(chat_request.ChatRequest.model_validate(chat.body))),
        (messages, messages_answer.MessagesWording(asked, "r1")),
        (OPERATIONS["post", "/api/chat"], ollama_answer.ChatWording("m")),
        (OPERATIONS["post", "/api/generate"], ollama_answer.GenerateWording("m")),
    ):
        assert set(json.loads(wording.whole(whole))) == set(operation.answer)


def test_a_submit_that_was_made_before_and_a_requeue_that_cannot_help_are_described(
    operations: dict[tuple[str, str], Operation],
) -> None:
    submitted = operations["post", "/api/tasks"]["responses"]
    assert submitted["200"]["content"]["application/json"] == submitted["201"]["content"]["application/json"]
    assert "424" in operations["post", "/api/tasks/{task_id}/requeue"]["responses"]


def test_every_reference_leads_somewhere(document: dict[str, Any]) -> None:
    def references(node: object) -> set[str]:
        if isinstance(node, dict):
            own = {node["$ref"]} if isinstance(node.get("$ref"), str) else set()
            return own.union(*(references(inner) for inner in node.values()))
        if isinstance(node, list):
            return set().union(*(references(inner) for inner in node))
        return set()

    names = {f"#/components/schemas/{name}" for name in document["components"]["schemas"]}
    assert references(document) <= names
    assert not any("ValidationError" in name for name in names)


def test_every_body_has_an_example_that_holds(operations: dict[tuple[str, str], Operation]) -> None:
    for operation in operations.values():
        for content in operation.get("requestBody", {}).get("content", {}).values():
            assert content["examples"], operation["summary"]
    bodies: dict[type[BaseModel], dict[str, Example]] = {
        TaskRequest: tasks.TASK_REQUESTS,
        AddUpstream: agents.UPSTREAMS,
        CreateKey: keys.KEYS,
        CreateJoinToken: keys.JOIN_TOKENS,
        JoinHive: keys.JOINS,
        BenchmarkWish: agents.BENCHMARKS,
        PlanMaintenance: agents.MAINTENANCE,
        PutRules: alerts.RULES,
        CreateSilence: alerts.SILENCES,
        DryRun: alerts.DRY_RUNS,
        TargetWish: notifications.TARGETS,
        AliasTargets: models.ALIASES,
        DrainWish: agents.DRAINS,
        LabelSet: agents.LABEL_SETS,
        LabelChanges: agents.LABEL_CHANGES,
        Assignment: tasks.ASSIGNMENTS,
        CreateSchedule: schedules.SCHEDULES,
        UpdateSchedule: schedules.SCHEDULE_CHANGES,
        Timing: schedules.TIMINGS,
    }
    for model, shown in bodies.items():
        assert shown
        for example in shown.values():
            model.model_validate(example["value"])


async def test_the_document_and_its_page_are_served(anna: AsyncClient) -> None:
    document = (await anna.get("/openapi.json")).json()
    assert set(document["components"]["securitySchemes"]) == {"bearer", "apiKey", "basic"}
    page = await anna.get("/docs")
    assert all(path in page.text for path in document["paths"])
    assert "default-src 'none'" in page.headers["content-security-policy"]


async def test_the_page_needs_nothing_from_elsewhere_and_its_links_lead_somewhere(anna: AsyncClient) -> None:
    text = (await anna.get("/docs")).text
    assert "<script" not in text
    assert not re.search(r'src=|url\(|<link|href="http', text)
    anchors = set(re.findall(r'id="([^"]+)"', text))
    assert set(re.findall(r'href="#([^"]+)"', text)) <= anchors
    shown = render({**MINIMAL, "info": {**MINIMAL["info"], "title": "<b>"}})
    assert "<b>" not in shown
    assert "&lt;b&gt;" in shown
