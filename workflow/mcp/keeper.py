"""Keeps the connections to the servers that are registered: one engine does, which holds a lock of the database, and another when that is gone.

A stdio server runs as long as it is registered, and is begun again when it ends. One that is reached by HTTP is looked at now and then: what
calls it asks it directly (docs/adr/0041).
"""

import asyncio
from collections.abc import Callable, Mapping
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final
from uuid import UUID, uuid4

import asyncpg

from bus import subjects, telemetry
from bus.auth import Permission
from bus.database import AWAY, SESSION
from bus.errors import CredentialUnreadable, DatabaseUnavailable, DeadlineExceeded, HiveError, McpServerFailed
from bus.messages import EventType
from bus.messages.events import McpServerEvent
from bus.messages.mcp_servers import CallMcpTool, McpServerChange, McpServerStatus, McpToolAnswer, McpTransport
from bus.nats_bus import NatsBus
from bus.service import Call, Endpoint, Service
from bus.together import end
from bus.version import hive_version
from workflow.mcp.homes import sweep
from workflow.mcp.registry import Registered, Registry, State
from workflow.mcp.seen import connected, failed
from workflow.mcp.stdio import Session, running
from workflow.outside.mcp_client import McpClient, McpServer

logger = telemetry.log(__name__)

LOCK: Final = 0x48494D43
LOOK_SECONDS: Final = 15.0
"""Between looks at a server that works, and the time that it has to answer one."""
REGISTRY_SECONDS: Final = 3.0
"""Between looks at what is registered, where no notice came."""
FIRST_AGAIN_SECONDS: Final = 1.0
LAST_AGAIN_SECONDS: Final = 30.0
"""Before a server that failed is tried again: twice as long each time."""
END_SECONDS: Final = 10.0
_Key = tuple[UUID, int]
"""A server and its revision."""


class Keeper:
    """`client`: for what is reached by HTTP, by whether it is trusted. `folder`: of what runs; `max_bytes`: of an answer of that."""

    def __init__(
        self, url: str, registry: Registry, bus: NatsBus, client: Callable[[bool], McpClient], folder: Path, max_bytes: int
    ) -> None:
        self._url, self._registry, self._bus, self._client = url, registry, bus, client
        self._folder, self._max_bytes = folder, max_bytes
        self._sessions: dict[UUID, Session] = {}
        self._told: dict[UUID, tuple[int, State]] = {}
        self._changed = asyncio.Event()
        self._leaving = False

    def look(self) -> None:
        """What is registered may be another."""
        self._changed.set()

    async def run(self) -> None:
        """For ever; while another engine keeps them, it waits."""
        while True:
            try:
                await self._stand_by()
            except (*AWAY, asyncpg.PostgresError, DatabaseUnavailable) as error:
                logger.warning("mcp_keeper_lost_database", reason=str(error))
            await asyncio.sleep(FIRST_AGAIN_SECONDS)

    async def _stand_by(self) -> None:
        lock = await asyncpg.connect(self._url, timeout=5, command_timeout=10, server_settings=SESSION)
        try:
            while not await lock.fetchval("SELECT pg_try_advisory_lock($1)", LOCK):
                await asyncio.sleep(FIRST_AGAIN_SECONDS)
            logger.info("mcp_keeper_begins")
            await self._registry.reseal()
            served = await self._bus.serve(self._service())
            try:
                await self._keep(lock)
            finally:
                await served.close()
        finally:
            lock.terminate()

    async def _keep(self, lock: asyncpg.Connection) -> None:
        """Until the lock is lost with its session, which raises."""
        kept: dict[_Key, asyncio.Task[None]] = {}
        rows: dict[_Key, Any] = {}
        seen: set[UUID] | None = None
        self._leaving = False
        try:
            while True:
                self._changed.clear()
                rows = await self._rows(rows)
                await _end([kept.pop(key) for key, task in list(kept.items()) if key not in rows or task.done()])
                if (there := {server for server, _ in rows}) != seen and await sweep(self._folder, self._registry):
                    seen = there
                for key in rows.keys() - kept.keys():
                    kept[key] = asyncio.create_task(self._server(rows[key]))
                with suppress(TimeoutError):
                    async with asyncio.timeout(REGISTRY_SECONDS):
                        await self._changed.wait()
                await lock.fetchval("SELECT 1")
        finally:
            self._leaving = True
            await _end(list(kept.values()))

    async def _rows(self, before: dict[_Key, Any]) -> dict[_Key, Any]:
        """As before where the database is away: the lock's own session says whether they are still kept here."""
        try:
            return {(row["id"], row["revision"]): row for row in await self._registry.active()}
        except DatabaseUnavailable as error:
            logger.warning("mcp_servers_not_read", reason=error.message)
            return before

    async def _server(self, row: Any) -> None:
        """One server, until cancelled."""
        again = FIRST_AGAIN_SECONDS
        while True:
            began = asyncio.get_running_loop().time()
            try:
                server = self._registry.open(row)
                await self._tell(server, State(status=McpServerStatus.CONNECTING))
                await (self._runs(server) if server.transport is McpTransport.STDIO else self._looks(server))
            except CredentialUnreadable as error:
                logger.error("mcp_server_unreadable", name=row["name"], reason=error.message)
            except HiveError as error:
                await self._tell(server, failed(server, error))
            except Exception:
                logger.exception("mcp_server_failed_inside", name=row["name"])
            if asyncio.get_running_loop().time() - began > LAST_AGAIN_SECONDS:
                again = FIRST_AGAIN_SECONDS  # it worked for a while
            await asyncio.sleep(again)
            again = min(again * 2, LAST_AGAIN_SECONDS)

    async def _runs(self, server: Registered) -> None:
        """Raises McpServerFailed when it ends."""
        async with running(server, self._folder / str(server.id), self._max_bytes) as session:
            name, version = session.about()
            self._sessions[server.id] = session
            try:
                while True:
                    session.changed.clear()
                    was_busy = session.busy
                    try:
                        tools = await session.tools(LOOK_SECONDS)
                        await self._tell(server, connected(tools, name, version))
                    except DeadlineExceeded:
                        if not (was_busy or session.busy):  # at work it is alive, and may answer nothing else
                            raise
                    await _first([session.changed, session.ended], LOOK_SECONDS)
            finally:
                self._sessions.pop(server.id, None)

    async def _looks(self, server: Registered) -> None:
        """Raises what the server fails with. A session for each look, which is held until the next: so it is heard when tools become others."""
        client = self._client(server.trusted)

        async def listed(tools: list[dict[str, Any]]) -> None:
            await self._tell(server, connected(tools))

        while True:
            await client.watch(address_of_server(server), LOOK_SECONDS, LOOK_SECONDS, listed)

    async def _tell(self, server: Registered, state: State) -> None:
        """To the record; and to the bus what is new. A server that is tried again stays failed until it is known better.

        While the database is away nothing is told; the next look does.
        """
        revision, before = self._told.get(server.id, (0, None))
        if revision != server.revision:
            before = None
        if before is not None and before.status is McpServerStatus.FAILED and state.status is McpServerStatus.CONNECTING:
            return
        try:
            if not await self._registry.save(server.id, server.revision, state):
                return
        except DatabaseUnavailable as error:
            logger.warning("mcp_server_status_not_kept", name=server.name, reason=error.message)
            return
        self._told[server.id] = (server.revision, state)
        if before is None or (before.status, before.tools) != (state.status, state.tools):
            logger.info("mcp_server_status", name=server.name, status=state.status, reason=state.reason)
            await self._publish(server, state, before)

    async def _publish(self, server: Registered, state: State, before: State | None) -> None:
        change = McpServerChange(
            server_id=server.id,
            name=server.name,
            status=state.status,
            previous=before.status if before is not None else None,
            tools=len(state.tools or ()),
            reason=state.reason,
        )
        kind = EventType.MCP_SERVER_STATUS_CHANGED
        event = McpServerEvent(id=uuid4().hex, type=kind, source="workflow", timestamp=datetime.now(UTC), data=change)
        try:
            await self._bus.publish(subjects.event(server.tenant, kind, server.id), event)
        except HiveError as error:
            logger.debug("step_not_told", reason=error.message)

    async def call(
        self, server: Registered, tool: str, arguments: Mapping[str, Any], key: str, seconds: float
    ) -> dict[str, Any] | None:
        """For an execution of this engine; None where another one keeps it. McpServerFailed, OutcomeUnknown.

        A call that this engine itself ends, since it stops, has no answer: the execution is taken up elsewhere, where it is known
        whether the call may be made again.
        """
        try:
            return await self._asked(server, tool, arguments, key, seconds)
        except HiveError:
            if self._leaving:
                await asyncio.Event().wait()
            raise

    async def _asked(
        self, server: Registered, tool: str, arguments: Mapping[str, Any], key: str, seconds: float
    ) -> dict[str, Any] | None:
        session = self._sessions.get(server.id)
        return None if session is None else await session.call(tool, arguments, key, seconds)

    async def _called(self, call: Call[CallMcpTool]) -> McpToolAnswer:
        wish = call.body
        server, found = await self._registry.opened(wish.name, call.claims.tenant)
        result = await self._asked(server, wish.tool, wish.arguments, wish.key, wish.timeout_seconds)
        if result is None:
            raise McpServerFailed(
                f"The MCP server {wish.name!r} is {found.status}{f': {found.reason}' if found.reason else ''}."
            )
        return McpToolAnswer(result=result)

    def _service(self) -> Service:
        call = Endpoint(
            verb="call",
            body=CallMcpTool,
            handler=self._called,
            permission=Permission.EXECUTIONS_START,
            description="A tool of a server that runs here",
        )
        return Service(
            name=subjects.SERVICE_MCP_SERVERS,
            part="keeper",
            version=hive_version(),
            description="MCP servers that run here",
            endpoints=(call,),
        )


def address_of_server(server: Registered) -> McpServer:
    return McpServer(url=server.endpoint, sse=server.transport is McpTransport.SSE, headers=server.headers)


async def _first(events: list[asyncio.Event], seconds: float) -> None:
    waiting = [asyncio.create_task(event.wait()) for event in events]
    try:
        await asyncio.wait(waiting, timeout=seconds, return_when=asyncio.FIRST_COMPLETED)
    finally:
        await end(waiting)


async def _end(tasks: list[asyncio.Task[None]]) -> None:
    """The package of MCP ends a process in its own time, which a second cancel would cut short."""
    for task in tasks:
        task.cancel()
    if tasks:
        await asyncio.wait(tasks, timeout=END_SECONDS)
    await end(tasks)
