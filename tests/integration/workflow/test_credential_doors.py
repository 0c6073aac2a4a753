"""Credentials by REST and by the command line: secrets go in, and come out of neither."""

import asyncio
import base64
import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from httpx import AsyncClient

from bus.nats_bus import NatsBus
from tests.integration.gateway.parts import CoordinatorProcess, GatewayProcess
from tests.integration.workflow.parts import EngineProcess, chain, node
from tests.parts.nats import NatsServer

pytestmark = pytest.mark.slow

SECRET = "correct-horse/battery+staple"
HEADER = {"name": "weather", "type": "httpHeaderAuth", "data": {"name": "X-Key", "value": SECRET}}


async def test_the_life_of_a_credential_by_rest(
    nats_bus: NatsBus, nats_server: NatsServer, database_url: str, tmp_path: Path
) -> None:
    with (
        EngineProcess(nats_server, tmp_path, database_url) as engine,
        CoordinatorProcess(nats_server, tmp_path, database_url),
        GatewayProcess(nats_server, tmp_path) as gateway,
    ):
        await engine.ready(nats_bus)
        await gateway.answers("/healthz", 90)
        async with gateway.client() as client:
            async with asyncio.timeout(90):
                while (await client.get("/api/credentials")).status_code != 200:
                    await asyncio.sleep(0.05)
            shown = await _by_rest(client)
        shown += [gateway.log.read_text(), engine.log.read_text()]
    assert not [text for text in shown if SECRET in text]


async def _by_rest(client: AsyncClient) -> list[str]:
    """What the door answered."""
    answers = [made := await client.post("/api/credentials", json=HEADER)]
    assert (made.status_code, made.json()["fields"]) == (201, ["name", "value"])
    where = made.headers["location"]
    answers += [again := await client.post("/api/credentials", json=HEADER)]
    assert (again.status_code, again.json()["code"]) == (409, "conflict")
    answers += [wrong := await client.post("/api/credentials", json={**HEADER, "data": {"value": SECRET}})]
    assert (wrong.status_code, wrong.json()["code"]) == (422, "invalid_request")
    answers += [odd := await client.post("/api/credentials", json={**HEADER, "data": [SECRET], "more": SECRET})]
    assert odd.status_code == 422
    answers += [large := await client.post("/api/credentials", json={**HEADER, "data": {"value": SECRET * 5000}})]
    assert (large.status_code, "64" in large.json()["detail"] or "65,536" in large.json()["detail"]) == (422, True)
    answers += [changed := await client.put(where, json={"data": {"value": SECRET + "2"}, "shared": True})]
    assert (changed.status_code, changed.json()["shared"]) == (200, True)
    answers += [tried := await client.post(f"{where}/test")]
    assert (tried.json()["ok"], tried.json()["tried"]) == (True, False)
    answers += [await client.get("/api/credentials"), found := await client.get(where)]
    assert found.json()["updated_at"] > made.json()["updated_at"]
    answers += await _guarded(client)
    assert (await client.delete(where)).status_code == 204
    gone = await client.get(where)
    assert (gone.status_code, gone.json()["code"]) == (404, "credential_not_found")
    assert (await client.get("/api/credentials/x")).status_code == 400
    async with AsyncClient(base_url=client.base_url) as stranger:
        assert (await stranger.get("/api/credentials")).status_code == 401
    return [answer.text for answer in answers]


async def _guarded(client: AsyncClient) -> list[Any]:
    """A webhook that asks for a name and a password, as a browser would meet it."""
    made = await client.post(
        "/api/credentials", json={"name": "in", "type": "httpBasicAuth", "data": {"user": "ada", "password": SECRET}}
    )
    hook = {"path": "guarded", "authentication": "basicAuth", "responseMode": "lastNode"}
    document = chain(node("Hook", "webhook", hook, 2, credentials={"httpBasicAuth": {"id": made.json()["id"]}}))
    workflow = (await client.post("/api/workflows", json={"n8n_data": document})).json()
    assert (await client.post(f"/api/workflows/{workflow['id']}/activate")).status_code == 200
    async with AsyncClient(base_url=client.base_url) as stranger:
        asked = await stranger.get("/webhook/guarded")
        assert (asked.status_code, asked.headers["www-authenticate"]) == (401, 'Basic realm="Webhook"')
        assert (await stranger.get("/webhook/guarded", auth=("ada", "wrong"))).status_code == 403
        let_in = await stranger.get("/webhook/guarded", auth=("ada", SECRET))
        assert let_in.status_code == 200, let_in.text
    encoded = base64.b64encode(f"ada:{SECRET}".encode()).decode()
    assert encoded not in let_in.text
    return [made, asked, let_in]


async def test_the_command_line(nats_bus: NatsBus, nats_server: NatsServer, database_url: str, tmp_path: Path) -> None:
    export = tmp_path / "export.json"
    export.write_text(
        json.dumps(
            [
                {"id": "n8nA", "name": "shop", "type": "postgres", "data": {"host": "h.invalid", "database": "d", "user": "u", "password": SECRET}},
                {"id": "n8nB", "name": "closed", "type": "httpBasicAuth", "data": "U2FsdGVk"},
                {"id": "n8nC", "name": "odd", "type": "httpBearerAuth", "data": {"wrong": SECRET}},
            ]
        )
    )  # fmt: skip
    shown: list[str] = []

    async def hive(*words: str, given: str = "", rc: int = 0) -> str:
        environment = {
            "NATS_URL": nats_server.url,
            "HIVE_DATA_DIR": str(tmp_path / "cli"),
            "PATH": "/usr/bin:/bin",
            "COLUMNS": "200",
        }
        command = [str(Path(sys.executable).with_name("hive")), "credential", *words]
        done = await asyncio.to_thread(
            subprocess.run, command, input=given, capture_output=True, text=True, timeout=120, env=environment, check=False
        )
        shown.append(done.stdout + done.stderr)
        assert done.returncode == rc, shown[-1]
        return shown[-1]

    with EngineProcess(nats_server, tmp_path, database_url) as engine:
        await engine.ready(nats_bus)
        await hive("add", "weather", "httpHeaderAuth", "--file", "-", given=json.dumps(HEADER["data"]))
        await hive("add", "weather", "httpHeaderAuth", "--file", "-", given=f'{{"{SECRET}', rc=1)
        told = await hive("import", str(export), "--owner", "anna", rc=1)
        assert "stored   shop (postgres)" in told
        assert "export with --decrypted" in told
        assert "needs `data.token`" in told
        listed = await hive("list")
        assert "weather" in listed
        assert "database, host, password, user" in listed
        found = json.loads(await hive("list", "--json"))["credentials"]
        assert {(each["name"], each["owner"], each.get("n8n_id")) for each in found} == {
            ("weather", "bus", None),
            ("shop", "anna", "n8nA"),
        }
        await hive("update", "weather", "--shared", "--file", "-", given=json.dumps({"value": SECRET + "2"}))
        assert "can be read" in await hive("test", "weather")
        assert "cannot be resolved" in await hive("test", "shop", rc=1)
        await hive("remove", "weather")
        assert "credential_not_found" in await hive("remove", "weather", rc=1)
        assert len(base64.urlsafe_b64decode((await hive("key")).strip())) == 32
    assert not [text for text in shown if "correct-horse" in text]
