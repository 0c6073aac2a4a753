"""Active workflows as tools: what they take, whom they are open to, and what comes of a call."""

from typing import Any

import pytest

from bus.errors import InvalidRequest, PermissionDenied
from bus.messages import Claims, Role
from workflow.doors.calling import may_call, require_may_call
from workflow.doors.tools import called_trigger, check_input, input_schema, item_of_call
from workflow.n8n.document import Node, Workflow
from workflow.n8n.parse import parse

ANNA, BOB = Claims(sub="anna", roles=(Role.DEVELOPER,)), Claims(sub="bob", roles=(Role.ADMIN,))


def workflow(*kinds: str, settings: dict[str, Any] | None = None, **parameters: Any) -> Workflow:
    """Nodes of these types, the first with the parameters."""
    nodes = [
        {"id": str(n), "name": f"{kind} {n}", "type": kind if "." in kind else f"n8n-nodes-base.{kind}", "typeVersion": 1.1}
        | {"position": [0, 0], "parameters": parameters if n == 0 else {}}
        for n, kind in enumerate(kinds)
    ]
    return parse({"name": "tool", "nodes": nodes, "connections": {}, "settings": settings or {}})


def trigger(kind: str, **parameters: Any) -> Node:
    found = called_trigger(workflow(kind, **parameters))
    assert found is not None
    return found


def declared(**fields: str) -> Node:
    values = [{"name": name, "type": kind} for name, kind in fields.items()]
    return trigger("executeWorkflowTrigger", workflowInputs={"values": values})


def test_the_trigger_that_says_what_it_takes_is_called() -> None:
    found = called_trigger(workflow("manualTrigger", "webhook", "executeWorkflowTrigger"))
    assert found is not None
    assert found.short_type == "executeWorkflowTrigger"


@pytest.mark.parametrize("kind", ["scheduleTrigger", "errorTrigger", "set"])
def test_what_only_times_or_errors_start_is_no_tool(kind: str) -> None:
    assert called_trigger(workflow(kind)) is None


def test_declared_fields_make_the_schema() -> None:
    schema = input_schema(declared(city="string", days="number", extra="any"))
    assert schema == {
        "type": "object",
        "properties": {"city": {"type": "string"}, "days": {"type": "number"}, "extra": {}},
        "additionalProperties": False,
    }


def test_an_example_makes_the_schema() -> None:
    example = '{"city": "Bern", "days": 3, "now": true, "tags": [], "more": {}, "none": null}'
    schema = input_schema(trigger("executeWorkflowTrigger", inputSource="jsonExample", jsonExample=example))
    kinds = {name: each.get("type") for name, each in schema["properties"].items()}
    assert kinds == {"city": "string", "days": "number", "now": "boolean", "tags": "array", "more": "object", "none": None}


@pytest.mark.parametrize(
    ("kind", "parameters"),
    [
        ("manualTrigger", {}),
        ("webhook", {"path": "x"}),
        ("executeWorkflowTrigger", {"inputSource": "passthrough"}),
        ("executeWorkflowTrigger", {"inputSource": "jsonExample", "jsonExample": "{"}),
    ],
)
def test_what_says_nothing_takes_any_object(kind: str, parameters: dict[str, Any]) -> None:
    found = trigger(kind, **parameters)
    assert input_schema(found) == {"type": "object"}
    check_input(input_schema(found), {"anything": 1})


def test_a_chat_takes_what_is_said() -> None:
    schema = input_schema(trigger("@n8n/n8n-nodes-langchain.chatTrigger"))
    with pytest.raises(InvalidRequest, match="`chatInput` is missing"):
        check_input(schema, {})
    check_input(schema, {"chatInput": "hi"})


@pytest.mark.parametrize(
    ("given", "field"),
    [({"days": "three"}, "days"), ({"days": True}, "days"), ({"citty": "Bern"}, "citty"), ({"city": 1}, "city")],
)
def test_wrong_input_is_refused_with_the_fields_name(given: dict[str, Any], field: str) -> None:
    with pytest.raises(InvalidRequest, match=f"`{field}`"):
        check_input(input_schema(declared(city="string", days="number")), given)


def test_what_is_left_out_is_null() -> None:
    fields = declared(city="string", days="number")
    check_input(input_schema(fields), {"city": "Bern", "days": None})
    assert item_of_call(fields, {"city": "Bern"}) == {"json": {"city": "Bern", "days": None}}


def test_a_webhook_is_called_with_a_body() -> None:
    assert item_of_call(trigger("webhook", path="x"), {"n": 1})["json"]["body"] == {"n": 1}


@pytest.mark.parametrize(
    ("policy", "anna", "bob"),
    [
        (None, True, False),
        ("workflowsFromSameOwner", True, False),
        ("any", True, True),
        ("none", False, False),
        ("workflowsFromAList", False, False),
        ("whoever", False, False),
    ],
)
def test_its_saver_says_who_may_call_it(policy: str | None, anna: bool, bob: bool) -> None:
    called = workflow("manualTrigger", settings={} if policy is None else {"callerPolicy": policy})
    assert (may_call(called, ANNA, ANNA), may_call(called, ANNA, BOB)) == (anna, bob)
    if not bob:
        with pytest.raises(PermissionDenied, match="callerPolicy"):
            require_may_call(called, ANNA, BOB)
