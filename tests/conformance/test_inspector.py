"""The inspector of the protocol's authors, by its command line, against a hive that runs: over HTTP with a key, and `hive mcp`."""

import json
import sys
from pathlib import Path
from typing import Any

from bus.nats_bus import NatsBus
from tests.conformance.npm import INSPECTOR, fetched, run
from tests.integration.gateway.parts import ADMIN_KEY
from tests.integration.workflow.doors import doors, saved
from tests.integration.workflow.parts import chain, node
from tests.parts.nats import NatsServer

pytestmark = fetched

HIVE = str(Path(sys.executable).with_name("hive"))
DOUBLE = node("Double", "code", {"jsCode": "return [{json: {n: 2 * $input.first().json.n}}]"}, 2)


class Inspector:
    """`how`: the words that name the server."""

    def __init__(self, folder: Path, *how: str) -> None:
        self._folder, self._how = folder, how

    async def ask(self, method: str, *words: str) -> dict[str, Any]:
        command = (INSPECTOR, "--cli", *self._how, "--method", method, *words)
        rc, out, errors = await run(*command, folder=self._folder)
        assert rc == 0, (out, errors)
        found: dict[str, Any] = json.loads(out)
        return found


async def test_it_lists_and_calls_the_tools(
    nats_bus: NatsBus, nats_server: NatsServer, database_url: str, tmp_path: Path
) -> None:
    settings = {"NATS_URL": nats_server.url, "HIVE_DATA_DIR": str(tmp_path), "HIVE_KEY": ADMIN_KEY}
    async with doors(nats_bus, nats_server, database_url, tmp_path) as client:
        await saved(client, {**chain(node("Start", "manualTrigger"), DOUBLE), "name": "Double it"})
        header = ("--header", f"Authorization: Bearer {ADMIN_KEY}")
        await _look_at(Inspector(tmp_path, f"{client.base_url}/mcp", "--transport", "http", *header))
        given = (word for name, value in settings.items() for word in ("-e", f"{name}={value}"))
        await _look_at(Inspector(tmp_path, HIVE, "mcp", *given))


async def _look_at(hive: Inspector) -> None:
    """`--strict`: it fails where a schema is one that some clients cannot read."""
    tools = {tool["name"]: tool for tool in (await hive.ask("tools/list", "--strict"))["tools"]}
    assert {"submit_task", "cluster_status", "list_workflows", "double_it"} <= set(tools)
    assert tools["cluster_status"]["annotations"]["readOnlyHint"] is True
    status = await hive.ask("tools/call", "--tool-name", "cluster_status")
    assert status["structuredContent"]["agents"]["offline"] == 0
    done = await hive.ask("tools/call", "--tool-name", "double_it", "--tool-arg", "n=21")
    assert "42" in done["content"][0]["text"], done
    assert (await hive.ask("resources/templates/list"))["resourceTemplates"]
    assert (await hive.ask("prompts/list"))["prompts"]
