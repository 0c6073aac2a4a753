"""Which credentials nodes need and name: the compatibility report says so of each that names none, and of no other."""

from typing import Any

import pytest

from bus.errors import InvalidWorkflow
from bus.messages.workflows import WebhookCall, WebhookReply
from workflow.credentials.needed import Reference, references
from workflow.doors.callers import Admitted, check_caller
from workflow.doors.webhooks import require_checkable
from workflow.n8n.check import check
from workflow.n8n.document import Node
from workflow.n8n.parse import parse
from workflow.nodes.catalogue import registry


def problems(kind: str, parameters: dict[str, Any], code: str = "no_credentials", **more: Any) -> list[str]:
    node = {
        "name": "N",
        "type": f"n8n-nodes-base.{kind}",
        "typeVersion": 1,
        "position": [0, 0],
        "parameters": parameters,
        **more,
    }
    report = check(parse({"nodes": [node], "connections": {}}), registry())
    return [problem.message for problem in report.problems if problem.code == code]


NEEDING = [
    ("httpRequest", {"authentication": "genericCredentialType", "genericAuthType": "httpHeaderAuth"}, "httpHeaderAuth"),
    ("httpRequest", {"authentication": "predefinedCredentialType", "nodeCredentialType": "slackApi"}, "slackApi"),
    ("httpRequest", {"authentication": "basicAuth"}, "httpBasicAuth"),
    ("webhook", {"authentication": "headerAuth"}, "httpHeaderAuth"),
    ("wait", {"resume": "webhook", "incomingAuthentication": "basicAuth"}, "httpBasicAuth"),
    ("jwt", {}, "jwtAuth"),
    ("jwt", {"operation": "verify"}, "jwtAuth"),
]


@pytest.mark.parametrize(("kind", "parameters", "needs"), NEEDING)
def test_a_node_that_needs_a_credential_and_names_none_is_told(kind: str, parameters: dict[str, Any], needs: str) -> None:
    (message,) = problems(kind, parameters)
    assert message.startswith(f"'N' needs a credential of type {needs} and names none;")
    assert problems(kind, parameters, credentials={"anotherApi": {"id": "1", "name": "x"}})
    assert not problems(kind, parameters, disabled=True)
    assert not problems(kind, parameters, credentials={needs: {"id": "1", "name": "x"}})


@pytest.mark.parametrize(
    ("kind", "parameters"),
    [
        ("httpRequest", {}),
        ("httpRequest", {"authentication": "none", "genericAuthType": "httpHeaderAuth"}),
        ("webhook", {"authentication": "none"}),
        ("jwt", {"operation": "decode"}),
        ("set", {"authentication": "basicAuth"}),
    ],
)
def test_a_node_that_needs_none_is_not(kind: str, parameters: dict[str, Any]) -> None:
    assert not problems(kind, parameters, credentials={"httpHeaderAuth": {"id": "1", "name": "unused"}})


OWN = [
    ("httpRequest", "googleSheetsOAuth2Api", ("authUrl", "accessTokenUrl", "scope")),
    ("gitlab", "gitlabOAuth2Api", ("authUrl", "accessTokenUrl", "scope")),
    ("httpRequest", "twitterOAuth1Api", ("requestTokenUrl", "authUrl", "accessTokenUrl")),
]


@pytest.mark.parametrize(("kind", "own", "wanted"), OWN)
def test_a_service_s_own_type_of_oauth_is_told_with_the_addresses_that_it_needs(
    kind: str, own: str, wanted: tuple[str, ...]
) -> None:
    chosen = {"authentication": "predefinedCredentialType", "nodeCredentialType": own}
    named = {"credentials": {own: {"id": "1", "name": "x"}}}
    for parameters, more in ((chosen if kind == "httpRequest" else {}, named), ({}, named)):
        (message,) = problems(kind, parameters, "credential_addresses", **more)
        assert message.startswith(f"'N' uses a credential of type {own},")
        assert all(f"`{each}`" in message for each in wanted)
        assert "hive credential connect" in message
    assert not problems(kind, chosen, "credential_addresses", disabled=True)


@pytest.mark.parametrize("kind", ["oAuth2Api", "oAuth1Api", "httpHeaderAuth", "mcpOAuth2Api"])
def test_other_types_need_no_addresses_of_a_service(kind: str) -> None:
    chosen = {"authentication": "genericCredentialType", "genericAuthType": kind}
    assert not problems("httpRequest", chosen, "credential_addresses", credentials={kind: {"id": "1", "name": "x"}})


def test_who_knows_what_is_stored_is_told_when_it_is_used() -> None:
    node = {"name": "N", "type": "n8n-nodes-base.httpRequest", "credentials": {"xOAuth2Api": {"id": "1", "name": "x"}}}
    found = check(parse({"nodes": [node], "connections": {}}), registry(), {})
    assert "credential_addresses" not in {problem.code for problem in found.problems}


def test_types_that_no_node_can_use_are_told() -> None:
    named = {"credentials": {"httpSslAuth": {"id": "1", "name": "x"}}}
    (message,) = problems("httpRequest", {"authentication": "httpSslAuth"}, **named)
    assert "client certificates" in message
    (message,) = problems("webhook", {"authentication": "n8nUserAuth"})
    assert "cannot check" in message


def test_references_as_documents_have_them() -> None:
    given = {
        "a": {"id": "1", "name": "x"},
        "b": "only a name",
        "c": {"id": None, "name": "new"},
        "d": {"id": 7, "name": "\x00z"},
    }
    assert references(given) == [
        Reference(type="a", id="1", name="x"),
        Reference(type="b", name="only a name"),
        Reference(type="c", name="new"),
        Reference(type="d", id="7", name="z"),
    ]


@pytest.mark.parametrize(
    ("parameters", "credentials", "opens"),
    [
        ({}, {}, True),
        ({"authentication": "basicAuth"}, {"httpBasicAuth": {"name": "x"}}, True),
        ({"authentication": "basicAuth"}, {"httpHeaderAuth": {"name": "x"}}, False),
        ({"authentication": "n8nUserAuth"}, {}, False),
    ],
)
def test_a_webhook_whose_callers_could_not_be_checked_is_not_opened(parameters: Any, credentials: Any, opens: bool) -> None:
    node = Node(name="N", type="n8n-nodes-base.webhook", parameters=parameters, credentials=credentials)
    if opens:
        require_checkable(node)
    else:
        with pytest.raises(InvalidWorkflow):
            require_checkable(node)


@pytest.mark.parametrize(
    ("kind", "data", "headers"),
    [
        ("basicAuth", {"user": "ada"}, {"authorization": "Basic YWRhOg=="}),
        ("basicAuth", {"user": "ada", "password": "x"}, {"authorization": "Basic !"}),
        ("basicAuth", {"user": "ada", "password": "x"}, {"authorization": "Basic YWRhOg=="}),
        ("headerAuth", {"name": "X-Key"}, {"X-Key": ""}),
        ("headerAuth", {"name": "X-Key", "value": ""}, {"X-Key": ""}),
        ("headerAuth", {}, {"": ""}),
        ("jwtAuth", {"secret": "s" * 64, "algorithm": "none"}, {"authorization": "Bearer eyJhbGciOiJub25lIn0.e30."}),
        ("jwtAuth", {"secret": "s" * 64}, {"authorization": "Bearer eyJhbGciOiJub25lIn0.e30."}),
        ("jwtAuth", {}, {"authorization": "Bearer eyJhbGciOiJub25lIn0.e30."}),
    ],
)
def test_nobody_comes_in_with_nothing(kind: str, data: dict[str, Any], headers: dict[str, str]) -> None:
    found = check_caller(kind, data, WebhookCall(path="p", method="GET", headers=headers))
    assert isinstance(found, WebhookReply)
    assert found.status == 403


def test_what_opened_the_door_does_not_go_on() -> None:
    call = WebhookCall(path="p", method="GET", headers={"X-KEY": "secret", "accept": "a"})
    found = check_caller("headerAuth", {"name": "x-key", "value": "secret"}, call)
    assert found == Admitted(headers={"X-KEY": "**********", "accept": "a"})
