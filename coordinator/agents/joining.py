"""Join tokens, and the hosts that use them: the leader's, since whoever may join is decided once and written under the epoch.

A token is shown once and kept as its hash. Doors hold no copy of it, unlike keys: joining needs the leader anyway.
"""

import asyncio
import hmac
import json
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID, uuid4

from bus import auth, telemetry
from bus.errors import Conflict, JoinRefused, NoLeader, NotFound, UnknownJoinToken
from bus.host_key import signed
from bus.messages import AgentRef, EventType
from bus.messages.joining import (
    AdmittedHost,
    CreateJoinToken,
    IssuedJoinToken,
    JoinedHost,
    JoinHive,
    JoinTokenChange,
    JoinTokenList,
    JoinTokenRecord,
    JoinTokenRef,
    ListJoinTokens,
)
from coordinator.agents.enrolment import KnownHost, joins_again, require_free_agents, require_free_name, require_open, state_of
from coordinator.agents.hosts import MOST_HOSTS, Hosts
from coordinator.leading.facts import Fact, join_token_fact
from coordinator.leading.state import State
from coordinator.store.database import Statements, available

logger = telemetry.log(__name__)

Tell = Callable[[int | None, list[Fact]], None]


class Joining:
    """`tell` takes facts with the id of their row in the outbox."""

    def __init__(self, state: State, statements: Statements, tell: Tell, hosts: Hosts) -> None:
        self._state, self._sql, self._tell, self._hosts = state, statements, tell, hosts
        self._deciding = asyncio.Lock()
        """One after the other: between the look at a token and its use nobody else uses it, or takes the name."""
        self._ending = asyncio.Lock()

    @property
    def cuts_off(self) -> bool:
        """Whether a host that is forgotten is cut off at once, for it came by its own key."""
        return self._hosts.admits

    async def create(self, asked: CreateJoinToken, by: str) -> IssuedJoinToken:
        """The verb `join-tokens.create`."""
        token, token_id, now = auth.new_join_token(), uuid4(), datetime.now(UTC)
        expires_at = now + timedelta(seconds=asked.expires_seconds)
        columns = (token_id, auth.hash_key(token), asked.name, json.dumps(asked.labels), asked.uses, by, now, expires_at)
        change = JoinTokenChange(
            token_id=token_id, name=asked.name, by=by, uses=0, uses_allowed=asked.uses, expires_at=expires_at
        )
        await self._write("insert_join_token", EventType.JOIN_TOKEN_CREATED, change, now, *columns, self._state.epoch)
        return IssuedJoinToken(token=token, record=await self._record(token_id))

    async def list(self, asked: ListJoinTokens) -> JoinTokenList:
        with available():
            rows = await self._sql.all("join_tokens", None, None, asked.limit)
        return JoinTokenList(tokens=tuple(_record(row, datetime.now(UTC)) for row in rows))

    async def revoke(self, asked: JoinTokenRef, by: str) -> JoinTokenRecord:
        """The verb `join-tokens.revoke`. Hosts that have joined stay. Revoked again, it stays as it was. NotFound."""
        async with self._deciding:
            token, now = await self._record(asked.id), datetime.now(UTC)
            if token.revoked_at is not None:
                return token
            change = _change(token, by=by)
            await self._write("revoke_join_token", EventType.JOIN_TOKEN_REVOKED, change, now, token.id, now, self._state.epoch)
            return await self._record(asked.id)

    async def redeem(self, asked: JoinHive) -> JoinedHost:
        """The verb `join-tokens.redeem`. JoinRefused and what it stands above; NameTaken."""
        async with self._deciding:
            try:
                return await self._redeem(asked, datetime.now(UTC))
            except JoinRefused as refusal:
                logger.warning("join_refused", host=asked.name, code=refusal.code)
                raise

    async def forget(self, asked: AgentRef) -> bool:
        """A host is cut off at once, and its name is free again. Whether one had it. In this order, so that whoever asks again after a
        failure finds the host still. BusUnavailable, DatabaseUnavailable, NoLeader.
        """
        async with self._deciding:
            known = await self._hosts.known()
            key = next((key for key, host in known.items() if host.name == asked.agent_id), None)
            if key is None:
                return False
            await self._hosts.cut_off(key, asked.agent_id)
            with available():
                if await self._sql.one("forget_host", asked.agent_id, self._state.epoch) is None:
                    raise NoLeader("Another coordinator leads by now. Try again.", retry_after_seconds=1)
        return True

    async def removed(self) -> set[str]:
        """Agents that the registry has and whose host was removed. DatabaseUnavailable, BusUnavailable."""
        return await self._hosts.removed(self._state.registry.agents)

    async def refuse_removed(self, agent_id: str) -> None:
        """Conflict for an agent of a host that was removed, and that is heard all the same: by now it can be put out."""
        if await self._hosts.removed([agent_id]):
            logger.warning("removed_host_heard", agent_id=agent_id)
            await self._hosts.heard(agent_id)
            if not self._ending.locked():  # it asks again, once a second
                async with self._ending:
                    await self._hosts.end_removed(agent_id)
            raise Conflict(
                f"The host that speaks for {agent_id} was removed: nothing that it says counts. Join it again (hive join), or stop it."
            )

    async def _redeem(self, asked: JoinHive, now: datetime) -> JoinedHost:
        secret = asked.token.get_secret_value()
        token = await self._token(auth.hash_key(secret), now)
        if not signed(asked.key, secret, asked.name, asked.signature):
            raise JoinRefused("The request is not signed by the key that it names.")
        with available():
            rows = await self._sql.all("joined_hosts", MOST_HOSTS)
        known = [KnownHost(row["key"], row["name"], row["token_id"], tuple(row["agents"])) for row in rows]
        again = joins_again(token, asked.key, known)
        require_open(token, again=again)
        present = {agent_id for agent_id, agent in self._state.registry.agents.items() if agent.present}
        require_free_name(asked.name, asked.key, known, present=asked.name in present)
        require_free_agents(asked.agents, asked.key, known, present)
        used = 0 if again else 1
        labels = json.dumps(token.labels)
        change = _change(token, host=asked.name, host_key=asked.key, uses=token.uses + used)
        columns = (asked.key, token.id, used, asked.name, labels, now, self._state.epoch, list(asked.agents))
        await self._write("join_host", EventType.JOIN_TOKEN_USED, change, now, *columns)
        await self._hosts.show(asked.key, AdmittedHost(name=asked.name, agents=asked.agents))
        for before in known:
            if before.key == asked.key and (before.name != asked.name or not set(before.agents) <= set(asked.agents)):
                await self._hosts.end(before.name)  # else it would speak on for what others may be called from now on
        if self._state.hive_id is None:
            raise NoLeader("The coordinator has only just begun. Try again.", retry_after_seconds=1)
        return JoinedHost(
            hive_id=self._state.hive_id,
            name=asked.name,
            labels=token.labels,
            token_id=token.id,
            again=again,
            by_key=self._hosts.admits,
        )

    async def _token(self, wanted: str, now: datetime) -> JoinTokenRecord:
        """By its hash, which is compared once more in a time that tells nothing. UnknownJoinToken."""
        with available():
            row = await self._sql.one("join_tokens", None, wanted, 1)
        if row is None or not hmac.compare_digest(row["hash"], wanted):
            raise UnknownJoinToken(
                "This join token is not known here. Copy the whole of it, or make one: hive join-token create"
            )
        return _record(row, now)

    async def _record(self, token_id: UUID) -> JoinTokenRecord:
        with available():
            row = await self._sql.one("join_tokens", token_id, None, 1)
        if row is None:
            raise NotFound(f"There is no join token {token_id}. `hive join-token list` shows them.")
        return _record(row, datetime.now(UTC))

    async def _write(self, statement: str, kind: EventType, change: JoinTokenChange, now: datetime, *columns: Any) -> None:
        """With the event, which is told once it is committed. NoLeader for a leader that was deposed."""
        fact = join_token_fact(kind, change, now)
        with available():
            row = await self._sql.one(statement, *columns, [fact.to_row()])
        if row is None:
            raise NoLeader("Another coordinator leads by now. Try again.", retry_after_seconds=1)
        self._tell(row["id"], [fact])
        logger.info(kind.replace(".", "_"), token_id=str(change.token_id), by=change.by, host=change.host, uses=change.uses)


def _change(token: JoinTokenRecord, **more: Any) -> JoinTokenChange:
    known = {"token_id": token.id, "name": token.name, "uses": token.uses, "uses_allowed": token.uses_allowed}
    return JoinTokenChange.model_validate({**known, "expires_at": token.expires_at, **more})


def _record(row: Any, now: datetime) -> JoinTokenRecord:
    bounds = {name: row[name] for name in ("uses", "uses_allowed", "expires_at", "revoked_at")}
    return JoinTokenRecord(
        **bounds,
        id=row["id"],
        name=row["name"],
        labels=json.loads(row["labels"]),
        hosts=tuple(row["hosts"]),
        created_by=row["created_by"],
        created_at=row["created_at"],
        state=state_of(**bounds, now=now),
    )
