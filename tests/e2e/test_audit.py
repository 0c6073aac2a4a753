"""The audit log of a whole hive: every route that changes something leaves a record, none of them a secret, and people find them."""

import json
import re
import uuid
from collections.abc import Iterator
from typing import Any

import httpx
import pytest
from playwright.async_api import Page, expect

from coordinator.gateway.routes.declared import PERMISSION_FIELD
from tests.parts.hive import Hive, wait_until

pytestmark = pytest.mark.slow

ANSWER_MS = 60_000
CHANGING = ("post", "put", "patch", "delete")
NOT_CHANGES = {
    "POST /api/tasks": "a task is a record of its own",
    "POST /api/tasks/explain": "a dry run",
    "POST /api/alerts/rules/dry-run": "a dry run",
    "POST /api/schedules/preview": "tells times",
    "POST /api/auth/login": "its example is nobody",
    "POST /api/auth/refresh": "its example is nobody's",
    "POST /api/auth/logout": "a key has no session",
    "POST /api/auth/password": "a key has no password",
}
"""What no record is expected of, and why. The doors of clients (OpenAI's and the others') submit tasks."""
DOORS_OF_CLIENTS = ("OpenAI", "Ollama", "Anthropic")
"""Those of Ollama that change models ask the verbs that /api/models asks, once a host is found, which this hive has none of."""


@pytest.fixture(scope="module")
def hive(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Hive]:
    hive = Hive(tmp_path_factory.mktemp("audit") / "hive", HIVE_RATE_LIMITS='{"api.agents.register": {"admin": null}}')
    hive.start()
    yield hive
    hive.stop()


@pytest.fixture(scope="module")
def api(hive: Hive) -> Iterator[httpx.Client]:
    key = json.loads(hive.run("keys", "create", "ada", "--role", "admin", "--json").stdout)["key"]
    with httpx.Client(base_url=hive.json("status")["api"], headers={"x-api-key": key}, timeout=60, trust_env=False) as client:
        yield client


def _path(path: str, operation: dict[str, Any]) -> str:
    for parameter in operation.get("parameters", []):
        if parameter["in"] != "path":
            continue
        example = (parameter.get("schema", {}).get("examples") or parameter.get("examples") or [None])[0]
        path = path.replace("{" + parameter["name"] + "}", str(example or uuid.UUID(int=11)))
    return path


def _bodies(operation: dict[str, Any]) -> list[Any]:
    """One, on this machine."""
    content = operation.get("requestBody", {}).get("content", {}).get("application/json", {})
    examples = [example["value"] for example in content.get("examples", {}).values()]
    text = json.dumps(examples[:1])
    return list(json.loads(re.sub(r"https?://[^/\"]+", "http://127.0.0.1:9", text)))


def _query(operation: dict[str, Any]) -> dict[str, Any]:
    wanted = {"kind": "user", "name": "anna", "unit": "tokens", "period": "day", "agent_id": "acacia"}
    named = {parameter["name"] for parameter in operation.get("parameters", []) if parameter["in"] == "query"}
    return {name: value for name, value in wanted.items() if name in named}


def _changing(document: dict[str, Any]) -> Iterator[tuple[str, str, dict[str, Any]]]:
    for path, operations in document["paths"].items():
        for method, operation in operations.items():
            name = f"{method.upper()} {path}"
            of_clients = operation["tags"][0] in DOORS_OF_CLIENTS
            if method in CHANGING and name not in NOT_CHANGES and not of_clients:
                assert PERMISSION_FIELD in operation
                yield method.upper(), path, operation


def _records(api: httpx.Client) -> list[dict[str, Any]]:
    exported = api.get("/api/audit/export")
    exported.raise_for_status()
    return [json.loads(line) for line in exported.text.splitlines()]


def test_every_route_that_changes_something_leaves_a_record(api: httpx.Client) -> None:
    document = api.get("/openapi.json").raise_for_status().json()
    schedule = {"name": "nightly", "cron": "0 3 * * *", "task": {"prompt": "Say hello."}}
    schedule_id = api.post("/api/schedules", json=schedule).raise_for_status().json()["id"]
    asked: dict[str, str] = {}
    for method, path, operation in _changing(document):
        for body in _bodies(operation) or [None]:
            answer = api.request(
                method,
                _path(path.replace("{schedule_id}/run", f"{schedule_id}/run"), operation),
                json=body,
                params=_query(operation),
            )
            assert answer.status_code not in (401, 405, 500), (method, path, answer.text)
            asked[answer.headers["x-request-id"]] = f"{method} {path}: {answer.status_code} {answer.text[:200]}"
    assert len(asked) > 50
    missing = dict(asked)

    def all_there() -> bool:
        for record in _records(api):
            if record.get("trace_id") in missing and record["result"] != "begun":
                del missing[record["trace_id"]]
        return not missing

    try:
        wait_until(all_there, 20)
    except AssertionError:
        raise AssertionError("without a record:\n" + "\n".join(missing.values())) from None


def test_no_record_holds_a_secret(api: httpx.Client) -> None:
    secret = "hush-" + uuid.uuid4().hex
    wishes = [
        ("POST", "/api/credentials", {"name": "door", "type": "httpHeaderAuth", "data": {"name": "x", "value": secret}}),
        ("POST", "/api/agents", {"url": f"http://ada:{secret}@127.0.0.1:9", "key": secret}),
        ("PUT", "/api/alerts/targets/ops", {"url": f"json://127.0.0.1:9/{secret}"}),
        ("POST", "/api/mcp-servers", {"name": "tools", "url": f"http://127.0.0.1:9/?k={secret}", "headers": {"a": secret}}),
        ("POST", "/api/join", {"token": secret, "name": "h", "public_key": "U", "signature": secret}),
        ("POST", "/api/workflows", {"document": {"name": secret, "nodes": [], "connections": {}}}),
    ]
    answers = [api.request(method, path, json=body) for method, path, body in wishes]
    made = api.post("/api/keys", json={"owner": "ben"}).json()["key"]
    token = api.post("/api/join-tokens", json={}).json()["token"]
    refused = api.get("/api/tasks", headers={"x-api-key": secret})
    assert refused.status_code == 401
    last = refused.headers["x-request-id"]
    wait_until(lambda: last in {record.get("trace_id") for record in _records(api)}, 20)
    exported = api.get("/api/audit/export").text
    assert sum(answer.status_code < 300 for answer in answers) >= 2, [answer.text for answer in answers]
    for hidden in (secret, made, token):
        assert hidden not in exported
    assert '"action":"doors.key"' in exported


def test_filters_pages_and_who_may_look(hive: Hive, api: httpx.Client) -> None:
    page = api.get("/api/audit", params={"action": "keys", "limit": 1}).json()
    assert [record["action"].split(".")[0] for record in page["records"]] == ["keys"]
    older = api.get("/api/audit", params={"action": "keys", "limit": 1, "cursor": page["next_cursor"]}).json()
    assert older["records"][0]["at"] < page["records"][0]["at"]
    viewer = api.post("/api/keys", json={"owner": "vic", "role": "viewer"}).json()["key"]
    refused = api.get("/api/audit", headers={"x-api-key": viewer})
    assert (refused.status_code, refused.json()["code"]) == (403, "permission_denied")
    wait_until(lambda: api.get("/api/audit", params={"sub": "vic", "result": "refused"}).json()["records"], 20)
    assert api.get("/api/audit", params={"cursor": "nonsense"}).status_code == 422
    printed = hive.run("audit", "--who", "vic").stdout
    assert "permission_denied" in printed
    assert "doors.request" in printed


async def test_the_page_finds_them_by_its_address(page: Page, hive: Hive, api: httpx.Client) -> None:
    link = re.search(r"http\S+/login\?ticket=\S+", hive.run("login").stdout)
    assert link is not None
    base = link.group().partition("/login")[0]
    await page.goto(link.group())
    await page.goto(f"{base}/audit?action=keys.create")
    await expect(page.get_by_role("heading", name="Audit log", level=1)).to_be_visible()
    rows = page.locator("tbody tr")
    await expect(rows.first).to_contain_text("keys.create", timeout=ANSWER_MS)
    await expect(page.get_by_role("columnheader", name="Details")).to_be_in_viewport(ratio=1)
    await page.get_by_label("Result").select_option("refused")
    await expect(page.get_by_role("heading", name="Nothing is like this")).to_be_visible()
    assert "result=refused" in page.url
    await page.get_by_role("button", name="Clear").click()
    await expect(rows.filter(has_text="doors.login").first).to_contain_text("by=ticket")
    async with page.expect_download() as saving:
        await page.get_by_role("button", name="Save as NDJSON").click()
    saved = await (await saving.value).path()
    assert all(json.loads(line)["action"] for line in saved.read_text().splitlines())
