"""A bus at the end of a line that can be cut and frozen."""

from collections.abc import AsyncIterator

import pytest
from pydantic import SecretStr

from bus.nats_bus import NatsBus
from bus.settings import HiveSettings
from tests.parts.nats import NatsServer
from tests.parts.proxy import Proxy


@pytest.fixture
async def line(nats_server: NatsServer) -> AsyncIterator[Proxy]:
    proxy = Proxy.to_port(nats_server.port)
    await proxy.start()
    yield proxy
    await proxy.close()


@pytest.fixture
async def distant_bus(nats_server: NatsServer, line: Proxy) -> AsyncIterator[NatsBus]:
    url = nats_server.url.replace(str(nats_server.port), str(line.port))
    bus = await NatsBus.connect(HiveSettings(nats_url=SecretStr(url)), "distant", timeout=10)
    yield bus
    line.heal()
    await bus.close()
