"""The real Alertmanager, told by a monitor as a process. Debian's package is `prometheus-alertmanager`."""

import asyncio
import shutil
import socket
import subprocess
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import Any

import httpx
import pytest
from pydantic import SecretStr

from bus.messages import AgentStatus
from bus.messages.alerts import AlertList, ListAlerts
from bus.messages.notifications import NotificationTarget, PutTarget, SentTest, TargetRef
from bus.nats_bus import NatsBus
from tests.integration.monitor.asking import agent_is, ask, ask_anew
from tests.integration.monitor.parts import MonitorProcess
from tests.parts.nats import NatsServer

PROGRAM = shutil.which("prometheus-alertmanager") or shutil.which("alertmanager")
pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(PROGRAM is None, reason="there is no prometheus-alertmanager; Debian's package has that name"),
]


@pytest.fixture
async def alertmanager(tmp_path: Path) -> AsyncIterator[httpx.AsyncClient]:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    (tmp_path / "alertmanager.yml").write_text("route: {receiver: nobody}\nreceivers: [{name: nobody}]\n")
    command = (
        *(str(PROGRAM), f"--config.file={tmp_path}/alertmanager.yml", f"--storage.path={tmp_path}/data"),
        *(f"--web.listen-address=127.0.0.1:{port}", "--cluster.listen-address="),
    )
    with (tmp_path / "alertmanager.log").open("wb") as log:
        process = subprocess.Popen(command, stdout=log, stderr=log)  # noqa: ASYNC220 - as long as it takes to fork
        try:
            async with httpx.AsyncClient(base_url=f"http://127.0.0.1:{port}", trust_env=False) as client:
                await _ready(client)
                yield client
        finally:
            process.kill()
            process.wait()


async def _ready(client: httpx.AsyncClient) -> None:
    async with asyncio.timeout(60):
        while True:
            try:
                if (await client.get("/-/ready")).is_success:
                    return
            except httpx.TransportError:
                pass
            await asyncio.sleep(0.05)


async def _alerts(client: httpx.AsyncClient, until: Callable[[list[dict[str, Any]]], bool]) -> list[dict[str, Any]]:
    async with asyncio.timeout(60):
        while not until(found := (await client.get("/api/v2/alerts")).json()):
            await asyncio.sleep(0.05)
        return list(found)


async def test_it_holds_what_fires_and_lets_go_what_is_resolved(
    nats_bus: NatsBus, nats_server: NatsServer, database_url: str, tmp_path: Path, alertmanager: httpx.AsyncClient
) -> None:
    url = f"alertmanager://127.0.0.1:{alertmanager.base_url.port}"
    with MonitorProcess(nats_server, tmp_path, HIVE_DATABASE_URL=database_url):
        await ask_anew(nats_bus, "list", ListAlerts(), AlertList)
        await ask(nats_bus, "put_target", PutTarget(name="am", url=SecretStr(url)), NotificationTarget)
        await ask(nats_bus, "test_target", TargetRef(name="am"), SentTest)
        await agent_is(nats_bus, AgentStatus.OFFLINE, "acacia")
        await agent_is(nats_bus, AgentStatus.OFFLINE, "oak")
        found = await _alerts(alertmanager, lambda alerts: len(alerts) == 3)
        by_agent = {alert["labels"].get("agent", alert["labels"]["alertname"]): alert for alert in found}
        assert sorted(by_agent) == ["acacia", "hive_test", "oak"]
        down = by_agent["acacia"]
        assert down["labels"] == {
            "alertname": "agent_down",
            "severity": "critical",
            "scope": "agent",
            "agent": "acacia",
            "source": "hive",
        }
        assert down["annotations"]["condition"] == "agent_available == false"
        assert (down["status"]["state"], down["startsAt"] < down["endsAt"]) == ("active", True)
        await agent_is(nats_bus, AgentStatus.ONLINE, "acacia")
        left = await _alerts(alertmanager, lambda alerts: len(alerts) == 2)
        assert {alert["labels"].get("agent") for alert in left} == {"oak", None}
