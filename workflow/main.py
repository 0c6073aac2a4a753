"""Starts a workflow engine: `python -m workflow.main`. Any number of them may run."""

import asyncio
from collections.abc import Mapping
from contextlib import AsyncExitStack, suppress
from typing import Any, Final
from uuid import UUID, uuid4

import asyncpg
import uvloop

from bus import heap, telemetry
from bus.database import migrate_by, open_pool
from bus.errors import DatabaseUnavailable
from bus.exposition import exposed
from bus.nats_bus import NatsBus
from bus.nats_streams import connected
from bus.otlp import exporting
from bus.stopping import until_stopped
from bus.together import end
from bus.vault import FILE_NAME, Vault
from bus.vitals import telling_vitals
from workflow.core.execution import Execution
from workflow.core.interpreter import Interpreter
from workflow.credentials.connecting import Connecting
from workflow.credentials.lending import Lending
from workflow.credentials.service import service
from workflow.credentials.store import Credentials, reseal_when_possible
from workflow.credentials.token_store import TokenStore
from workflow.expressions.pool import Pool
from workflow.expressions.scripts import V8Scripts
from workflow.library.cache import Cache
from workflow.library.library import Library
from workflow.mcp import service as mcp_service
from workflow.mcp.calls import RegisteredCalls
from workflow.mcp.keeper import Keeper
from workflow.mcp.registry import Registry
from workflow.nodes.catalogue import registry
from workflow.outside.file_calls import FileCalls
from workflow.outside.guard import ANYWHERE, Guard
from workflow.outside.http_calls import HttpCalls
from workflow.outside.inference import Inference
from workflow.outside.mcp_client import McpClient
from workflow.packages.calls import PackagedCalls
from workflow.packages.installed import FOLDER, Installed
from workflow.python.host import Python
from workflow.running.bus_events import BusEvents
from workflow.running.carrying import Carrying
from workflow.running.engine import Engine, clock_ms
from workflow.running.fence import Fence
from workflow.running.gate import RunningGate
from workflow.running.lease import Lease, LeaseLost
from workflow.running.limits import Limits
from workflow.running.notices import Notices
from workflow.running.previewing import Previewing
from workflow.running.reading import Reading
from workflow.running.schedules import Schedules
from workflow.running.standing import Keys
from workflow.running.starting import Starting
from workflow.running.store import Store
from workflow.running.telling import Telling
from workflow.running.upkeep import expire, until_worn_out
from workflow.service import Verbs, services
from workflow.settings import WorkflowSettings
from workflow.sql import migrations

logger = telemetry.log(__name__)

STOP_SECONDS: Final = 4.0
"""From SIGTERM on, whatever it waits for then."""
CONNECTIONS: Final = 6
AGAIN_SECONDS: Final = 1.0


async def serve(settings: WorkflowSettings) -> None:
    """Until cancelled. An engine that was taken for dead begins anew, with another id."""
    async with AsyncExitStack() as stack:
        bus = await connected(settings, "workflow")
        stack.push_async_callback(bus.close)
        pool = await _database(settings.database_url.get_secret_value())
        stack.callback(pool.terminate)
        scripts = Pool()
        stack.callback(scripts.close)
        while True:
            with suppress(LeaseLost):
                await serve_as(uuid4(), settings, bus, pool, scripts)
            logger.warning("lease_lost")


async def _database(url: str) -> asyncpg.Pool:
    """Waits until it is there, and its schema is this version's."""
    while True:
        try:
            await migrate_by(url, migrations(), "workflow_migrations")
            return await open_pool(url, CONNECTIONS)
        except DatabaseUnavailable as error:
            logger.warning("engine_awaits_database", reason=error.message)
            await asyncio.sleep(AGAIN_SECONDS)


async def serve_as(engine_id: UUID, settings: WorkflowSettings, bus: NatsBus, pool: asyncpg.Pool, scripts: Pool) -> None:
    """One life of an engine. Raises LeaseLost."""
    async with AsyncExitStack() as stack:
        await _Life(stack, engine_id, settings, bus, pool, scripts).live()


class _Life:
    """What an engine is made of. All of it ends with `stack`, in the reverse of the order in which it began."""

    def __init__(
        self,
        stack: AsyncExitStack,
        engine_id: UUID,
        settings: WorkflowSettings,
        bus: NatsBus,
        pool: asyncpg.Pool,
        scripts: Pool,
    ) -> None:
        self._stack, self._id, self._settings = stack, engine_id, settings
        self._bus, self._pool, self._scripts = bus, pool, scripts
        self._url, self._most_bytes = settings.database_url.get_secret_value(), settings.workflow_max_answer_bytes
        self._fence, self._guard = Fence(), Guard.of(settings.workflow_allow_internal)
        self._notices, self._installed = Notices(bus), Installed(settings.data_dir / FOLDER)
        self._types = registry(self._installed)
        self._library = Library(pool, self._types, settings.workflow_time_zone, self._notices.changed)
        self._store, self._telling, self._limits = Store(self._url, engine_id), Telling(bus, pool), Limits(self._url)
        vault = Vault(settings.data_dir / FILE_NAME, _given_keys(settings))
        self._credentials, self._tokens = Credentials(pool, vault, self._installed.required), TokenStore(pool, vault)
        self._mcp_servers = Registry(pool, vault, self._credentials, settings.workflow_mcp_servers)
        self._notices.cache = Cache(_redis_url(settings), self._library.standing)

    async def live(self) -> None:
        settings, notices = self._settings, self._notices
        self._stack.push_async_callback(notices.cache.close)
        engine = await self._engine()
        keeper, lending = await self._outside(engine)
        lease = Lease(self._pool, engine, settings.workflow_lease_seconds, settings.workflow_take_ups, self._fence)
        await lease.begin()
        self._stack.push_async_callback(lease.end)
        self._beside(engine)
        await notices.listen(self._library, engine, keeper)
        self._stack.push_async_callback(notices.close)
        await reseal_when_possible(self._credentials)
        await self._serve(engine, lease, lending)
        exposing = exposed(settings, settings.workflow_metrics_port, "workflow", self._bus, engine.gate.samples)
        await self._stack.enter_async_context(exposing)
        await notices.ready()
        await self._stack.enter_async_context(telling_vitals(self._bus, "workflow"))
        logger.info("engine_ready", engine=str(self._id))
        await _first_to_end(
            lease.run(),
            Schedules(self._pool, engine, settings.workflow_time_zone).run(),
            keeper.run(),
            until_worn_out(self._scripts),
            BusEvents(self._bus, self._pool, engine, self._limits, settings.workflow_event_chain).run(),
        )

    async def _engine(self) -> Engine:
        settings = self._settings
        interpreter = Interpreter(
            registry=self._types,
            scripts=V8Scripts(self._scripts, python=Python(settings.workflow_python)),
            clock_ms=clock_ms,
            environment=_environment(settings.base_url, settings.workflow_models),
            time_zone=settings.workflow_time_zone,
        )
        gate = RunningGate(settings.workflow_running, settings.workflow_waiting, settings.workflow_held_bytes)
        keys = Keys(self._bus)
        await keys.start()
        self._stack.push_async_callback(keys.close)
        self._stack.callback(self._limits.close)
        return Engine(
            *(self._store, self._library, self._telling, interpreter, settings.threads, gate),
            *(self._limits, keys, self._fence),
        )

    async def _outside(self, engine: Engine) -> tuple[Keeper, Lending]:
        """What carries effects out, for the engine; who keeps MCP servers running, and who lends credentials."""
        settings, stack = self._settings, self._stack
        http = HttpCalls(self._guard, self._most_bytes, self._fence)
        stack.push_async_callback(http.close)
        inference = Inference(self._bus)
        await inference.start()
        stack.push_async_callback(inference.close)
        lending = Lending(self._credentials, self._tokens, http, self._guard, self._most_bytes, self._fence)
        stack.push_async_callback(lending.tokens.close)
        keeper, lending.registered = self._mcp()
        lending.packaged = PackagedCalls(
            *(self._installed, self._guard, settings.workflow_node, settings.workflow_node_seconds, self._most_bytes),
            *(settings.base_url, self._fence),
        )
        stack.push_async_callback(lending.packaged.close)
        engine.carrier = Carrying(
            *(engine, lending, FileCalls(settings.workflow_files), inference, self._pool, self._bus),
            *(settings.base_url, settings.workflow_event_chain),
        )
        return keeper, lending

    def _mcp(self) -> tuple[Keeper, RegisteredCalls]:
        """Who keeps the servers that are registered, and who calls them. What an administrator registered may be anywhere."""
        servers, bus, most = self._mcp_servers, self._bus, self._most_bytes
        client, trusted = (McpClient(each, most, self._fence) for each in (self._guard, ANYWHERE))

        def client_for(is_trusted: bool) -> McpClient:
            return trusted if is_trusted else client

        keeper = Keeper(self._url, servers, bus, client_for, self._settings.data_dir / "mcp", most)
        return keeper, RegisteredCalls(servers, keeper, bus, client, trusted, self._fence)

    def _beside(self, engine: Engine) -> None:
        works = (self._store.run(), self._telling.run(), expire(self._pool, self._settings.workflow_retain_days))
        self._stack.push_async_callback(end, [asyncio.create_task(work) for work in works])
        self._stack.push_async_callback(self._telling.finish, 2.0)
        self._stack.push_async_callback(engine.close, 2.0)

    async def _serve(self, engine: Engine, lease: Lease, lending: Lending) -> None:
        settings, notices = self._settings, self._notices
        reading = Reading(self._pool)
        verbs = Verbs(
            *(engine, self._library, reading, Starting(engine, lease, reading, lending, settings.base_url), notices.stop),
            *(notices.cache, self._mcp_servers, Previewing(engine, reading, self._scripts)),
        )
        connecting = Connecting(self._credentials, lending.tokens, settings.workflow_url, settings.base_url)
        for each in (
            *services(verbs, settings.workflow_running + settings.workflow_waiting),
            service(self._credentials, lending, connecting),
            mcp_service.service(self._mcp_servers, notices.mcp_servers),
        ):
            self._stack.push_async_callback((await self._bus.serve(each)).close)


def _redis_url(settings: WorkflowSettings) -> str | None:
    return (settings.redis_url.get_secret_value() or None) if settings.redis_url is not None else None


def _given_keys(settings: WorkflowSettings) -> str | None:
    return settings.credentials_key.get_secret_value() if settings.credentials_key is not None else None


async def _first_to_end(*works: Any) -> None:
    """All are needed: the first that fails ends the others, and is raised."""
    tasks = [asyncio.create_task(work) for work in works]
    try:
        done, _ = await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
        for task in done:
            task.result()
    finally:
        await end(tasks)


def _environment(base_url: str, models: Mapping[str, str]) -> Any:
    def of(execution: Execution) -> Mapping[str, Any]:
        resume, form = (f"{base_url}/{door}/{execution.id}" for door in ("webhook-waiting", "form-waiting"))
        return {"owner": execution.workflow_id, "resume_url": resume, "resume_form_url": form, "models": models}

    return of


def main() -> None:
    settings = WorkflowSettings.read()
    telemetry.configure("workflow", settings.log_level, settings.log_format, settings.log_refusals)
    heap.set_aside()
    with exporting("workflow", settings):
        uvloop.run(until_stopped(lambda _stopping: serve(settings), at_most=STOP_SECONDS))
    logger.info("engine_stopped")


if __name__ == "__main__":
    main()
