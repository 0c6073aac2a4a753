"""Real databases as workflows reach them: by TCP, through a line to their sockets. And the driver that runs nodes in memory."""

from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest

from deploy.local.postgres import ROLE, SOCKET_NAME
from tests.parts.proxy import Proxy
from tests.unit.workflow.conftest import driver, pool

__all__ = ["Line", "driver", "pool", "tcp_postgres", "tcp_valkey"]


@dataclass(frozen=True)
class Line:
    """`data`: of a credential that leads there."""

    proxy: Proxy
    data: dict[str, Any] = field(default_factory=dict)


@pytest.fixture
async def tcp_postgres(database_url: str) -> AsyncIterator[Line]:
    parts = urlsplit(database_url)
    (folder,) = parse_qs(parts.query)["host"]
    proxy = Proxy.to_socket(f"{folder}/{SOCKET_NAME}")
    await proxy.start()
    yield Line(
        proxy, {"host": "127.0.0.1", "port": proxy.port, "user": ROLE, "password": "", "database": parts.path.strip("/")}
    )
    await proxy.close()


@pytest.fixture
async def tcp_valkey(valkey_url: str) -> AsyncIterator[Line]:
    proxy = Proxy.to_socket(valkey_url.removeprefix("unix://"))
    await proxy.start()
    yield Line(proxy, {"host": "127.0.0.1", "port": proxy.port, "database": 0})
    await proxy.close()
