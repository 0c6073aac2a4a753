"""A gateway with a real coordinator behind it, and a sidecar whose backend answers at once."""

from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from bus.nats_bus import NatsBus
from tests.integration.gateway.parts import CoordinatorProcess, GatewayProcess, InstantSidecar
from tests.parts.nats import NatsServer
from tests.parts.ollama import ollama

__all__ = ["ollama"]


@dataclass(frozen=True)
class Hive:
    gateway: GatewayProcess
    coordinator: CoordinatorProcess
    sidecar: InstantSidecar


@pytest.fixture
async def hive(nats_bus: NatsBus, nats_server: NatsServer, database_url: str, tmp_path: Path) -> AsyncIterator[Hive]:
    """Ready: the gateway says so itself."""
    sidecar = InstantSidecar(nats_bus)
    with (
        CoordinatorProcess(nats_server, tmp_path, database_url) as coordinator,
        GatewayProcess(nats_server, tmp_path) as gateway,
    ):
        await sidecar.start()
        await gateway.answers("/readyz")
        yield Hive(gateway, coordinator, sidecar)
        await sidecar.close()
