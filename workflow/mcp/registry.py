"""The MCP servers that are registered: stored, changed, shown without what is secret, and opened for whoever connects to them."""

import json
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any, Final
from uuid import UUID, uuid4

import asyncpg

from bus import auth, telemetry
from bus.auth import Permission
from bus.database import NamedStatements, available
from bus.errors import Conflict, CredentialUnreadable, HiveError, McpServerNotFound, TooManyMcpServers
from bus.messages import Claims
from bus.messages.mcp_servers import (
    McpImport,
    McpImportEntry,
    McpServerList,
    McpServerRecord,
    McpServerStatus,
    McpServerWish,
    McpTool,
    McpTransport,
)
from bus.vault import Vault
from workflow.credentials.http_auth import forms
from workflow.credentials.store import Credentials
from workflow.mcp import addresses
from workflow.mcp.importing import entries, require_http
from workflow.sql import queries

logger = telemetry.log(__name__)

_SHOWN: Final = (
    "id",
    "name",
    "transport",
    "command",
    "env_names",
    "header_names",
    "capabilities",
    "version",
    "active",
)
LEAST_SECRET: Final = 8
"""Characters: what is shorter stands in any text."""
_SEEN: Final = ("tenant", "reason", "server_name", "server_version", "checked_at", "created_at", "updated_at")


@dataclass(frozen=True, slots=True, kw_only=True)
class Registered:
    """A server with what is secret of it, for as long as it is connected to. `trusted`: it may be at an internal address."""

    id: UUID
    name: str
    tenant: str
    revision: int
    transport: McpTransport
    endpoint: str
    command: str
    trusted: bool
    args: Sequence[str] = field(repr=False)
    env: Mapping[str, str] = field(repr=False)
    headers: Mapping[str, str] = field(repr=False)

    @property
    def secrets(self) -> tuple[str, ...]:
        """As they may be repeated: of `Bearer …`, what follows, too."""
        given = (*self.env.values(), *self.headers.values())
        parts = [part for value in given for part in (value, value.partition(" ")[2])]
        return forms(*(part for part in (*parts, *addresses.secrets(self.endpoint)) if len(part) >= LEAST_SECRET))

    @property
    def hidden(self) -> tuple[str, ...]:
        """What no reason and no last words may repeat: arguments and the address too, many of which hold a secret."""
        more = (*self.args, addresses.target(self.endpoint))
        return (*forms(*(value for value in more if len(value) >= LEAST_SECRET)), *self.secrets)


@dataclass(frozen=True, slots=True, kw_only=True)
class State:
    """What is seen of a server. `tools` is None where they were not listed."""

    status: McpServerStatus
    reason: str | None = None
    tools: list[dict[str, Any]] | None = None
    server_name: str | None = None
    server_version: str | None = None


class Registry:
    """`per_owner`: servers that somebody who does not manage all of them may have."""

    def __init__(self, pool: asyncpg.Pool, vault: Vault, credentials: Credentials, per_owner: int) -> None:
        self._statements, self._vault, self._credentials = NamedStatements(pool, queries()), vault, credentials
        self._per_owner = per_owner

    async def register(self, name: str, wish: McpServerWish, claims: Claims) -> McpServerRecord:
        """PermissionDenied, UnsupportedMcpTransport, Conflict for a name that is taken, TooManyMcpServers, CredentialUnreadable without the
        hive's key."""
        _require_permitted(wish, claims)
        await self._credentials.require_key()
        server_id = uuid4()
        key_id, sealed = self._vault.seal(_secret(wish), _about(server_id, claims.tenant))
        head = (server_id, name, claims.tenant, claims.sub)
        most = None if auth.allows(claims, Permission.MCP_SERVERS_MANAGE) else self._per_owner
        try:
            with available():
                row = await self._statements.one("insert_mcp_server", *head, *_columns(wish, claims), sealed, key_id, most)
        except asyncpg.UniqueViolationError:
            raise Conflict(f"An MCP server {name!r} is registered already. Change that, or take another name.") from None
        if row is None:
            raise TooManyMcpServers(
                f"{claims.sub} has {most} MCP servers, which are the most (HIVE_WORKFLOW_MCP_SERVERS). Remove one first."
            )
        logger.info("mcp_server_registered", name=name, transport=wish.transport, by=claims.sub)
        return record(row, claims)

    async def replace(self, name: str, wish: McpServerWish, claims: Claims) -> McpServerRecord:
        """McpServerNotFound, PermissionDenied for another's, UnsupportedMcpTransport."""
        row = await self._own(name, claims)
        _require_permitted(wish, claims)
        await self._credentials.require_key()
        key_id, sealed = self._vault.seal(_secret(wish), _about(row["id"], row["tenant"]))
        with available():
            changed = await self._statements.one("update_mcp_server", row["id"], *_columns(wish, claims), sealed, key_id)
        if changed is None:
            raise McpServerNotFound(f"Somebody removed the MCP server {name!r} at the same time.")
        logger.info("mcp_server_changed", name=name, transport=wish.transport, by=claims.sub)
        return record(changed, claims)

    async def load(self, document: Mapping[str, Any], claims: Claims) -> McpImport:
        """Each entry by itself: one that is refused holds no other up."""
        return McpImport(entries=tuple([await self._loaded(*each, claims) for each in entries(document).items()]))

    async def _loaded(self, name: str, wish: Any, claims: Claims) -> McpImportEntry:
        try:
            if isinstance(wish, HiveError):
                raise wish
            try:
                await self.register(name, wish, claims)
            except TooManyMcpServers:
                raise
            except Conflict:
                await self.replace(name, wish, claims)
        except HiveError as error:
            return McpImportEntry(name=name, stored=False, code=error.code, message=error.message)
        return McpImportEntry(name=name, stored=True)

    async def get(self, name: str, claims: Claims) -> McpServerRecord:
        return record(await self._row(name, claims.tenant), claims)

    async def list(self, claims: Claims) -> McpServerList:
        with available():
            rows = await self._statements.all("list_mcp_servers", claims.tenant)
        return McpServerList(servers=tuple(record(row, claims, tools=False) for row in rows))

    async def with_tools(self, claims: Claims) -> Sequence[McpServerRecord]:
        """All of the asker's tenant."""
        with available():
            rows = await self._statements.all("list_mcp_servers", claims.tenant)
        return [record(row, claims) for row in rows]

    async def remove(self, name: str, claims: Claims) -> None:
        row = await self._own(name, claims)
        with available():
            await self._statements.one("delete_mcp_server", row["id"])
        logger.info("mcp_server_removed", name=name, by=claims.sub)

    async def opened(self, name: str, tenant: str) -> tuple[Registered, McpServerRecord]:
        """McpServerNotFound, CredentialUnreadable."""
        row = await self._row(name, tenant)
        return self.open(row), record(row)

    async def gone(self, ids: Sequence[UUID]) -> Sequence[UUID]:
        """Which of these are registered no more."""
        with available():
            left = {row["id"] for row in await self._statements.all("registered_mcp_servers", list(ids))}
        return [each for each in ids if each not in left]

    async def active(self) -> Sequence[Any]:
        """Rows, for `open`."""
        with available():
            found: Sequence[Any] = await self._statements.all("active_mcp_servers")
        return found

    def open(self, row: Any) -> Registered:
        """CredentialUnreadable."""
        secret = self._vault.open(row["key_id"], row["sealed"], _about(row["id"], row["tenant"]))
        return Registered(
            **{name: row[name] for name in ("id", "name", "tenant", "revision", "trusted")},
            transport=McpTransport(row["transport"]),
            endpoint=secret.get("endpoint") or row["endpoint"] or "",
            command=row["command"] or "",
            args=secret["args"],
            env=secret["env"],
            headers=secret["headers"],
        )

    async def save(self, server_id: UUID, revision: int, state: State) -> bool:
        """False where the server was changed or removed meanwhile."""
        tools = None if state.tools is None else json.dumps(state.tools)
        with available():
            row = await self._statements.one(
                "save_mcp_state",
                *(server_id, revision, state.status.value, state.reason, tools, state.server_name, state.server_version),
            )
        return row is not None

    async def reseal(self) -> None:
        """What older keys sealed, with the one that seals now; what cannot be read stays as it is."""
        if not (keys := self._vault.ids()):
            return
        with available():
            rows = await self._statements.all("mcp_servers_of_other_keys", keys[0])
        for row in rows:
            about = _about(row["id"], row["tenant"])
            with suppress(CredentialUnreadable), available():
                key_id, sealed = self._vault.seal(self._vault.open(row["key_id"], row["sealed"], about), about)
                await self._statements.run("reseal_mcp_server", row["id"], row["sealed"], sealed, key_id)

    async def _row(self, name: str, tenant: str) -> Any:
        with available():
            row = await self._statements.one("get_mcp_server", tenant, name)
        if row is None:
            raise McpServerNotFound(f"No MCP server {name!r} is registered. `hive mcp-server list` shows those that are.")
        return row

    async def _own(self, name: str, claims: Claims) -> Any:
        row = await self._row(name, claims.tenant)
        if row["created_by"] != claims.sub:
            auth.require(claims, Permission.MCP_SERVERS_MANAGE)
        if row["transport"] == McpTransport.STDIO:
            auth.require(claims, Permission.MCP_SERVERS_RUN)
        return row


def _require_permitted(wish: McpServerWish, claims: Claims) -> None:
    """A program on the engine's machine is for those to choose who run the hive."""
    if wish.transport is McpTransport.STDIO:
        auth.require(claims, Permission.MCP_SERVERS_RUN)
    else:
        require_http(wish.endpoint or "")


def _columns(wish: McpServerWish, claims: Claims) -> tuple[Any, ...]:
    trusted = auth.allows(claims, Permission.MCP_SERVERS_RUN)
    names = sorted(wish.env), sorted(wish.headers)
    return (
        wish.transport.value,
        addresses.shown(wish.endpoint, whole=True) if wish.endpoint else None,
        wish.command,
        *names,
        list(wish.capabilities),
        wish.version,
        wish.active,
        trusted,
    )


def _secret(wish: McpServerWish) -> dict[str, Any]:
    return {"args": list(wish.args), "env": dict(wish.env), "headers": dict(wish.headers), "endpoint": wish.endpoint}


def _about(server_id: UUID, tenant: str) -> str:
    """What the seal is bound to."""
    return "\x00".join(("mcp server", str(server_id), tenant))


def record(row: Any, claims: Claims | None = None, *, tools: bool = True) -> McpServerRecord:
    """`claims`: of whom it is shown to."""
    own = claims is not None and (row["created_by"] == claims.sub or auth.allows(claims, Permission.MCP_SERVERS_MANAGE))
    status = McpServerStatus(row["status"]) if row["active"] else McpServerStatus.INACTIVE
    listed = tuple(_tool(each) for each in json.loads(row["tools"])) if tools else ()
    shown = {name: row[name] for name in (*_SHOWN, *_SEEN)}
    endpoint = addresses.shown(row["endpoint"], whole=own) if row["endpoint"] else None
    return McpServerRecord(**shown, endpoint=endpoint, owner=row["created_by"], status=status, tools=listed)


def _tool(given: Mapping[str, Any]) -> McpTool:
    return McpTool(
        name=given["name"],
        description=str(given.get("description") or given.get("title") or ""),
        input_schema=given.get("inputSchema") or {},
        annotations=given.get("annotations") or {},
    )
