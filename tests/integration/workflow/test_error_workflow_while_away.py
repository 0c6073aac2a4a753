"""An error workflow is started for a failure that happens while the database is away: late, and not never."""

import asyncio
from contextlib import AsyncExitStack
from pathlib import Path
from uuid import UUID, uuid4

from bus.database import migrate_by, open_pool
from bus.messages import Claims, Role
from bus.messages.workflows import CreateWorkflow
from bus.nats_bus import NatsBus
from bus.vault import Vault
from tests.integration.workflow.databases import Line, pool, tcp_postgres  # noqa: F401 - fixtures
from tests.integration.workflow.parts import chain, node
from workflow.core.effects import StartErrorWorkflow
from workflow.core.execution import Mode
from workflow.core.interpreter import Interpreter
from workflow.credentials.lending import Lending
from workflow.credentials.store import Credentials
from workflow.credentials.token_store import TokenStore
from workflow.expressions.pool import Pool
from workflow.expressions.scripts import V8Scripts
from workflow.library.library import Library
from workflow.nodes.catalogue import registry
from workflow.outside.file_calls import FileCalls
from workflow.outside.guard import Guard
from workflow.outside.http_calls import HttpCalls
from workflow.outside.inference import Inference
from workflow.running.carrying import Carrying
from workflow.running.engine import Engine, clock_ms
from workflow.running.gate import RunningGate
from workflow.running.limits import Limits
from workflow.running.standing import Keys
from workflow.running.store import Store
from workflow.running.telling import Telling
from workflow.sql import migrations

ANNA = Claims(sub="anna", roles=(Role.DEVELOPER,))


async def nobody(_: UUID) -> None:
    """There is no other engine to tell of a change."""


async def test_it_waits_until_the_database_is_back(
    nats_bus: NatsBus,
    database_url: str,
    tcp_postgres: Line,  # noqa: F811
    pool: Pool,  # noqa: F811
    tmp_path: Path,
) -> None:
    await migrate_by(database_url, migrations(), "workflow_migrations")
    data = tcp_postgres.data
    url = f"postgresql://{data['user']}@{data['host']}:{data['port']}/{data['database']}"
    async with AsyncExitStack() as stack:
        connections = await open_pool(url, 2)
        stack.callback(connections.terminate)
        library = Library(connections, registry(), "UTC", nobody)
        keys, limits, http = Keys(nats_bus), Limits(url), HttpCalls(Guard(), 1000)
        await keys.start()
        stack.push_async_callback(keys.close)
        stack.callback(limits.close)
        stack.push_async_callback(http.close)
        interpreter = Interpreter(registry=registry(), scripts=V8Scripts(pool), clock_ms=clock_ms)
        telling = Telling(nats_bus, connections)
        engine = Engine(Store(url, uuid4()), library, telling, interpreter, 1, RunningGate(1, 1, 1000), limits, keys)
        vault = Vault(tmp_path / "key")
        lending = Lending(Credentials(connections, vault), TokenStore(connections, vault), http, Guard(), 1000)
        carrying = Carrying(engine, lending, FileCalls(()), Inference(nats_bus), connections, nats_bus)
        failing = await library.create(CreateWorkflow(n8n_data=chain(node("Start", "manualTrigger"))), ANNA)
        told = await library.create(CreateWorkflow(n8n_data=chain(node("Told", "errorTrigger"))), ANNA)
        held = engine.prepare(await library.plan(failing.id), uuid4(), mode=Mode.MANUAL)

        tcp_postgres.proxy.cut()
        library.forget()
        effect = StartErrorWorkflow(key="k", workflow_id=str(told.id), item={"json": {}})
        starting = asyncio.create_task(carrying.error_execution(held, effect))
        done, _ = await asyncio.wait({starting}, timeout=1)
        assert not done
        tcp_postgres.proxy.heal()
        follower = await asyncio.wait_for(starting, 30)
        assert follower is not None
        assert follower.origin.workflow_id == told.id
        await engine.close(1)
