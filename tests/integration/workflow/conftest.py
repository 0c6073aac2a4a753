"""One engine on a real PostgreSQL and a real bus."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from bus.nats_bus import NatsBus
from tests.integration.workflow.parts import EngineProcess, Workflows
from tests.parts.nats import NatsServer


@pytest.fixture
async def engine(nats_bus: NatsBus, nats_server: NatsServer, database_url: str, tmp_path: Path) -> AsyncIterator[EngineProcess]:
    with EngineProcess(nats_server, tmp_path, database_url) as engine:
        await engine.ready(nats_bus)
        yield engine


@pytest.fixture
def workflows(nats_bus: NatsBus) -> Workflows:
    return Workflows(nats_bus)
