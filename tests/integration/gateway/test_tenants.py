"""What a tenant's administrator tries on another tenant, at every door: each thing of the other's must look as if it were not there.

Every question is asked twice, with the id of a thing that there is and with one that there is not, and must be answered alike.
"""

import asyncio
import json
from collections.abc import Iterator, Mapping
from typing import Any

import httpx
import pytest
from mcp import ClientSession
from mcp.shared.exceptions import MCPError
from mcp_types import ResourceTemplateReference, ToolListChangedNotification
from websockets.asyncio.client import connect

from bus.auth import Permission, allows
from bus.messages import Claims, Role
from tests.integration.gateway import tenants
from tests.integration.gateway.parts import ADMIN_KEY
from tests.integration.gateway.tenants import Operation
from tests.integration.gateway.two_tenants import (
    LISTS,
    MARK,
    SAME_KEY,
    TASK,
    TwoTenants,
    client,
    document,
    naming,
    nodes_naming,
    post,
    two_tenants,
)
from tests.integration.workflow.parts import chain, node
from tests.parts.mcp import Told, session
from tests.parts.nats import NatsServer
from tests.parts.postgres import PostgresServer

pytestmark = pytest.mark.slow

BURNS = Claims(sub="bo", roles=(Role.ADMIN,), tenant="burns")
ABSENT = "10000000-0000-4000-8000-000000000001"
KEEPS_NOTHING = {"saveManualExecutions": False, "saveDataErrorExecution": "none", "saveDataSuccessExecution": "none"}
NOBODY = {"person": "nobody", "mcp_server": "nothing", "n8n_id": "nothing0"}


@pytest.fixture(scope="module")
def hive(nats_server: NatsServer, postgres: PostgresServer, tmp_path_factory: pytest.TempPathFactory) -> Iterator[TwoTenants]:
    with two_tenants(nats_server, postgres, tmp_path_factory.mktemp("tenants")) as hive:
        yield hive


@pytest.fixture(scope="module")
def burns(hive: TwoTenants) -> Iterator[httpx.Client]:
    with client(hive.url, hive.burns_key) as burns:
        yield burns


def absent(kind: str) -> str:
    return NOBODY.get(kind, ABSENT)


def alike(answers: list[httpx.Response], thing: str, nothing: str) -> bool:
    """But for the id. Of what was made only that it was."""
    answer, other = answers
    if answer.status_code != other.status_code or answer.headers.keys() != other.headers.keys():
        return False
    if answer.is_success and answer.request.method != "GET":
        return True
    bodies = [json.loads(each.text) if each.content else {} for each in (answer, other)]
    for body in bodies:
        if isinstance(body, dict):
            body.pop("request_id", None)
    first, second = (json.dumps(body) for body in bodies)
    return first.replace(thing, nothing) == second


def test_of_every_route_a_thing_of_another_tenant_s_looks_as_if_it_were_not_there(
    hive: TwoTenants, burns: httpx.Client
) -> None:
    before, found = hive.standing(), list[str]()
    described = burns.get("/openapi.json").json()
    assert tenants.not_thought_of(described) == []
    for each in tenants.operations(described):
        found += _by_path(hive, burns, each) if each.kind else _without(hive, burns, each)
        for name in (*each.queries, *each.fields):
            if kind := tenants.FIELDS.get(f"{each.name} {name}"):
                found += _by_field(hive, burns, each, name, kind)
    assert found == []
    assert hive.standing() == before


def _by_path(hive: TwoTenants, burns: httpx.Client, each: Operation) -> list[str]:
    kind = each.kind or ""
    things = [hive.things[kind], *([hive.things["waiting_task"]] if kind == "task" else [])]
    nothing, found = absent(kind), []
    for thing in things:
        told = hive.log.stat().st_size
        answers = [
            burns.request(each.method, each.at(named), json=each.body, params=each.required) for named in (thing, nothing)
        ]
        asked = [("burns/bo", f"{answer.request.method} {answer.request.url.path}") for answer in answers]
        if hive.asked_in_vain(told) != asked:
            found.append(f"{each.name} of {kind}: its log has {hive.asked_in_vain(told)}")
        if answers[0].status_code != 404 or not alike(answers, thing, nothing) or hive.leaked(answers[0].text, thing):
            found.append(f"{each.name} of {kind}: {answers[0].status_code} {answers[0].text} | {answers[1].text}")
    return found


def _without(hive: TwoTenants, burns: httpx.Client, each: Operation) -> list[str]:
    """Lists, what makes something new, and what is everybody's: that is the hive's to change."""
    answer = burns.request(each.method, each.at(), json=each.fresh(), params=each.required)
    known = each.permission in set(Permission)
    if known and not allows(BURNS, Permission(each.permission)) and answer.status_code != 403:
        return [f"{each.name}: {answer.status_code}, and {each.permission} is the hive's"]
    if answer.status_code >= 500 or hive.leaked(answer.text):
        return [f"{each.name}: {answer.status_code} {hive.leaked(answer.text)} {answer.text}"]
    return []


def _by_field(hive: TwoTenants, burns: httpx.Client, each: Operation, name: str, kind: str) -> list[str]:
    thing, nothing = (hive.things if kind == "document" else {kind: hive.things[kind]}), absent(kind)
    given = [_given(name, kind, named) for named in (thing, {of: absent(of) for of in thing})]
    if name in each.queries:
        answers = [burns.request(each.method, each.at(ABSENT), params={**each.required, name: value}) for value in given]
    else:
        answers = [burns.request(each.method, each.at(ABSENT), json={**each.fresh(), name: value}) for value in given]
    for answer in answers:
        if "location" in answer.headers:
            burns.delete(answer.headers["location"])
    is_well = answers[0].status_code < 500 and not hive.leaked(answers[0].text, *thing.values())
    if is_well and (kind == "document" or alike(answers, thing[kind], nothing)):
        return []
    return [f"{each.name} {name}: {answers[0].status_code} {answers[0].text} | {answers[1].text}"]


def _given(name: str, kind: str, things: Mapping[str, str]) -> Any:
    if kind == "document":
        return naming({"mcp_server": "", "credential": "", "workflow": "", **things})
    if name == "depends_on":
        return [things[kind]]
    return {"prompt": "hi", "depends_on": [things[kind]]} if name == "task" else things[kind]


def test_lists_and_sums_have_nothing_of_another_tenant_s(hive: TwoTenants, burns: httpx.Client) -> None:
    with client(hive.url, ADMIN_KEY) as operator:
        viewer = post(operator, "/api/keys", {"owner": "vic", "role": "viewer"})["key"]
        seen = operator.get("/api/tasks").text + operator.get("/api/keys").text + operator.get("/api/usage").text
        assert all(hive.things[kind] in seen for kind in ("task", "key")), "who runs the hive sees what runs there"
        assert "acme/acme-ann" in seen
        assert hive.leaked(operator.get("/api/workflows").text + operator.get("/api/credentials").text) == []
    with client(hive.url, viewer) as at_home:
        for asking in (burns, at_home):
            found = {path: hive.leaked(asking.get(path).text) for path in LISTS}
            assert not any(found.values()), found
        assert at_home.get(f"/api/tasks/{hive.things['task']}").status_code == 404


def test_a_key_of_idempotency_and_a_key_of_the_hive_are_of_one_tenant(hive: TwoTenants, burns: httpx.Client) -> None:
    made = burns.post("/api/tasks", json=TASK, headers=SAME_KEY)
    assert (made.status_code, made.json()["tenant"], made.json()["owner"]) == (201, "burns", "bo")
    assert made.json()["id"] != hive.things["task"]
    burns.delete(f"/api/tasks/{made.json()['id']}")
    burns.delete(f"/api/tasks/{made.json()['id']}/record")
    for tenant in ("acme", "default", "nobody"):
        refused = burns.post("/api/keys", json={"owner": "eve", "tenant": tenant, "role": "admin"})
        assert (refused.status_code, refused.json()["code"]) == (403, "permission_denied")
    taken = burns.post("/api/keys", json={"owner": "acme-ann"})
    assert (taken.status_code, taken.json()["code"]) == (409, "conflict")
    own = burns.post("/api/keys", json={"owner": "bea"}).json()["record"]
    assert own["tenant"] == "burns"


def test_what_a_workflow_names_of_another_tenant_s_is_not_there_when_it_runs(hive: TwoTenants, burns: httpx.Client) -> None:
    before = hive.standing()
    for kind in ("workflow", "credential", "mcp_server"):
        errors = []
        for things in (hive.things, {**hive.things, kind: absent(kind)}):
            document_of = chain(node("Start", "manualTrigger"), nodes_naming(things)[kind], settings=KEEPS_NOTHING)
            errors.append(_error_of(hive, burns, document_of, things[kind]))
        assert errors[0] == errors[1] is not None
    assert hive.standing() == before


def _error_of(hive: TwoTenants, burns: httpx.Client, naming_it: dict[str, Any], said: str) -> tuple[str, str]:
    """Code and words of how it failed, without the id that it named."""
    made = post(burns, "/api/workflows", {"n8n_data": naming_it})
    answer = burns.post(f"/api/workflows/{made['id']}/execute", json={"items": []}, params={"wait": 60})
    burns.delete(f"/api/workflows/{made['id']}")
    assert hive.leaked(answer.text, said) == []
    told = answer.json()
    found = told if "code" in told else told["data"]["resultData"]["error"]
    return found["code"], (found.get("message") or found["detail"]).replace(said, "")


@pytest.mark.filterwarnings("ignore::mcp.shared.exceptions.MCPDeprecationWarning")
async def test_assistants_find_nothing_of_another_tenant_s(hive: TwoTenants) -> None:
    before = hive.standing()
    async with session(hive.url, hive.acme_key) as acme:
        planned = (await acme.call_tool("plan_dev_task", {"goal": "acme's goal"})).structured_content
        assert planned is not None
    things = {**hive.things, "dev_task": planned["id"]}
    async with session(hive.url, hive.burns_key) as burns:
        listed = (await burns.list_tools()).tools
        assert (
            tenants.tools_not_thought_of({tool.name: tool.input_schema for tool in listed if tool.name in tenants.TOOLS}) == []
        )
        assert MARK not in str([tool.name for tool in listed] + [tool.title for tool in listed])
        for tool in listed:
            await _tool(hive, burns, tool.name, tool.input_schema.get("required", ()), things)
        await _resources(hive, burns, things)
    async with session(hive.url, hive.acme_key) as acme:
        kept = await acme.call_tool("get_dev_task", {"id": planned["id"]})
        assert not kept.is_error
    assert hive.standing() == before


@pytest.mark.filterwarnings("ignore::mcp.shared.exceptions.MCPDeprecationWarning")
async def test_an_assistant_is_not_told_that_another_tenant_s_tools_have_changed(hive: TwoTenants) -> None:
    told = Told()
    async with session(hive.url, hive.burns_key, told) as burns, session(hive.url, hive.acme_key) as acme:
        for active in (False, True):
            await acme.call_tool("activate_workflow", {"id": hive.things["workflow"], "active": active})
        await burns.list_tools()
        assert not [message for message in told.notifications if isinstance(message, ToolListChangedNotification)]
        made = (await burns.call_tool("create_workflow", {"n8n_data": document("plain")})).structured_content
        assert made is not None
        await burns.call_tool("activate_workflow", {"id": made["id"], "active": True})
        await told.until(lambda message: isinstance(message, ToolListChangedNotification))


async def _tool(hive: TwoTenants, burns: ClientSession, name: str, required: Any, things: dict[str, str]) -> None:
    more = tenants.MORE_ARGUMENTS.get(name, {})
    for argument, kind in tenants.TOOLS.get(name, {}).items():
        told = []
        for named in (things, {of: absent(of) for of in things}):
            value = _given(argument, kind, named)
            told.append(await burns.call_tool(name, {**more, argument: value}))
        said = things.values() if kind == "document" else (things[kind],)
        assert hive.leaked(str(told[0].structured_content), *said) == [], (name, argument, told[0])
        assert told[0].is_error == told[1].is_error, (name, argument, told)
        assert argument != "id" or told[0].is_error, (name, told[0])
        if told[0].is_error:
            codes = [found.structured_content and found.structured_content["code"] for found in told]
            assert codes[0] == codes[1], (name, argument, told)
    if name not in tenants.TOOLS and not required:
        assert hive.leaked(str((await burns.call_tool(name, {})).structured_content)) == [], name


async def _resources(hive: TwoTenants, burns: ClientSession, things: dict[str, str]) -> None:
    assert hive.leaked(str((await burns.list_resources()).resources)) == []
    of_agent = 0
    for template in (await burns.list_resource_templates()).resource_templates:
        kind = template.uri_template.split("/")[2].removesuffix("s")
        of_agent += kind == "agent"
        reference = ResourceTemplateReference(type="ref/resource", uri=template.uri_template)
        variable = template.uri_template.partition("{")[2].partition("}")[0]
        for start in ("", things.get(kind, "")[:6]):
            completed = await burns.complete(reference, {"name": variable, "value": start})
            assert hive.leaked(str(completed.completion.values)) == [], template
        if kind == "agent":
            continue
        for ask in (burns.read_resource, burns.subscribe_resource):
            told = []
            for named in (things[kind], ABSENT):
                with pytest.raises(MCPError) as refused:
                    await ask(template.uri_template.replace(f"{{{variable}}}", named))
                told.append(str(refused.value).replace(named, ""))
            assert told[0] == told[1], template
    assert of_agent == 1, "what is everybody's is named in here"


async def test_whoever_listens_hears_nothing_of_another_tenant_s(hive: TwoTenants) -> None:
    """Also by the topics of all of a kind. What burns itself does then tells that nothing is still to come."""
    topics = ("execution.*", "user.*", "agent.*", "cluster.status", "user.acme-ann", f"execution.{hive.things['execution']}")
    headers = {"Authorization": f"Bearer {hive.burns_key}"}
    heard = list[str]()
    async with connect(f"{hive.url.replace('http', 'ws')}/ws", additional_headers=headers, max_size=None) as socket:
        for topic in (*topics, "alerts.*"):
            await socket.send(json.dumps({"type": "subscribe", "topic": topic, "id": topic}))
        answers: dict[str, str] = {}
        async with asyncio.timeout(30):
            while len(answers) < len(topics) + 1:
                told = json.loads(await socket.recv())
                if told["type"] in ("subscribe", "error"):
                    answers[told["id"]] = told["type"]
        assert answers == {**dict.fromkeys(topics, "subscribe"), "alerts.*": "error"}
        await asyncio.to_thread(_do, hive, hive.acme_key)
        mine = await asyncio.to_thread(_do, hive, hive.burns_key)
        async with asyncio.timeout(60):
            while not all(any(each in text and "completed" in text for text in heard) for each in mine):
                heard.append(str(await socket.recv()))
    assert hive.leaked("".join(heard)) == []


def _do(hive: TwoTenants, key: str) -> tuple[str, str]:
    """Ids of a task and an execution that have ended."""
    with client(hive.url, key) as asking:
        title = "acme's other task" if key == hive.acme_key else "a task"
        task = post(asking, "/api/tasks?wait=60", {"prompt": "hi", "model": "instant", "title": title})
        [workflow, *_] = [each for each in asking.get("/api/workflows").json()["workflows"] if each["active"]] or [
            post(asking, "/api/workflows", {"n8n_data": document("plain")})
        ]
        execution = post(asking, f"/api/workflows/{workflow['id']}/execute?wait=60", {"items": []})
    return task["id"], execution["id"]
