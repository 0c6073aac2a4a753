"""Backup under load, wipe, restore, by the commands themselves: on servers of one's own, and on those that `hive up` brings."""

import asyncio
import json
import shutil
import subprocess
import sys
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from pathlib import Path
from typing import Any
from uuid import uuid4

import asyncpg
import httpx
import pytest

from deploy.backup.archive import sections
from deploy.local.ports import free_port
from tests.chaos.backend import MODEL
from tests.conftest import folder_for_others
from tests.integration.gateway.parts import ADMIN_KEY, CoordinatorProcess, GatewayProcess, Process
from tests.integration.llm.conftest import SidecarProcess
from tests.integration.workflow.parts import EngineProcess, chain, node
from tests.parts.hive import Hive
from tests.parts.nats import NatsServer

pytestmark = [pytest.mark.slow, pytest.mark.timeout(240)]

HIVE = Path(sys.executable).with_name("hive")


class External:
    """A hive of processes on servers that somebody named. `sidecar` and its backend run all the time."""

    def __init__(self, folder: Path, server: NatsServer, database_url: str) -> None:
        self.folder, self.server, self.database_url, self.port = folder, server, database_url, free_port()
        self._stack = AsyncExitStack()
        for name in ("backend", "sidecar", "coordinator", "gateway"):
            (folder / name).mkdir()
        backend = subprocess.Popen(
            [sys.executable, "-m", "tests.chaos.backend", str(self.port), str(folder / "generations.jsonl")]
        )
        self._stack.callback(backend.wait)
        self._stack.callback(backend.kill)
        at = f"oak=http://127.0.0.1:{self.port}/oak?slots=16"
        self.sidecar = self._stack.enter_context(SidecarProcess(server, folder / "sidecar", at))
        self.coordinator = self._stack.enter_context(CoordinatorProcess(server, folder / "coordinator", database_url))
        self.gateway = self._stack.enter_context(GatewayProcess(server, folder / "gateway"))
        self.engine = self._stack.enter_context(EngineProcess(server, folder, database_url))
        self.services: list[Process] = [self.engine, self.gateway, self.coordinator]

    async def __aenter__(self) -> "External":
        return self

    async def __aexit__(self, *_: object) -> None:
        await self._stack.aclose()

    async def ready(self) -> None:
        await self.gateway.answers("/readyz")
        async with asyncio.timeout(60), self.gateway.client() as client:
            while not _takes_work(await client.get("/api/agents")):
                await asyncio.sleep(0.05)
        bus = await self.server.connect()
        await self.engine.ready(bus)
        await bus.close()

    def hive(self, *arguments: str, check: bool = True) -> subprocess.CompletedProcess[str]:
        env = {
            "NATS_URL": self.server.url,
            "HIVE_DATABASE_URL": self.database_url,
            "HIVE_DATA_DIR": str(self.folder / "engine"),
        }
        done = subprocess.run(
            [HIVE, *arguments], env=self.engine._env | env, capture_output=True, text=True, timeout=100, check=False
        )
        assert not check or done.returncode == 0, done.stdout + done.stderr
        return done

    async def wipe(self) -> None:
        """All that the servers have. They come back empty, where they were."""
        self.server.stop()
        shutil.rmtree(self.server.folder / "store")
        self.server.start()
        connection = await asyncpg.connect(self.database_url)
        await connection.execute("DROP SCHEMA public CASCADE; CREATE SCHEMA public")
        await connection.close()

    async def sql(self, statement: str) -> list[Any]:
        connection = await asyncpg.connect(self.database_url)
        try:
            return list(await connection.fetch(statement))
        finally:
            await connection.close()


def _takes_work(answer: httpx.Response) -> bool:
    return answer.status_code == 200 and any(agent["status"] == "online" for agent in answer.json()["agents"])


@pytest.fixture
async def external(own_nats_server: NatsServer, database_url: str, tmp_path: Path) -> AsyncIterator[External]:
    async with External(tmp_path, own_nats_server, database_url) as found:
        await found.ready()
        yield found


def question(name: str) -> dict[str, Any]:
    """A workflow that asks a model, which takes seconds to answer."""
    asked = {"promptType": "define", "text": f"{name} 60 0.1"}
    document = chain(node("Start", "manualTrigger"), node("Ask", "@n8n/n8n-nodes-langchain.chainLlm", asked, 1.4))
    document["nodes"].append(node("Model", "@n8n/n8n-nodes-langchain.lmChatOpenAi", {"model": MODEL}, 1))
    document["connections"]["Model"] = {"ai_languageModel": [[{"node": "Ask", "type": "ai_languageModel", "index": 0}]]}
    return document


async def made(client: httpx.AsyncClient, path: str, body: dict[str, Any]) -> dict[str, Any]:
    answer = await client.post(path, json=body)
    assert answer.status_code in (200, 201, 202), answer.text
    found: dict[str, Any] = answer.json()
    return found


class Load:
    """Submits without a pause, each with a key of its own, and remembers what was acknowledged."""

    def __init__(self, client: httpx.AsyncClient) -> None:
        self._client = client
        self.acknowledged: list[str] = []

    async def run(self) -> None:
        while True:
            body = {"prompt": f"{uuid4().hex} 2 0.05", "model": MODEL}
            answer = await self._client.post("/api/tasks", json=body)
            if answer.is_success:
                self.acknowledged.append(answer.json()["id"])

    async def reaches(self, number: int) -> None:
        async with asyncio.timeout(60):
            while len(self.acknowledged) < number:
                await asyncio.sleep(0.02)


async def all_end(client: httpx.AsyncClient, paths: list[str], good: str, seconds: float = 90) -> None:
    found: dict[str, Any] = {}
    try:
        async with asyncio.timeout(seconds):
            for path in paths:
                while (found := (await client.get(path)).json()).get("status") != good:
                    assert found.get("status") not in (None, 404, "failed", "error", "cancelled"), found
                    await asyncio.sleep(0.05)
    except TimeoutError:
        raise AssertionError(f"not at its end after {seconds:.0f} s: {found}") from None


async def test_all_that_was_acknowledged_before_is_there_after_a_wipe_and_ends(external: External) -> None:
    file = external.folder / "hive.backup"
    async with external.gateway.client() as client:
        key = (await made(client, "/api/keys", {"owner": "ada", "role": "developer"}))["key"]
        assert (await client.put("/api/aliases/gpt-4o-mini", json={"models": [MODEL]})).is_success
        yearly = {"name": "yearly", "cron": "0 0 1 1 *", "task": {"prompt": "year 1 0", "model": MODEL}}
        schedule = await made(client, "/api/schedules", yearly)
        secret = {"name": "door", "type": "httpHeaderAuth", "data": {"name": "X-Door", "value": "open sesame"}}
        credential = await made(client, "/api/credentials", secret)
        workflow = await made(client, "/api/workflows", {"n8n_data": question("flow")})
        execution = await made(client, f"/api/workflows/{workflow['id']}/execute", {})
        held = await made(client, "/api/tasks", {"prompt": "held 80 0.1", "model": MODEL})
        load = Load(client)
        submitting = asyncio.create_task(load.run())
        await load.reaches(60)
        promised = [*load.acknowledged, held["id"]]
        sealed = await external.sql("SELECT * FROM credentials")
        [(epoch,)] = await external.sql("SELECT epoch FROM leadership")

        done = await asyncio.to_thread(external.hive, "backup", str(file))
        assert "is not in it: keep a copy of" in done.stderr
        await load.reaches(len(load.acknowledged) + 20)
        submitting.cancel()
        too_late = load.acknowledged[-1]

    assert "open sesame" not in _plain(file)
    assert json.loads(external.hive("backup", "--check", str(file), "--json").stdout)["credential_keys"]
    assert "error [conflict]" in external.hive("restore", str(file), "--replace", check=False).stderr
    for service in external.services:
        service.kill()
    await external.wipe()
    external.hive("restore", str(file))
    assert await external.sql("SELECT * FROM credentials") == sealed
    for service in reversed(external.services):
        service.restart()
    await external.ready()

    assert external.sidecar.process.poll() is None, "it ran all the time"
    async with external.gateway.client() as client:
        await all_end(client, [f"/api/tasks/{task_id}" for task_id in promised], "completed")
        await all_end(client, [f"/api/executions/{execution['id']}"], "success")
        assert (await client.get(f"/api/tasks/{too_late}")).status_code == 404
        assert (await client.get(f"/api/schedules/{schedule['id']}")).json()["name"] == "yearly"
        assert credential["id"] in {each["id"] for each in (await client.get("/api/credentials")).json()["credentials"]}
        assert {each["alias"] for each in (await client.get("/api/aliases")).json()["aliases"]} == {"gpt-4o-mini"}
        [(now,)] = await external.sql("SELECT epoch FROM leadership")
        assert now > epoch + 1_000_000
    async with external.gateway.client(key) as client:
        task = await made(client, "/api/tasks", {"prompt": "after 2 0.01", "model": MODEL})
        await all_end(client, [f"/api/tasks/{task['id']}"], "completed")


def _plain(file: Path) -> str:
    return "".join(chunk.decode(errors="replace") for _, chunks in sections(file) for chunk in chunks)


def test_what_hive_up_brought_comes_back_with_its_secrets() -> None:
    with folder_for_others("backup") as folder:
        hive, file = Hive(folder / "data", HIVE_ADMIN_KEY=ADMIN_KEY), str(folder / "hive.backup")
        try:
            hive.start()
            task = hive.json("task", "submit", "Say hello.", "-o", "num_predict=4")
            (folder / "data/tls").mkdir()
            (folder / "data/tls/ca.key").write_text("of an authority")
            hive.run("backup", file, "--with-secrets")
            assert "error [conflict]" in hive.run("restore", file, "--replace", check=False).stderr
            hive.stop()
            names = ("secrets.json", "gui.secret", "tls/ca.key")
            secrets = {name: (folder / "data" / name).read_bytes() for name in names}
            refused = hive.run("restore", file, check=False)
            assert "error [hive_not_empty]" in refused.stderr
            shutil.rmtree(folder / "data")
            hive.run("restore", file)
            assert {name: (folder / "data" / name).read_bytes() for name in names} == secrets
            assert (folder / "data/tls").stat().st_mode & 0o77 == 0
            hive.start()
            found = httpx.get(
                f"{hive.json('status')['api']}/api/tasks/{task['id']}", headers={"Authorization": f"Bearer {ADMIN_KEY}"}
            )
            assert found.json()["output"]["text"] == task["output"]["text"]
        finally:
            hive.stop()
