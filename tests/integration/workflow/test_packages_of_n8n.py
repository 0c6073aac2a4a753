"""Nodes of the real `n8n-nodes-base` against a service on loopback. It is asked for: HIVE_TEST_NODES names a folder that
`hive --data-dir DIR nodes install n8n-nodes-base` filled (`DIR/nodes`), which takes minutes."""

import os
from pathlib import Path
from typing import Any

import pytest

from bus.nats_bus import NatsBus
from tests.integration.workflow.keeper import Keeper
from tests.integration.workflow.parts import EngineProcess, Workflows, node
from tests.integration.workflow.test_packages import ALLOW, Things, failure, outputs, ran
from tests.parts.nats import NatsServer

FOLDER = os.environ.get("HIVE_TEST_NODES", "")
pytestmark = [pytest.mark.slow, pytest.mark.skipif(not FOLDER, reason="HIVE_TEST_NODES names no folder with n8n-nodes-base")]
SECRET = "correct-horse-battery"

CASES: dict[str, tuple[str, float, dict[str, Any], str, dict[str, Any], str, tuple[str, str]]] = {
    "gitlab": (
        *(
            "gitlab",
            1,
            {"resource": "issue", "operation": "create", "owner": "me", "repository": "it", "title": "T", "body": "B"},
        ),
        *(
            "gitlabApi",
            {"server": "URL", "accessToken": SECRET},
            "POST /api/v4/projects/me%2Fit/issues",
            ("private-token", SECRET),
        ),
    ),
    "mattermost": (
        *("mattermost", 1, {"resource": "message", "operation": "post", "channelId": "c1", "message": "hi"}),
        *(
            "mattermostApi",
            {"baseUrl": "URL", "accessToken": SECRET},
            "POST /api/v4/posts",
            ("authorization", f"Bearer {SECRET}"),
        ),
    ),
    "homeAssistant": (
        *("homeAssistant", 1, {"resource": "state", "operation": "get", "entityId": "sun.sun"}),
        *(
            "homeAssistantApi",
            {"host": "127.0.0.1", "port": "PORT", "ssl": False, "accessToken": SECRET},
            "GET /api/states/sun.sun",
        ),
        ("authorization", f"Bearer {SECRET}"),
    ),
    "discourse": (
        *("discourse", 1, {"resource": "group", "operation": "get", "name": "staff"}),
        *("discourseApi", {"url": "URL", "apiKey": SECRET, "username": "ann"}, "GET /groups/staff", ("api-key", SECRET)),
    ),
    "graphql": (
        *("graphql", 1.1, {"endpoint": "URL/graphql", "requestFormat": "json", "query": "{ a }"}),
        *("", {}, "POST /graphql", ("content-type", "application/json")),
    ),
    "matrix": (
        *("matrix", 1, {"resource": "account", "operation": "me"}),
        *("matrixApi", {"homeserverUrl": "URL", "accessToken": SECRET}, "GET /_matrix/client/r0/account/whoami"),
        ("authorization", f"Bearer {SECRET}"),
    ),
}


def told(value: Any, url: str) -> Any:
    if isinstance(value, dict):
        return {name: told(each, url) for name, each in value.items()}
    if value == "PORT":
        return int(url.rpartition(":")[2])
    return value.replace("URL", url) if isinstance(value, str) else value


@pytest.mark.parametrize("name", CASES)
async def test_a_node_calls_its_service(
    name: str, nats_bus: NatsBus, nats_server: NatsServer, database_url: str, tmp_path: Path, workflows: Workflows
) -> None:
    kind, version, parameters, credential, data, asked, header = CASES[name]
    async with Things() as things:
        with EngineProcess(nats_server, tmp_path, database_url, **ALLOW) as engine:
            (tmp_path / "engine" / "nodes").symlink_to(FOLDER)
            await engine.ready(nats_bus)
            more = {}
            if credential:
                await Keeper(nats_bus).add(credential, told(data, things.url))
                more = {"credentials": {credential: {"name": "mine"}}}
            wanted = node("Do", kind, told(parameters, things.url), version, **more)
            found = await ran(workflows, wanted, items=({"json": {}},))
            assert found.status == "success", failure(found)
            assert things.asked, "nothing was asked"
            line, fields, _ = things.asked[0]
            assert line.partition("?")[0].removesuffix(".json") == asked
            assert fields[header[0]].partition(";")[0] == header[1]
            assert outputs(found)[0]
            assert SECRET not in engine.log.read_text()
