"""Who makes and changes the streams of a real server: coordinators alone, whatever another service tries, and whoever else comes waits."""

import asyncio
import json
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
from structlog.testing import capture_logs

from bus import permissions, streams, subjects
from bus.nats_bus import NatsBus
from bus.nats_streams import declare, declared
from bus.permissions import ROOMS
from bus.settings import HiveSettings
from tests.parts.nats import NatsServer, violations

OTHERS = sorted(ROOMS.keys() - {permissions.COORDINATOR})
ATTACKS: dict[str, dict[str, Any]] = {
    f"UPDATE.{subjects.TASKS}": {"name": subjects.TASKS, "subjects": ["hive.tasks.submit.>"], "max_msgs": 1, "storage": "file"},
    "CREATE.COPY_OF_TASKS": {"name": "COPY_OF_TASKS", "sources": [{"name": subjects.TASKS}], "storage": "file"},
    f"UPDATE.{subjects.OUTPUT}": {"name": subjects.OUTPUT, "sources": [{"name": f"KV_{subjects.KV_KEYS}"}], "storage": "file"},
    f"UPDATE.{subjects.EVENTS}": {"name": subjects.EVENTS, "republish": {"src": ">", "dest": "copied.>"}, "storage": "file"},
}


async def connected(server: NatsServer, service: str) -> NatsBus:
    return await NatsBus.connect(HiveSettings(nats_url=server.url_of(service)), service, timeout=10)


@pytest.mark.parametrize("service", OTHERS)
async def test_no_other_service_changes_or_copies_a_stream(nats_server: NatsServer, nats_bus: NatsBus, service: str) -> None:
    js = nats_bus.client.jetstream()
    before = {str(each.name): (await js.stream_info(str(each.name))).config for each in streams.STREAMS}
    bus = await connected(nats_server, service)
    for attack, config in ATTACKS.items():
        await bus.client.publish(f"$JS.API.STREAM.{attack}", json.dumps(config).encode(), reply=bus.client.new_inbox())
    await bus.flush()
    await bus.close()
    refused = "\n".join(violations((nats_server.folder / "nats.log").read_text(), service))
    assert all(f'"$JS.API.STREAM.{attack}"' in refused for attack in ATTACKS)
    nats_server.newly_refused()  # what was tried on purpose is no fault of the tests that come next
    assert {name: (await js.stream_info(name)).config for name in before} == before
    assert "COPY_OF_TASKS" not in {each.config.name for each in await js.streams_info()}


@pytest.fixture
async def bare_server(tmp_path: Path) -> AsyncIterator[NatsServer]:
    """Without a stream."""
    server = NatsServer(tmp_path)
    await asyncio.to_thread(server.start)
    yield server
    server.kill()


async def test_who_comes_before_a_coordinator_says_so_once_and_waits(bare_server: NatsServer) -> None:
    buses = [await connected(bare_server, service) for service in OTHERS]
    with capture_logs() as told:
        waiting = [asyncio.create_task(declared(bus)) for bus in buses]
        async with asyncio.timeout(10):
            while sum(line["event"] == "awaiting_a_coordinator" for line in told) < len(OTHERS):
                await asyncio.sleep(0.02)
        done, _ = await asyncio.wait(waiting, timeout=0.2)
        assert not done
        coordinator = await connected(bare_server, permissions.COORDINATOR)
        await declare(coordinator)
        await asyncio.wait_for(asyncio.gather(*waiting), 10)
    waited = [line for line in told if line["event"] == "awaiting_a_coordinator"]
    assert len(waited) == len(OTHERS)
    assert all("hive run coordinator" in line["reason"] for line in waited)
    assert bare_server.newly_refused() == []
    for bus in (*buses, coordinator):
        await bus.close()
