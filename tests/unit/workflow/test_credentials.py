"""Hive keeps no credentials: the compatibility report says so of each node that needs one, and of no other."""

from typing import Any

import pytest

from workflow.n8n.check import check
from workflow.n8n.parse import parse
from workflow.nodes.catalogue import registry


def problems(kind: str, parameters: dict[str, Any], **more: Any) -> list[str]:
    node = {
        "name": "N",
        "type": f"n8n-nodes-base.{kind}",
        "typeVersion": 1,
        "position": [0, 0],
        "parameters": parameters,
        **more,
    }
    report = check(parse({"nodes": [node], "connections": {}}), registry())
    return [problem.message for problem in report.problems if problem.code == "no_credentials"]


@pytest.mark.parametrize(
    ("kind", "parameters", "needs"),
    [
        ("httpRequest", {"authentication": "genericCredentialType", "genericAuthType": "httpHeaderAuth"}, "httpHeaderAuth"),
        ("httpRequest", {"authentication": "predefinedCredentialType", "nodeCredentialType": "slackApi"}, "slackApi"),
        ("httpRequest", {"authentication": "basicAuth"}, "basicAuth"),
        ("webhook", {"authentication": "headerAuth"}, "headerAuth"),
        ("jwt", {}, "jwtAuth"),
        ("jwt", {"operation": "verify"}, "jwtAuth"),
    ],
)
def test_a_node_that_needs_a_credential_is_told(kind: str, parameters: dict[str, Any], needs: str) -> None:
    (message,) = problems(kind, parameters)
    assert message.startswith(f"Hive keeps no credentials yet: 'N' needs {needs};")
    assert not problems(kind, parameters, disabled=True)


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
