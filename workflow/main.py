"""Starts a workflow engine: `python -m workflow.main`. Any number of them may run."""

import asyncio
import signal
from collections.abc import Mapping
from contextlib import AsyncExitStack, suppress
from typing import Any, Final
from uuid import UUID, uuid4

import asyncpg
import uvloop

from bus import subjects, telemetry
from bus.client import Received
from bus.database import AWAY, NamedStatements, migrate_by, open_pool
from bus.errors import DatabaseUnavailable
from bus.messages.workflows import WorkflowNotice
from bus.nats_bus import NatsBus, declare
from bus.together import end
from bus.vitals import telling_vitals
from workflow.core.execution import Execution
from workflow.core.interpreter import Interpreter
from workflow.credentials.connecting import Connecting
from workflow.credentials.lending import Lending
from workflow.credentials.service import service
from workflow.credentials.store import Credentials, reseal_when_possible
from workflow.credentials.token_store import TokenStore
from workflow.credentials.vault import FILE_NAME, Vault
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
from workflow.running.previewing import Previewing
from workflow.running.reading import Reading
from workflow.running.schedules import Schedules
from workflow.running.standing import Keys
from workflow.running.starting import Starting
from workflow.running.store import Store
from workflow.running.telling import Telling
from workflow.service import Verbs, services
from workflow.settings import WorkflowSettings
from workflow.sql import migrations, queries

logger = telemetry.log(__name__)

STOP_SECONDS: Final = 4.0
CONNECTIONS: Final = 6
AGAIN_SECONDS: Final = 1.0
RETAIN_LOOK_SECONDS: Final = 600.0
MOST_RUNNING_ON: Final = 4
"""Evaluations that nothing stops, each on a core of its own: with so many an engine gives its place to a new one."""
WEAR_LOOK_SECONDS: Final = 5.0


async def serve(settings: WorkflowSettings) -> None:
    """Until cancelled. An engine that was taken for dead begins anew, with another id."""
    async with AsyncExitStack() as stack:
        bus = await NatsBus.connect(settings, "workflow")
        stack.push_async_callback(bus.close)
        await declare(bus)
        pool = await _database(settings.database_url.get_secret_value())
        stack.callback(pool.terminate)
        await stack.enter_async_context(telling_vitals(bus, "workflow"))
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
        notices = _Notices(bus)
        installed = Installed(settings.data_dir / FOLDER)
        types = registry(installed)
        library = Library(pool, types, settings.workflow_time_zone, notices.changed)
        notices.cache = cache = Cache(_redis_url(settings), library.standing)
        stack.push_async_callback(cache.close)
        store, telling = Store(settings.database_url.get_secret_value(), engine_id), Telling(bus, pool)
        interpreter = Interpreter(
            registry=types,
            scripts=V8Scripts(scripts, python=Python(settings.workflow_python)),
            clock_ms=clock_ms,
            environment=_environment(settings.base_url, settings.workflow_models),
            time_zone=settings.workflow_time_zone,
        )
        gate = RunningGate(settings.workflow_running, settings.workflow_waiting, settings.workflow_held_bytes)
        keys = Keys(bus)
        await keys.start()
        stack.push_async_callback(keys.close)
        limits = Limits(settings.database_url.get_secret_value())
        stack.callback(limits.close)
        fence = Fence()
        engine = Engine(store, library, telling, interpreter, settings.threads, gate, limits, keys, fence)
        guard = Guard.of(settings.workflow_allow_internal)
        http = HttpCalls(guard, settings.workflow_max_answer_bytes, fence)
        stack.push_async_callback(http.close)
        inference = Inference(bus)
        await inference.start()
        stack.push_async_callback(inference.close)
        vault = Vault(settings.data_dir / FILE_NAME, _given_keys(settings))
        credentials = Credentials(pool, vault, installed.required)
        lending = Lending(credentials, TokenStore(pool, vault), http, guard, settings.workflow_max_answer_bytes, fence)
        stack.push_async_callback(lending.tokens.close)
        mcp_servers = Registry(pool, vault, credentials, settings.workflow_mcp_servers)
        keeper, lending.registered = _mcp(settings, bus, mcp_servers, guard, fence)
        lending.packaged = PackagedCalls(
            *(installed, guard, settings.workflow_node, settings.workflow_node_seconds, settings.workflow_max_answer_bytes),
            *(settings.base_url, fence),
        )
        stack.push_async_callback(lending.packaged.close)
        files = FileCalls(settings.workflow_files)
        engine.carrier = Carrying(
            engine, lending, files, inference, pool, bus, settings.base_url, settings.workflow_event_chain
        )
        lease = Lease(pool, engine, settings.workflow_lease_seconds, settings.workflow_take_ups, fence)
        reading = Reading(pool)
        await lease.begin()
        stack.push_async_callback(lease.end)
        starting = Starting(engine, lease, reading, lending, settings.base_url)
        schedules = Schedules(pool, engine, settings.workflow_time_zone)
        beside = [
            asyncio.create_task(work) for work in (store.run(), telling.run(), _expire(pool, settings.workflow_retain_days))
        ]
        stack.push_async_callback(end, beside)
        stack.push_async_callback(telling.finish, 2.0)
        stack.push_async_callback(engine.close, 2.0)
        await notices.listen(library, engine, keeper)
        stack.push_async_callback(notices.close)
        await reseal_when_possible(credentials)
        most = settings.workflow_running + settings.workflow_waiting
        served = (
            *services(
                Verbs(
                    engine, library, reading, starting, notices.stop, cache, mcp_servers, Previewing(engine, reading, scripts)
                ),
                most,
            ),
            service(credentials, lending, Connecting(credentials, lending.tokens, settings.workflow_url, settings.base_url)),
            mcp_service.service(mcp_servers, notices.mcp_servers),
        )
        for each in served:
            stack.push_async_callback((await bus.serve(each)).close)
        await notices.ready()
        logger.info("engine_ready", engine=str(engine_id))
        await _first_to_end(
            lease.run(),
            schedules.run(),
            keeper.run(),
            _until_worn_out(scripts),
            BusEvents(bus, pool, engine, limits, settings.workflow_event_chain).run(),
        )


def _mcp(
    settings: WorkflowSettings, bus: NatsBus, servers: Registry, guard: Guard, fence: Fence
) -> tuple[Keeper, RegisteredCalls]:
    """Who keeps the servers that are registered, and who calls them. What an administrator registered may be anywhere."""
    most = settings.workflow_max_answer_bytes
    client, trusted = (McpClient(each, most, fence) for each in (guard, ANYWHERE))

    def client_for(is_trusted: bool) -> McpClient:
        return trusted if is_trusted else client

    keeper = Keeper(settings.database_url.get_secret_value(), servers, bus, client_for, settings.data_dir / "mcp", most)
    return keeper, RegisteredCalls(servers, keeper, bus, client, trusted, fence)


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


async def _until_worn_out(scripts: Pool) -> None:
    """Raises then: the engine leaves in order, its executions go on elsewhere, and whoever started it starts it anew."""
    while scripts.running_on < MOST_RUNNING_ON:
        await asyncio.sleep(WEAR_LOOK_SECONDS)
    raise RuntimeError(
        f"{MOST_RUNNING_ON} evaluations run on and cannot be stopped (isolate_runs_on says whose): it begins anew"
    )


async def _expire(pool: asyncpg.Pool, days: float) -> None:
    """Ended executions that are older go, some at a time."""
    statements = NamedStatements(pool, queries())
    while days:
        with suppress(*AWAY, asyncpg.PostgresError):
            await statements.run("expire", days * 86_400)
        await asyncio.sleep(RETAIN_LOOK_SECONDS)


class _Notices:
    """What engines tell each other on the bus. `cache` is set before anything changes."""

    cache: Cache

    def __init__(self, bus: NatsBus) -> None:
        self._bus = bus
        self._close: Any = None

    async def listen(self, library: Library, engine: Engine, keeper: Keeper) -> None:
        async def heard(received: Received) -> None:
            notice = received.decode(WorkflowNotice)
            if notice.workflow_id is not None:
                library.forget(notice.workflow_id)
            if notice.stop_execution is not None and (held := engine.held.get(notice.stop_execution)) is not None:
                engine.stop(held)
            if notice.mcp_servers:
                keeper.look()

        self._close = (await self._bus.subscribe(subjects.WORKFLOW_NOTICES, heard)).close

    async def close(self) -> None:
        await self._close()

    async def changed(self, workflow_id: UUID) -> None:
        await self.cache.drop(workflow_id)
        await self._bus.publish(subjects.WORKFLOW_NOTICES, WorkflowNotice(workflow_id=workflow_id))

    async def ready(self) -> None:
        """Doors that asked in vain may ask again."""
        await self._bus.publish(subjects.WORKFLOW_NOTICES, WorkflowNotice())

    async def mcp_servers(self) -> None:
        await self._bus.publish(subjects.WORKFLOW_NOTICES, WorkflowNotice(mcp_servers=True))

    async def stop(self, execution_id: UUID) -> None:
        await self._bus.publish(subjects.WORKFLOW_NOTICES, WorkflowNotice(stop_execution=execution_id))


async def until_stopped(settings: WorkflowSettings) -> None:
    """SIGTERM and SIGINT end it within STOP_SECONDS, whatever it waits for; an error of its own ends it too."""
    serving, asked = asyncio.create_task(serve(settings)), asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, asked.set)
    stopping = asyncio.create_task(asked.wait())
    await asyncio.wait({serving, stopping}, return_when=asyncio.FIRST_COMPLETED)
    if not asked.is_set():
        await serving
    serving.cancel()
    await asyncio.wait({serving}, timeout=STOP_SECONDS)
    logger.info("engine_stopped")


def main() -> None:
    settings = WorkflowSettings.read()
    telemetry.configure("workflow", settings.log_level, settings.log_format)
    uvloop.run(until_stopped(settings))


if __name__ == "__main__":
    main()
