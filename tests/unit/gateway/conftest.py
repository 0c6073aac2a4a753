"""A gateway on a bus in memory, with the rooms that it asks, and clients with the keys of three people."""

from collections.abc import AsyncIterator

import pytest
from httpx import ASGITransport, AsyncClient

from bus import auth, subjects
from bus.messages import Claims, Role
from bus.testing import InMemoryBus
from coordinator.gateway.aliases import alias_service
from coordinator.gateway.app import create_app
from coordinator.gateway.gateway import Gateway, open_gateway
from coordinator.gateway.service import submit_service
from coordinator.gateway.settings import GatewaySettings
from tests.unit.gateway.rooms import Rooms

ADMIN, ANNA, VIEWER = "sk-hive-admin", "sk-hive-anna", "sk-hive-viewer"
PEOPLE = {
    ADMIN: Claims(sub="admin", roles=(Role.ADMIN,)),
    ANNA: Claims(sub="anna", roles=(Role.DEVELOPER,)),
    VIEWER: Claims(sub="viewer", roles=(Role.VIEWER,)),
}


@pytest.fixture
async def memory_bus() -> AsyncIterator[InMemoryBus]:
    bus = InMemoryBus()
    for key, claims in PEOPLE.items():
        await bus.put(subjects.KV_KEYS, auth.hash_key(key), claims)
    yield bus
    await bus.close()


@pytest.fixture
async def rooms(memory_bus: InMemoryBus) -> Rooms:
    rooms = Rooms(memory_bus)
    await rooms.start()
    return rooms


@pytest.fixture
def settings() -> GatewaySettings:
    return GatewaySettings(max_body_bytes=10_000)


@pytest.fixture
async def gateway(memory_bus: InMemoryBus, rooms: Rooms, settings: GatewaySettings) -> AsyncIterator[Gateway]:
    async with open_gateway(memory_bus, settings) as gateway:
        await memory_bus.serve(submit_service(gateway.submission))
        await memory_bus.serve(alias_service(gateway.aliases))
        yield gateway


def client_of(gateway: Gateway, key: str | None) -> AsyncClient:
    headers = {} if key is None else {"Authorization": f"Bearer {key}"}
    transport = ASGITransport(create_app(gateway), raise_app_exceptions=False)
    return AsyncClient(transport=transport, base_url="http://hive", headers=headers)


@pytest.fixture
async def nobody(gateway: Gateway) -> AsyncIterator[AsyncClient]:
    async with client_of(gateway, None) as client:
        yield client


@pytest.fixture
async def anna(gateway: Gateway) -> AsyncIterator[AsyncClient]:
    """A developer."""
    async with client_of(gateway, ANNA) as client:
        yield client


@pytest.fixture
async def viewer(gateway: Gateway) -> AsyncIterator[AsyncClient]:
    async with client_of(gateway, VIEWER) as client:
        yield client


@pytest.fixture
async def admin(gateway: Gateway) -> AsyncIterator[AsyncClient]:
    async with client_of(gateway, ADMIN) as client:
        yield client
