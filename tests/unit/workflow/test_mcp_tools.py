"""Nodes that tools of MCP servers carry out: which, what they are given, what comes of the answer, and what the report says."""

import base64
import json
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given as drawn
from hypothesis import strategies as st

from bus.errors import InvalidWorkflow
from bus.messages.mcp_servers import McpServerRecord
from tests.unit.workflow.build import node, workflow
from workflow.core.driver import Driver
from workflow.core.effects import CallHttp, CallMcp, Effect, effect_from_json
from workflow.core.execution import Execution, Reply
from workflow.core.failure import Failure
from workflow.core.graph import plan
from workflow.n8n.check import check, check_startable
from workflow.n8n.document import ToolUse, Workflow
from workflow.n8n.tools import needs_of, type_of, use_of_type
from workflow.nodes.catalogue import registry
from workflow.nodes.listing import listed

Json = dict[str, Any]
OPEN: Json = {"type": "object"}
HTTP: Json = {"type": "object", "properties": {name: {} for name in ("method", "url", "headers", "body")}}


class Server:
    """One with the tools that are given by name, as schemas, and what each answers to its arguments. Asks are kept."""

    def __init__(self, tools: dict[str, Json], answer: Callable[[Json], Any], annotations: Json | None = None) -> None:
        self._tools, self._answer, self._annotations = tools, answer, annotations or {}
        self.calls: list[CallMcp] = []

    def __call__(self, effect: Effect) -> Reply:
        stored = effect_from_json(effect.to_json())
        assert isinstance(stored, CallMcp), stored
        if stored.operation == "known":
            return Reply(
                value=[
                    {"name": name, "description": "", "inputSchema": schema, "annotations": self._annotations}
                    for name, schema in self._tools.items()
                ]
            )
        self.calls.append(stored)
        found = self._answer(dict(stored.arguments))
        return found if isinstance(found, Reply) else Reply(value=found)


def texts(*given: Any) -> Json:
    return {"content": [{"type": "text", "text": each if isinstance(each, str) else json.dumps(each)} for each in given]}


def flow(kind: str, parameters: Json, items: list[Json], tools: Any = None, version: float = 1, **settings: Any) -> Workflow:
    return workflow(
        node("Start", "manualTrigger"),
        node("Node", kind, parameters, version=version, **settings),
        links=["Start → Node"],
        settings={} if tools is None else {"mcpTools": tools},
        pinData={"Start": [{"json": item} for item in items]},
    )


def run(driver: Driver, server: Server, found: Workflow) -> Execution:
    driver.carry_out = server
    return driver.run(found)


def given_by(execution: Execution) -> list[Any]:
    return [item["json"] for item in execution.last_items()]


@drawn(st.text(min_size=1), st.text(min_size=1))
def test_a_type_names_a_server_and_a_tool_whatever_they_are_called(server: str, tool: str) -> None:
    assert use_of_type(type_of(server, tool)) == ToolUse(server=server, tool=tool)


def test_a_tool_that_is_called_as_triggers_are_is_no_trigger(driver: Driver) -> None:
    server = Server({"fire_trigger": OPEN}, lambda _: texts("fired"))
    found = flow("hive.mcp.zap.fire_trigger", {}, [{}])
    assert given_by(run(driver, server, found)) == [{"data": "fired"}]
    assert not check(found, registry()).unknown
    assert not registry().is_trigger(found.by_name["Node"])


@pytest.mark.parametrize("kind", ["hive.mcp.", "hive.mcp.time", "hive.mcp..x", "hive.mcp.x.", "hive.publishEvent"])
def test_another_type_names_none(kind: str) -> None:
    assert use_of_type(kind) is None


def test_a_tool_is_a_node_whose_parameters_are_its_arguments(driver: Driver) -> None:
    """One call for each item, paired with it; what is nothing is no argument."""
    server = Server({"convert": OPEN}, lambda arguments: texts({"got": arguments}))
    parameters = {"zone": "={{ $json.zone }}", "at": "12:00", "no": "={{ $json.missing }}"}
    execution = run(driver, server, flow("hive.mcp.time.convert", parameters, [{"zone": "a"}, {"zone": "b"}]))
    assert given_by(execution) == [{"got": {"zone": zone, "at": "12:00"}} for zone in "ab"]
    assert [item["pairedItem"] for item in execution.last_items()] == [{"item": 0}, {"item": 1}]
    assert {(call.server, call.tool, call.timeout_seconds, call.repeatable) for call in server.calls} == {
        ("time", "convert", 60, False)
    }
    assert len({call.key for call in server.calls}) == 2


@pytest.mark.parametrize(
    ("annotations", "more", "repeatable"),
    [
        ({}, {}, False),
        ({"readOnlyHint": True}, {}, True),
        ({"idempotentHint": True}, {}, True),
        ({"idempotentHint": True}, {"onInterrupt": "outcomeUnknown"}, False),
        ({}, {"onInterrupt": "repeat"}, True),
    ],
)
def test_a_call_is_repeated_where_server_or_node_say_that_it_may_be(
    driver: Driver, annotations: Json, more: Json, repeatable: bool
) -> None:
    server = Server({"t": OPEN}, lambda _: texts("x"), annotations)
    run(driver, server, flow("hive.mcp.s.t", {}, [{}], timeoutSeconds=300, **more))
    assert [(call.repeatable, call.timeout_seconds) for call in server.calls] == [(repeatable, 300)]


@pytest.mark.parametrize(
    ("answer", "items"),
    [
        (texts("plain"), [{"data": "plain"}]),
        (texts({"a": 1}), [{"a": 1}]),
        (texts([{"a": 1}, 2]), [{"a": 1}, {"data": 2}]),
        (texts("one", {"a": 2}), [{"data": "one"}, {"a": 2}]),
        ({"content": [], "structuredContent": {"a": 1}}, [{"a": 1}]),
        ({"content": [], "structuredContent": {"result": [{"a": 1}, {"a": 2}]}}, [{"a": 1}, {"a": 2}]),
        ({"content": []}, []),
        ({"content": [{"type": "resource", "resource": {"uri": "x:y", "text": "inside"}}]}, [{"data": "inside"}]),
        ({"content": [{"type": "resource_link", "uri": "x:y", "name": "n"}]}, [{"uri": "x:y", "name": "n"}]),
    ],
)
def test_what_a_tool_answers_are_items(driver: Driver, answer: Json, items: list[Any]) -> None:
    assert given_by(run(driver, Server({"t": OPEN}, lambda _: answer), flow("hive.mcp.s.t", {}, [{}]))) == items


def test_files_are_binary_data(driver: Driver) -> None:
    data = base64.b64encode(b"png").decode()
    parts = [
        {"type": "image", "data": data, "mimeType": "image/png"},
        {"type": "resource", "resource": {"uri": "f:/a.bin", "blob": data}},
    ]
    execution = run(driver, Server({"t": OPEN}, lambda _: {"content": parts}), flow("hive.mcp.s.t", {}, [{}]))
    (item,) = execution.last_items()
    assert {name: (each["mimeType"], each["data"]) for name, each in item["binary"].items()} == {
        "data": ("image/png", data),
        "data_1": ("application/octet-stream", data),
    }


def test_what_goes_wrong_is_its_item_s(driver: Driver) -> None:
    """The tool's own words; what its server fails with keeps its code."""

    def answer(arguments: Json) -> Any:
        return {**texts("no honey"), "isError": True} if arguments["n"] == 1 else texts({"n": arguments["n"]})

    found = flow("hive.mcp.s.t", {"n": "={{ $json.n }}"}, [{"n": 0}, {"n": 1}, {"n": 2}], onError="continueRegularOutput")
    assert given_by(run(driver, Server({"t": OPEN}, answer), found)) == [{"n": 0}, {"error": "no honey"}, {"n": 2}]
    unknown = Reply(failure=Failure(message="gone", code="outcome_unknown"))
    execution = run(driver, Server({"t": OPEN}, lambda _: unknown), flow("hive.mcp.s.t", {}, [{}]))
    assert execution.failure is not None
    assert (execution.failure.code, execution.failure.node, execution.failure.item) == ("outcome_unknown", "Node", 0)


def test_a_tool_that_its_server_does_not_have_is_called_by_nobody(driver: Driver) -> None:
    server = Server({"other": OPEN}, lambda _: texts("x"))
    execution = run(driver, server, flow("hive.mcp.s.t", {}, [{}]))
    assert execution.failure is not None
    assert (execution.failure.message, execution.failure.description) == ("The MCP server s has no tool t", "It has other")
    assert server.calls == []


BY_TOOL = {"n8n-nodes-base.httpRequest": {"server": "browser"}}


def request(parameters: Json, **more: Any) -> Workflow:
    return flow("httpRequest", {"url": "https://x.example/a", **parameters}, [{}], BY_TOOL, version=4.2, **more)


@pytest.mark.parametrize(
    ("parameters", "arguments"),
    [
        ({}, {"method": "GET", "url": "https://x.example/a"}),
        (
            {"sendQuery": True, "queryParameters": {"parameters": [{"name": "q", "value": "={{ 1 + 1 }}"}]}},
            {"method": "GET", "url": "https://x.example/a?q=2"},
        ),
        (
            {
                "method": "POST",
                "sendHeaders": True,
                "headerParameters": {"parameters": [{"name": "X-A", "value": "b"}]},
                "sendBody": True,
                "bodyParameters": {"parameters": [{"name": "n", "value": "1"}]},
            },
            {
                "method": "POST",
                "url": "https://x.example/a",
                "headers": {"x-a": "b", "content-type": "application/json"},
                "body": '{"n":"1"}',
            },
        ),
    ],
)
def test_a_request_is_a_call_of_http_request(driver: Driver, parameters: Json, arguments: Json) -> None:
    server = Server({"http_request": HTTP}, lambda _: texts({"ok": True}))
    assert given_by(run(driver, server, request(parameters))) == [{"ok": True}]
    assert [(call.tool, call.arguments, call.timeout_seconds) for call in server.calls] == [("http_request", arguments, 300)]
    assert not any(isinstance(effect, CallHttp) for effect in driver.effects)


@pytest.mark.parametrize(
    ("answer", "options", "items"),
    [
        (texts({"status": 200, "headers": {"X": "y"}, "body": {"a": 1}}), {}, [{"a": 1}]),
        (texts({"statusCode": 201, "body": "plain"}), {}, [{"data": "plain"}]),
        (
            texts({"status": 404, "headers": {"X": "y"}, "body": "gone"}),
            {"fullResponse": True, "neverError": True},
            [
                {
                    "data": "gone",
                    "headers": {"content-type": "text/plain", "x": "y"},
                    "statusCode": 404,
                    "statusMessage": "",
                }
            ],
        ),
        (texts("<p>hello</p>"), {}, [{"data": "<p>hello</p>"}]),
        (texts([{"a": 1}, {"a": 2}]), {}, [{"a": 1}, {"a": 2}]),
        (texts({"body": "no status"}), {}, [{"body": "no status"}]),
    ],
)
def test_what_it_answers_is_read_as_a_response(driver: Driver, answer: Json, options: Json, items: list[Any]) -> None:
    found = request({"options": {"response": {"response": options}}})
    assert given_by(run(driver, Server({"http_request": HTTP}, lambda _: answer), found)) == items


def test_a_status_that_is_an_error_fails_the_node_as_it_does_without_a_tool(driver: Driver) -> None:
    answer = texts({"status": 404, "body": "gone"})
    execution = run(driver, Server({"http_request": HTTP}, lambda _: answer), request({}))
    assert execution.failure is not None
    assert "could not be found" in execution.failure.message


def test_pages_are_fetched_one_after_the_other_by_the_tool(driver: Driver) -> None:
    """The node's own options stay its own."""

    def answer(arguments: Json) -> Json:
        page = int(arguments["url"].rpartition("=")[2])
        return texts({"status": 200, "body": {"page": page, "more": page < 2}})

    pages = {
        "parameters": {"parameters": [{"name": "page", "value": "={{ $pageCount }}"}]},
        "paginationCompleteWhen": "other",
        "completeExpression": "={{ !$response.body.more }}",
    }
    found = request({"options": {"pagination": {"pagination": pages}}})
    assert [each["page"] for each in given_by(run(driver, Server({"http_request": HTTP}, answer), found))] == [0, 1, 2]


def test_what_a_tool_does_not_take_is_not_left_out_in_silence(driver: Driver) -> None:
    fetch = {"type": "object", "properties": {"url": {"type": "string"}}}
    server = Server({"http_request": fetch}, lambda _: texts("page"))
    assert given_by(run(driver, server, request({}))) == [{"data": "page"}]
    assert server.calls[0].arguments == {"url": "https://x.example/a"}
    execution = run(driver, server, request({"method": "POST", "sendBody": True, "specifyBody": "json", "jsonBody": "{}"}))
    assert execution.failure is not None
    assert "takes no method, headers, body" in execution.failure.message
    assert len(server.calls) == 1


def test_no_server_is_given_a_secret(driver: Driver) -> None:
    secret = {"authentication": "genericCredentialType", "genericAuthType": "httpHeaderAuth"}
    found = request(secret, credentials={"httpHeaderAuth": {"id": "1", "name": "mine"}})
    server = Server({"http_request": HTTP}, lambda _: texts("x"))
    execution = run(driver, server, found)
    assert execution.failure is not None
    assert "is given no credentials" in execution.failure.message
    assert server.calls == []
    assert "mcp_tool_credentials" in {problem.code for problem in check(found, registry()).problems}


RUNS: Json = {"type": "object", "properties": {name: {} for name in ("language", "code", "items")}}
CODE_BY_TOOL = {"n8n-nodes-base.code": {"server": "sandbox"}}


@pytest.mark.parametrize(
    ("parameters", "language", "code"),
    [({"jsCode": "return 1"}, "javascript", "return 1"), ({"language": "python", "pythonCode": "x = 1"}, "python", "x = 1")],
)
def test_code_is_run_by_code_execution_once_for_all_items(driver: Driver, parameters: Json, language: str, code: str) -> None:
    server = Server({"code_execution": RUNS}, lambda arguments: texts([{"json": {"n": len(arguments["items"])}}, {"m": 2}]))
    execution = run(driver, server, flow("code", parameters, [{"a": 1}, {"a": 2}], CODE_BY_TOOL, version=2))
    assert given_by(execution) == [{"n": 2}, {"m": 2}]
    (call,) = server.calls
    items = [{"json": {"a": 1}}, {"json": {"a": 2}}]
    assert (call.tool, call.arguments) == ("code_execution", {"language": language, "code": code, "items": items})


def test_or_for_each_item_and_a_tool_that_takes_no_items_gets_none(driver: Driver) -> None:
    seed: Json = {"type": "object", "properties": {"code": {"type": "string"}, "language": {"type": "string"}}}
    server = Server({"code_execution": seed}, lambda _: texts({"ran": True}))
    parameters = {"mode": "runOnceForEachItem", "jsCode": "1"}
    execution = run(driver, server, flow("code", parameters, [{}, {}], CODE_BY_TOOL, version=2))
    assert given_by(execution) == [{"ran": True}, {"ran": True}]
    assert [item["pairedItem"] for item in execution.last_items()] == [{"item": 0}, {"item": 1}]
    assert [call.arguments for call in server.calls] == [{"language": "javascript", "code": "1"}] * 2


def test_any_node_may_be_carried_out_also_one_that_hive_does_not_know(driver: Driver) -> None:
    """By the paths of its parameters, or by those that the tool knows by name."""
    post: Json = {"type": "object", "properties": {"channel": {}, "text": {}}}
    parameters = {"channelId": {"value": "C1"}, "text": "=Hi {{ $json.name }}", "resource": "message"}
    by_path = {"Node": {"server": "slack", "tool": "post", "arguments": {"channel": "channelId.value", "text": "text"}}}
    server = Server({"post": post}, lambda _: texts({"ok": True}))
    assert given_by(run(driver, server, flow("slack", parameters, [{"name": "Ann"}], by_path))) == [{"ok": True}]
    run(
        driver,
        server,
        flow("slack", parameters, [{"name": "Ann"}], {"n8n-nodes-base.slack": {"server": "slack", "tool": "post"}}),
    )
    assert [call.arguments for call in server.calls] == [{"channel": "C1", "text": "Hi Ann"}, {"text": "Hi Ann"}]


def test_what_stands_for_a_node_counts_before_what_stands_for_its_type() -> None:
    settings = {**BY_TOOL, "Second": {"server": "other", "tool": "get"}, "Third": None}
    found = workflow(
        *(node(name, "httpRequest", version=4.2) for name in ("First", "Second", "Third")),
        links=[],
        settings={"mcpTools": settings},
    )
    assert [each.tool for each in found.nodes] == [
        ToolUse(server="browser", tool="http_request"),
        ToolUse(server="other", tool="get"),
        None,
    ]
    assert found.to_document()["settings"]["mcpTools"] == settings


@pytest.mark.parametrize(
    ("given", "says"),
    [
        ([], None),
        ("x", "must be an object"),
        ({"Node": "browser"}, "must be null, or an object"),
        ({"Node": {"server": "b", "tol": "x"}}, "must be null, or an object"),
        ({"Node": {"tool": "x"}}, "names no `server`"),
        ({"Node": {"server": "b"}}, "names no `tool`"),
        ({"Node": {"server": "b", "tool": "t", "arguments": {"a": 1}}}, "`arguments`"),
        ({"nobody": {"tool": "x"}}, "names no `server`"),
    ],
)
def test_a_setting_that_is_none_is_refused(given: Any, says: str | None) -> None:
    if says is None:
        assert flow("set", {}, [], given).nodes[1].tool is None
        return
    with pytest.raises(InvalidWorkflow, match=says):
        flow("set", {}, [], given)


def problems(found: Workflow, servers: Any = None) -> dict[str, str]:
    return {problem.code: problem.message for problem in check(found, registry(), servers).problems}


def test_the_report_says_what_is_needed_and_whether_it_is_there() -> None:
    found = flow("hive.mcp.time.convert_time", {}, [])
    assert "hive.mcp.time.convert_time" in check(found, registry()).runs
    assert "tool convert_time of the MCP server time" in problems(found)["mcp_server_needed"]
    assert "`hive mcp-server add time`" in problems(found, {})["mcp_server_not_found"]
    assert "It has now." in problems(found, {"time": ["now"]})["mcp_tool_not_found"]
    assert problems(found, {"time": None}) == problems(found, {"time": ["convert_time"]}) == {}
    assert check(flow("set", {}, []), registry()).needs == ()


def test_nodes_that_call_servers_by_their_names_are_needs_too() -> None:
    client = "@n8n/n8n-nodes-langchain.mcpClient"
    needs = needs_of(
        workflow(
            node("A", client, {"server": "git", "tool": {"value": "log"}}),
            node("B", f"{client}Tool", {"server": "time"}),
            node("C", client, {"server": "={{ $json.x }}"}),
            node("D", client, {"endpointUrl": "https://x.example"}),
            node("E", client, {"server": "off"}, disabled=True),
            links=[],
        )
    )
    assert [(need.node, need.server, need.tool) for need in needs] == [("A", "git", "log"), ("B", "time", None)]


@pytest.mark.parametrize("kind", ["manualTrigger", "if", "merge", "@n8n/n8n-nodes-langchain.memoryBufferWindow", "jiraTrigger"])
def test_what_no_tool_can_take_the_place_of_keeps_its_workflow_from_starting(kind: str) -> None:
    found = workflow(
        node("Start", "manualTrigger"), node("X", kind), links=[], settings={"mcpTools": {"X": {"server": "s", "tool": "t"}}}
    )
    assert "mcp_tool_impossible" in problems(found, {"s": None})
    with pytest.raises(InvalidWorkflow, match="cannot be carried out by a tool"):
        check_startable(plan(found), registry())


def test_a_setting_for_nobody_is_told() -> None:
    assert "'Gone'" in problems(flow("set", {}, [], {"Gone": {"server": "s", "tool": "t"}}))["mcp_tools_unused"]


def test_tools_are_listed_as_types_of_nodes_with_their_schemas() -> None:
    schema = {"type": "object", "properties": {"zone": {"type": "string"}}}
    large = {"type": "object", "description": "x" * 3_000_000}
    server = {
        "id": "00000000-0000-0000-0000-000000000001",
        "name": "my.time",
        "transport": "stdio",
        "active": True,
        "owner": "ada",
        "status": "connected",
        "created_at": "2026-01-01T00:00:00Z",
        "updated_at": "2026-01-01T00:00:00Z",
        "tools": [
            {"name": "now", "description": "The time", "input_schema": schema, "annotations": {"title": "What time it is"}},
            {"name": "vast", "input_schema": large},
        ],
    }
    off = {**server, "name": "off", "active": False}
    found = {kind.name: kind for kind in listed(registry(), map(McpServerRecord.model_validate, (server, off))).types}
    now, vast = found["hive.mcp.my%2Etime.now"], found["hive.mcp.my%2Etime.vast"]
    assert (now.title, now.description, now.parameters_schema, now.versions) == ("What time it is", "The time", schema, (1,))
    assert (vast.title, vast.parameters_schema) == ("vast", None)
    assert not [name for name in found if name.startswith("hive.mcp.off.")]
    assert found["n8n-nodes-base.set"].parameters_schema is None
