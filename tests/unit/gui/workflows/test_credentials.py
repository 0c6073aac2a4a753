"""What a form lets somebody choose is what the engine will ask for, and a new credential has the fields that it needs."""

from typing import Any

import pytest

from gui.workflows.credentials import PARTS, wanted
from workflow.credentials import types as credential_types
from workflow.credentials.needed import needed
from workflow.n8n.document import Node

PREDEFINED, GENERIC = "predefinedCredentialType", "genericCredentialType"


@pytest.mark.parametrize(
    ("kind", "parameters"),
    [
        ("httpRequest", {}),
        ("httpRequest", {"authentication": "none", "genericAuthType": "httpHeaderAuth"}),
        ("httpRequest", {"authentication": GENERIC, "genericAuthType": "httpHeaderAuth"}),
        ("httpRequest", {"authentication": PREDEFINED, "nodeCredentialType": "githubApi"}),
        ("httpRequest", {"authentication": PREDEFINED, "nodeCredentialType": "={{ $json.type }}"}),
        ("httpRequest", {"authentication": "queryAuth"}),
        ("httpRequestTool", {"authentication": GENERIC, "genericAuthType": "httpBasicAuth"}),
        ("toolHttpRequest", {"authentication": GENERIC, "genericAuthType": "httpBasicAuth"}),
        ("webhook", {"authentication": "headerAuth"}),
        ("wait", {"incomingAuthentication": "basicAuth"}),
        ("chatTrigger", {"authentication": "basicAuth"}),
        ("chatTrigger", {"authentication": "basicAuth", "public": True}),
        ("mcpClientTool", {"authentication": "bearerAuth"}),
        ("jwt", {}),
        ("jwt", {"operation": "decode"}),
        ("postgres", {}),
        ("redis", {}),
        ("emailSend", {}),
        ("set", {"authentication": "basicAuth"}),
    ],
)
def test_what_parameters_choose_is_what_the_engine_asks_for(kind: str, parameters: dict[str, Any]) -> None:
    type_ = f"n8n-nodes-base.{kind}"
    node = Node(name="N", type=type_, parameters=parameters)
    assert wanted({"name": "N", "type": type_, "parameters": parameters}) == needed(node)


def test_what_a_node_names_already_can_be_changed_too() -> None:
    node = {"type": "n8n-nodes-base.redis", "credentials": {"redis": {"name": "a"}, "httpBasicAuth": {"name": "b"}}}
    assert wanted(node) == ("redis", "httpBasicAuth")
    assert wanted({"type": "n8n-nodes-base.set", "parameters": [], "credentials": []}) == ()


def test_a_way_that_is_not_chosen_yet_asks_for_nothing() -> None:
    assert wanted({"type": "n8n-nodes-base.httpRequest", "parameters": {"authentication": GENERIC}}) == ()


@pytest.mark.parametrize("kind", PARTS)
def test_a_form_that_is_filled_in_makes_a_credential(kind: str) -> None:
    filled = {part.name: part.default if part.default is not None else "https://example.com" for part in PARTS[kind]}
    if kind == "httpHeaderAuth":
        filled["name"] = "X-Key"
    credential_types.check(kind, filled)
