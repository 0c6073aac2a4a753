"""Workflows in Redis, on a real Valkey: shown when they are read, dropped when they are saved, and missed by nobody."""

import asyncio
import json
from collections.abc import AsyncIterator
from pathlib import Path
from uuid import UUID

import pytest
import redis.asyncio as redis

from bus import subjects
from bus.messages import NoReply
from bus.messages.workflows import ChangeWorkflow, WorkflowRecord, WorkflowRef
from bus.nats_bus import NatsBus
from tests.integration.workflow.parts import EngineProcess, Workflows, chain, node
from tests.parts.nats import NatsServer
from tests.parts.valkey import ValkeyServer
from workflow.library.cache import WORKFLOW_SECONDS, Cache, Standing, key_of

pytestmark = pytest.mark.slow

DOCUMENT = chain(node("Start", "manualTrigger"), node("Next", "noOp"))


@pytest.fixture
async def shown(valkey_url: str) -> AsyncIterator[redis.Redis]:
    async with redis.from_url(valkey_url, decode_responses=True) as client:
        yield client


async def get(bus: NatsBus, workflow_id: UUID) -> WorkflowRecord:
    return await bus.request(
        subjects.service_verb(subjects.SERVICE_WORKFLOWS, "get"), WorkflowRef(id=workflow_id), WorkflowRecord
    )


async def until_shown(client: redis.Redis, workflow_id: UUID) -> WorkflowRecord:
    async with asyncio.timeout(20):
        while (text := await client.get(key_of(workflow_id))) is None:
            await asyncio.sleep(0.02)
    return WorkflowRecord.model_validate(json.loads(text))


async def test_it_is_shown_as_it_was_read_and_dropped_when_it_is_saved_activated_or_deleted(
    nats_bus: NatsBus,
    nats_server: NatsServer,
    database_url: str,
    tmp_path: Path,
    workflows: Workflows,
    valkey_url: str,
    shown: redis.Redis,
) -> None:
    change, delete = (subjects.service_verb(subjects.SERVICE_WORKFLOWS, verb) for verb in ("update", "delete"))
    with EngineProcess(nats_server, tmp_path, database_url, HIVE_REDIS_URL=valkey_url) as engine:
        await engine.ready(nats_bus)
        made = await workflows.create(DOCUMENT)
        key = key_of(made.id)
        assert await until_shown(shown, (await get(nats_bus, made.id)).id) == made
        assert 0 < await shown.ttl(key) <= WORKFLOW_SECONDS
        await nats_bus.request(change, ChangeWorkflow(id=made.id, name="another"), WorkflowRecord)
        assert not await shown.exists(key)
        await get(nats_bus, made.id)
        found = await until_shown(shown, made.id)
        assert (found.version, found.name) == (2, "another")
        await workflows.activate(made.id)
        assert not await shown.exists(key)
        await get(nats_bus, made.id)
        assert (await until_shown(shown, made.id)).active
        await nats_bus.request(delete, WorkflowRef(id=made.id), NoReply)
        assert not await shown.exists(key)


async def test_without_redis_nothing_stops(
    nats_bus: NatsBus, nats_server: NatsServer, database_url: str, tmp_path: Path, workflows: Workflows
) -> None:
    (folder := tmp_path / "valkey").mkdir()
    server = ValkeyServer(folder)
    server.start()
    try:
        with EngineProcess(nats_server, tmp_path, database_url, HIVE_REDIS_URL=server.url) as engine:
            await engine.ready(nats_bus)
            made = await workflows.create(DOCUMENT)
            await get(nats_bus, made.id)
            server.kill()
            await workflows.activate(made.id)
            assert (await get(nats_bus, made.id)).active
            await engine.logged("cache_away")
    finally:
        server.kill()


@pytest.mark.parametrize(("standing", "stays"), [((1, False), True), ((2, False), False), ((1, True), False), (None, False)])
async def test_what_was_saved_while_it_was_shown_is_not_shown_as_it_was(
    standing: Standing | None, stays: bool, engine: EngineProcess, workflows: Workflows, valkey_url: str, shown: redis.Redis
) -> None:
    looked = asyncio.Event()

    async def standing_of(_: UUID) -> Standing | None:
        looked.set()
        return standing

    cache, made = Cache(valkey_url, standing_of), await workflows.create(DOCUMENT)
    cache.show(made)
    async with asyncio.timeout(20):
        await looked.wait()
        while await shown.exists(key_of(made.id)) != stays:
            await asyncio.sleep(0.02)
    await cache.close()
