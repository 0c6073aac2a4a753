"""Hive keeps no credentials: what needs one fails and says so, and no request goes out without what it should carry."""

from typing import Any

import pytest

from bus.errors import PermissionDenied
from tests.integration.workflow.parts import EngineProcess, Workflows, chain, node
from tests.integration.workflow.witness import Witness


async def error_of(workflows: Workflows, asking: dict[str, Any]) -> dict[str, Any]:
    made = await workflows.create(chain(node("Start", "manualTrigger"), asking))
    assert "no_credentials" in {problem.code for problem in made.problems}
    record = await workflows.execute(made.id, wait=30)
    assert record.data is not None
    error: dict[str, Any] = record.data["resultData"]["runData"][asking["name"]][0]["error"]
    return error


async def test_what_needs_a_credential_fails_and_says_so(engine: EngineProcess, workflows: Workflows) -> None:
    signed = node("Sign", "jwt", {"claims": {}}, credentials={"jwtAuth": {"id": "1", "name": "mine"}})
    error = await error_of(workflows, signed)
    assert error["message"] == "Hive keeps no credentials yet: jwtAuth cannot be used."
    assert error["code"] == "permission_denied"
    async with Witness() as witness:
        chosen = {
            "authentication": "genericCredentialType",
            "genericAuthType": "httpHeaderAuth",
            "url": witness.url,
            "options": {},
        }
        asked = node("Ask", "httpRequest", chosen, 4.2, credentials={"httpHeaderAuth": {"id": "2", "name": "theirs"}})
        error = await error_of(workflows, asked)
        assert "Hive keeps no credentials yet: httpHeaderAuth" in str(error)
        assert not witness.keys
    hook = node("Hook", "webhook", {"path": "guarded", "authentication": "headerAuth"}, 2)
    made = await workflows.create(chain(hook, node("End", "noOp")))
    with pytest.raises(PermissionDenied, match="Hive keeps no credentials yet"):
        await workflows.activate(made.id)
