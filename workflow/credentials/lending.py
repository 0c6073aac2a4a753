"""Carries out effects that need a credential: opens it by the execution's rights, uses it, and lets go of it.

What it holds is in no effect, reply, failure or log: only here, and on its way to whom it is for.
"""

import asyncio
from collections.abc import Mapping
from contextlib import suppress
from functools import cached_property
from time import time
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import urlsplit
from uuid import uuid4

from bus import telemetry
from bus.errors import (
    Conflict,
    CredentialNotFound,
    CredentialUnreadable,
    DatabaseUnavailable,
    DeadlineExceeded,
    HiveError,
    RequestRefused,
)
from bus.messages import Claims
from bus.messages.credentials import CredentialTest
from bus.messages.workflows import WebhookCall, WebhookReply
from bus.tenancy import person_of
from workflow.core.effects import CallHttp, CallMcp, CallRedis, HandleToken, RunPackagedNode, RunSql, SendMail
from workflow.core.execution import Reply
from workflow.core.failure import Failure
from workflow.credentials import trials
from workflow.credentials.http_auth import auth_of, bearer, cleared, domains_of
from workflow.credentials.needed import ASKED_OF_CALLERS, asked_of_callers, references
from workflow.credentials.oauth import Tokens
from workflow.credentials.oauth1 import signed
from workflow.credentials.store import Credentials, Opened
from workflow.credentials.token_store import TokenStore
from workflow.credentials.types import grant_of, has_token, is_oauth1, is_oauth2
from workflow.doors.callers import Admitted, check_caller
from workflow.mcp.failing import failed
from workflow.n8n.document import Node
from workflow.nodes.jwt import handle
from workflow.outside.guard import Guard
from workflow.outside.http_calls import NO_AUTH, HttpCalls
from workflow.outside.mail_calls import MailCalls
from workflow.outside.mcp_client import McpClient, McpServer
from workflow.outside.sql_calls import SqlCalls
from workflow.running.fence import Fence

if TYPE_CHECKING:
    from workflow.mcp.calls import RegisteredCalls
    from workflow.outside.redis_calls import RedisCalls
    from workflow.packages.calls import PackagedCalls

logger = telemetry.log(__name__)

AGAIN_SECONDS: Final = 0.5
_UNAUTHORIZED: Final = 401
_READ: Final = "It can be read. Nothing was asked with it: name an address to see whether the other side takes it."


class Lending:
    """`max_bytes`: of what a database answers to one effect. `registered` is set by whoever keeps a registry of MCP servers, `packaged` by
    whoever runs nodes of packages."""

    registered: "RegisteredCalls | None" = None
    packaged: "PackagedCalls | None" = None

    def __init__(
        self,
        credentials: Credentials,
        tokens: TokenStore,
        http: HttpCalls,
        guard: Guard,
        max_bytes: int,
        fence: Fence | None = None,
    ) -> None:
        self._credentials, self._http, self.tokens = credentials, http, Tokens(http, tokens)
        self._sql, self._mail, self._mcp = (
            SqlCalls(guard, max_bytes, fence),
            MailCalls(guard, fence),
            McpClient(guard, max_bytes, fence),
        )
        self._guard, self._max_bytes, self._fence = guard, max_bytes, fence

    @cached_property
    def _redis(self) -> "RedisCalls":
        from workflow.outside.redis_calls import RedisCalls  # an engine that calls none spares the memory of its client

        return RedisCalls(self._guard, self._max_bytes, self._fence)

    async def call(self, effect: CallHttp, claims: Claims) -> Reply:
        """CredentialNotFound, CredentialUnreadable, InvalidRequest, RequestRefused."""
        if not effect.credentials:
            return await self._http.carry_out(effect, owner=person_of(claims))
        return await self._sent(effect, await self.opened(effect.credentials, claims), person_of(claims))

    async def _sent(self, effect: CallHttp, credential: Opened, owner: str) -> Reply:
        if is_oauth1(credential.type):
            token = await self.tokens.signing(credential)
            return await self._http.carry_out(effect, signed(effect, credential.data, token), owner)
        if not is_oauth2(credential.type):
            return await self._http.carry_out(effect, auth_of(credential.type, credential.data), owner)
        return await self._with_token(effect, credential, owner)

    async def _with_token(self, effect: CallHttp, credential: Opened, owner: str) -> Reply:
        """A token that is refused may have been revoked before its time: another is tried, once. A refused request did nothing."""
        domains = domains_of(credential.data)
        token = await self.tokens.of(credential, effect.key)
        reply = await self._http.carry_out(effect, bearer(token, domains), owner)
        if reply.failure is not None or reply.value["status"] != _UNAUTHORIZED:
            return reply
        another = await self.tokens.of(credential, effect.key, refused=token)
        return reply if another == token else await self._http.carry_out(effect, bearer(another, domains), owner)

    async def token(self, effect: HandleToken, claims: Claims) -> Reply:
        return handle(effect, (await self.opened(effect.credentials, claims)).data)

    async def sql(self, effect: RunSql, claims: Claims) -> Reply:
        return await self._sql.carry_out(effect, (await self.opened(effect.credentials, claims)).data)

    async def redis(self, effect: CallRedis, claims: Claims) -> Reply:
        return await self._redis.carry_out(effect, (await self.opened(effect.credentials, claims)).data)

    async def mail(self, effect: SendMail, claims: Claims) -> Reply:
        return await self._mail.carry_out(effect, (await self.opened(effect.credentials, claims)).data)

    async def mcp(self, effect: CallMcp, claims: Claims) -> Reply:
        """CredentialNotFound, CredentialUnreadable, InvalidRequest, RequestRefused, DeadlineExceeded, NodeFailed."""
        effect = effect.within(int(time() * 1000))
        if effect.timeout_seconds <= 0:
            raise DeadlineExceeded("There was no time left to ask the MCP server.")
        if effect.server:
            return await self._registered(effect, claims)
        auth = NO_AUTH
        if effect.credentials:
            credential = await self.opened(effect.credentials, claims)
            auth = auth_of(credential.type, credential.data)
        auth.require_host(urlsplit(effect.url).hostname or "")
        server = McpServer(url=effect.url, sse=effect.sse, headers=auth.headers)
        try:
            found: Any = (
                await self._mcp.tools(server, effect.timeout_seconds)
                if effect.operation == "list"
                else await self._mcp.call(server, effect.tool, effect.arguments, effect.key, effect.timeout_seconds)
            )
        except HiveError as error:
            return failed(effect, error, auth.secrets)
        return Reply(value=cleared(found, auth.secrets))

    async def package(self, effect: RunPackagedNode, claims: Claims) -> Reply:
        """OutcomeUnknown, NodeJsUnavailable, EvaluationLimit. A credential that cannot be opened fails where the node asks for it: documents
        keep the names of some that the node does not use."""
        if self.packaged is None:
            return Reply(failure=Failure(message="This engine runs no nodes of packages"))
        opened: dict[str, Any] = {}
        missing: dict[str, str] = {}
        for kind, given in effect.credentials.items():
            try:
                opened[kind] = await self._with_its_token(await self.opened({kind: given}, claims), effect.key)
            except (CredentialNotFound, CredentialUnreadable, Conflict, RequestRefused) as error:
                missing[kind] = error.message
        return await self.packaged.carry_out(effect, opened, missing, person_of(claims))

    async def _with_its_token(self, credential: Opened, key: str) -> dict[str, Any]:
        """What a package finds of a credential: of OAuth 2 the token that holds, of whoever connected it or, without that, as it was entered.
        RequestRefused where there is none."""
        data = dict(credential.data)
        if is_oauth2(credential.type):
            try:
                data["oauthTokenData"] = {"access_token": await self.tokens.of(credential, key)}
            except RequestRefused:
                if not has_token(data):
                    raise
        return data

    async def _registered(self, effect: CallMcp, claims: Claims) -> Reply:
        if self.registered is None:
            return Reply(failure=Failure(message="This engine knows no MCP servers that are registered"))
        while True:
            with suppress(DatabaseUnavailable):
                return await self.registered.carry_out(effect, claims)
            await asyncio.sleep(AGAIN_SECONDS)

    async def admit(self, node: Node, call: WebhookCall, claims: Claims) -> Admitted | WebhookReply:
        """Whether a caller of the node may come in. `claims`: of whoever the workflow runs for. DatabaseUnavailable."""
        kind = asked_of_callers(node)
        if kind is None:
            return Admitted(headers=call.headers)
        wanted = ASKED_OF_CALLERS.get(kind, kind)
        found = references({wanted: node.credentials.get(wanted)})
        try:
            credential = await self._credentials.lend(found[0], claims)
        except (CredentialNotFound, CredentialUnreadable, Conflict) as error:
            logger.warning("callers_not_checked", node=node.name, reason=error.message)
            return WebhookReply(status=500, body="No authentication data defined on node!")
        return check_caller(kind, credential.data, call)

    async def tried(self, credential: Opened, url: str | None = None) -> CredentialTest:
        """What the other side said to it. `url`: what is asked, where the type does not say it. HiveError where it cannot be used."""
        address = url or trials.address_of(credential.type, credential.data)
        if address is not None:
            effect = trials.question(address, f"test.{credential.id}.{uuid4()}")
            return trials.judged(await self._sent(effect, credential, credential.owner))
        told = await self._told(credential)
        return CredentialTest(ok=True, tried=told is not None, message=told or _READ)

    async def _told(self, credential: Opened) -> str | None:
        """None where there is nobody to ask."""
        if is_oauth2(credential.type):
            await self.tokens.of(credential, f"test.{credential.id}")
            by_itself = grant_of(credential.type, credential.data) == "clientCredentials"
            return "The server gave a token." if by_itself else "It is connected."
        if is_oauth1(credential.type):
            await self.tokens.signing(credential)
            return None
        asked = {"postgres": self._sql.test, "smtp": self._mail.test}.get(credential.type)
        if asked is not None:
            return await asked(credential.data)
        if credential.type == "redis":
            return await self._redis.test(credential.data)
        if not credential.type.startswith("jwt"):
            auth_of(credential.type, credential.data)
        return None

    async def opened(self, given: Mapping[str, Any], claims: Claims) -> Opened:
        """The one that an effect names. Waits while the database is away, as all of an execution does."""
        (reference,) = references(given)
        while True:
            try:
                return await self._credentials.lend(reference, claims)
            except DatabaseUnavailable:
                await asyncio.sleep(AGAIN_SECONDS)
