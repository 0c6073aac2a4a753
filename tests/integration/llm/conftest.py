"""A hive whose hosts run real models, once for a module, and clients of other people's protocols in front of it."""

import asyncio
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from uuid import uuid4

import httpx
import pytest

from agent_sidecar.backends.builtin import installed
from bus.permissions import SIDECAR
from tests.integration.gateway.parts import ADMIN_KEY, CoordinatorProcess, GatewayProcess, Process
from tests.parts.nats import NatsServer
from tests.parts.ollama import ollama
from tests.parts.postgres import PostgresServer

__all__ = ["ollama"]

READY_SECONDS = 90
BUILTIN = "acacia"


class SidecarProcess(Process):
    """Speaks for `backends`, in the words of HIVE_BACKENDS; empty: for those that the file of HIVE_CONFIG names."""

    def __init__(self, server: NatsServer, folder: Path, backends: str, **env: str) -> None:
        named = {"HIVE_BACKENDS": backends} if backends else {}
        super().__init__("agent_sidecar.main", folder, {"NATS_URL": server.url_of(SIDECAR), **named, **env})


class LlmHive:
    """`client` speaks to the gateway with the admin's key. `sidecar` is the one that it was started with."""

    def __init__(self, server: NatsServer, gateway: GatewayProcess, sidecar: SidecarProcess) -> None:
        self.server, self.gateway, self.sidecar = server, gateway, sidecar
        self.client = httpx.Client(base_url=gateway.url, headers={"Authorization": f"Bearer {ADMIN_KEY}"}, timeout=60)

    def until(self, path: str, holds: Callable[[httpx.Response], bool], seconds: float = READY_SECONDS) -> None:
        deadline = time.monotonic() + seconds
        while True:
            try:
                if holds(self.client.get(path)):
                    return
            except httpx.HTTPError:
                pass
            assert time.monotonic() < deadline, f"{path} did not come to be so within {seconds} s"
            time.sleep(0.05)

    def task(self, task_id: str) -> dict[str, object]:
        found: dict[str, object] = self.client.get(f"/api/tasks/{task_id}").json()
        return found

    def ended(self, task_id: str, seconds: float = 30) -> dict[str, object]:
        over = ("completed", "failed", "cancelled")
        self.until(f"/api/tasks/{task_id}", lambda answer: answer.json().get("status") in over, seconds)
        return self.task(task_id)


@pytest.fixture(scope="module")
def start_hive(tmp_path_factory: pytest.TempPathFactory, postgres: PostgresServer) -> Iterator[Callable[..., LlmHive]]:
    """`start_hive("acacia=builtin", models=1)`: ready when so many models are listed. The rest is the sidecar's environment."""
    with ExitStack() as stack:

        def start(backends: str, *, models: int, **sidecar: str) -> LlmHive:
            folder, name = tmp_path_factory.mktemp("llm"), f"test_{uuid4().hex}"
            server = NatsServer(folder)
            server.start()
            stack.callback(server.kill)
            asyncio.run(postgres.execute(f"CREATE DATABASE {name}"))
            stack.callback(lambda: asyncio.run(postgres.execute(f"DROP DATABASE {name} WITH (FORCE)")))
            stack.enter_context(CoordinatorProcess(server, folder, postgres.postgres.url(name)))
            gateway = stack.enter_context(GatewayProcess(server, folder))
            first = stack.enter_context(SidecarProcess(server, folder, backends, **sidecar))
            hive = LlmHive(server, gateway, first)
            stack.callback(hive.client.close)
            hive.until("/readyz", lambda answer: answer.status_code == 200)
            hive.until("/v1/models", lambda answer: len(answer.json().get("data", ())) >= models)
            return hive

        yield start


@pytest.fixture(scope="module")
def hive(start_hive: Callable[..., LlmHive]) -> LlmHive:
    """With the built-in model alone."""
    if not installed():
        pytest.skip("the built-in model is not installed (extra `embedded`)")
    return start_hive(f"{BUILTIN}=builtin", models=1)
