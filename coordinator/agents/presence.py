"""Hears the agents: registrations, heartbeats and the server's notices become the registry's view, and its changes become facts.

The leader's clock is its own tick, published to itself by way of the bus: while the bus is silent, nobody else can grow silent.
"""

import asyncio
import json
from collections.abc import Callable, Iterable
from contextlib import AsyncExitStack, suppress
from datetime import UTC, datetime, timedelta
from typing import Final
from uuid import UUID

import asyncpg

from bus import subjects, telemetry
from bus.client import Bus, Received
from bus.codec import M
from bus.errors import AgentNotFound, Conflict, HiveError, InvalidRequest, NoLeader
from bus.messages import (
    AgentRecord,
    AgentRef,
    AgentRegistration,
    AgentStatus,
    Control,
    ControlAction,
    ControlReply,
    EventType,
    Heartbeat,
    Message,
    NoReply,
)
from bus.together import end
from coordinator.agents.agent import Agent
from coordinator.agents.orders import Orders
from coordinator.agents.registry import SILENCE_SECONDS, Lost, StatusChange
from coordinator.leading.clock import TICK_SECONDS, Clock
from coordinator.leading.facts import Fact, agent_fact
from coordinator.leading.inputs import Input, OfferAccepted, Tick
from coordinator.leading.state import State
from coordinator.store.database import AWAY, Statements

logger = telemetry.log(__name__)

FORGET_SECONDS: Final = SILENCE_SECONDS + 2.0
"""How long a removed agent may go on speaking before its removal is refused."""
MOST_MODELS: Final = 50_000
"""Names of models that are remembered: the bus has room for twice as many, and a hive has some hundred."""
SEEN: Final = timedelta(seconds=10)
"""So much later it was heard before that alone is shown: else each heartbeat of each host would be a write, and one for every door to read."""


class _Client(Message):
    name: str = ""


class _Notice(Message):
    """A server's, that a connection has ended."""

    client: _Client = _Client()


class Presence:
    """Runs while its coordinator leads. `put` is the leader's inbox, `died` takes what deaths leave, `tell` facts to publish,
    `registered` gives orders to an agent that has just come.
    """

    def __init__(
        self,
        bus: Bus,
        state: State,
        statements: Statements,
        clock: Clock,
        put: Callable[[Input], None],
        died: Callable[[list[Lost]], None],
        tell: Callable[[list[Fact]], None],
        registered: Callable[[Agent], None],
    ) -> None:
        self._bus, self._state, self._sql, self._clock = bus, state, statements, clock
        self._put, self._died, self._tell, self._registered = put, died, tell, registered
        self._stack = AsyncExitStack()
        self._shown: dict[str, AgentRecord] = {}
        self._changed: set[str] = set()
        self._awaited: set[str] = set()
        self._learners: set[str] = set()
        """Agents with models that nobody had before, which are not remembered yet."""
        self._due = asyncio.Event()
        self._showing = asyncio.Lock()
        self._asked: dict[str, float] = {}
        self._strangers: dict[str, set[UUID]] = {}
        self._work: set[asyncio.Task[None]] = set()

    async def start(self) -> None:
        for subject, handler in (
            (subjects.ALL_HEARTBEATS, self._heartbeat),
            (subjects.DISCONNECTED, self._disconnected),
            (subjects.SITES_DISCONNECTED, self._disconnected),
        ):
            self._stack.push_async_callback((await self._bus.subscribe(subject, handler)).close)

    async def close(self) -> None:
        await self._stack.aclose()
        await end(list(self._work))

    async def register(self, registration: AgentRegistration) -> None:
        """The verb `agents.register`. Conflict when another living sidecar speaks for this agent."""
        now = datetime.now(UTC)
        self._state.registry.refuse_second(registration, self._clock.seconds)
        # Its row first: an attempt that is placed on it refers to that.
        row = await self._sql.one("upsert_agent", *_columns(registration, AgentStatus.ONLINE, now), self._state.epoch)
        if row is None:
            raise NoLeader("Another coordinator leads by now. Try again.", retry_after_seconds=1)
        known = self._state.registry.agents.get(registration.agent_id)
        previous = known.status if known else AgentStatus.OFFLINE
        lost = self._state.registry.register(registration, self._clock.seconds, now)
        if lost is not None:
            self._died([lost])
        agent = self._state.registry.agents[registration.agent_id]
        self._registered(agent)  # before anything is awaited: the next turn may give it work
        await self._learn_models(agent)
        agent.created_at = row["created_at"]
        if row["is_new"]:
            self._tell([agent_fact(EventType.AGENT_REGISTERED, agent.agent_id, agent.status, now, None, None)])
        if agent.status is not previous:
            self._announce(StatusChange(agent, previous))
        self._changed.add(agent.agent_id)
        await self.show()
        self._put(Tick())

    async def remove(self, asked: AgentRef) -> None:
        """The verb `agents.remove`: taken from the local sidecar where that speaks for it, and forgotten once it is silent.

        AgentNotFound for one that nobody knows; Conflict while a sidecar of its own goes on speaking for it.
        """
        agent = self._state.registry.agents.get(asked.agent_id)
        if agent is None:
            raise AgentNotFound(f"There is no agent {asked.agent_id}. `hive agents` lists them.")
        with suppress(AgentNotFound, NoLeader):  # it has a sidecar of its own, or none at all
            verb = subjects.service_verb(subjects.SERVICE_UPSTREAMS, "remove")
            await self._bus.request(verb, asked, NoReply, timeout=FORGET_SECONDS, patient=False)
        until = self._clock.seconds + FORGET_SECONDS
        while (agent.present or agent.attempts) and self._clock.seconds < until:
            await asyncio.sleep(TICK_SECONDS)
        self._refuse_to_remove(agent)
        if await self._sql.one("remove_agent", asked.agent_id, self._state.epoch) is None:
            raise NoLeader("Another coordinator leads by now. Try again.", retry_after_seconds=1)
        try:
            self._refuse_to_remove(agent)
        except Conflict:  # it came back meanwhile: its next registration writes its row anew
            self.control(asked.agent_id, Control(action=ControlAction.REGISTER))
            raise
        self._state.registry.forget(asked.agent_id)
        async with self._showing:
            self._shown.pop(asked.agent_id, None)
            await self._bus.delete(subjects.KV_AGENTS, asked.agent_id)

    def _refuse_to_remove(self, agent: Agent) -> None:
        """Conflict while it speaks, or while its death has not yet given its work to others: nobody would look for that any more."""
        if agent.present or agent.attempts:
            raise Conflict(
                f"A sidecar speaks for {agent.agent_id}, or spoke until a moment ago. Stop that one first; its host may know it by name."
            )

    async def _heartbeat(self, received: Received) -> None:
        """Awaits nothing but a word to the bus: what one host brings must not hold up the others' heartbeats, and so their lives."""
        if (heartbeat := _read(Heartbeat, received)) is None:
            return
        try:
            change = self._state.registry.heartbeat(heartbeat, self._clock.seconds, datetime.now(UTC))
        except KeyError:
            self._ask_to_register(heartbeat)
            return
        agent = self._state.registry.agents[heartbeat.agent_id]
        if heartbeat.models is not None and self._unlearned(agent):
            self._learners.add(agent.agent_id)
            self._due.set()
        self._cancel_strangers(heartbeat)
        for attempt_id in self._state.registry.unannounced(heartbeat, self._clock.seconds):
            self._put(OfferAccepted(attempt_id))
        if change is not None:
            self._announce(change)
            self._put(Tick())
        self._changed.add(agent.agent_id)

    def _cancel_strangers(self, heartbeat: Heartbeat) -> None:
        """Named by two heartbeats in a row: an attempt that has only just ended is named by one.

        What still decides its task is none: its agent was taken for dead a moment ago, and no turn has given the task to another yet.
        """
        strangers = set(self._state.registry.strangers(heartbeat))
        if strangers:
            strangers -= set(self._state.current.values())
        for attempt_id in strangers & self._strangers.get(heartbeat.agent_id, set()):
            # With the epoch: to a leader that was paused and deposed, all attempts of its successor are strangers.
            cancel = Control(action=ControlAction.CANCEL, attempt_id=attempt_id, epoch=self._state.epoch)
            self.control(heartbeat.agent_id, cancel)
        self._strangers[heartbeat.agent_id] = strangers

    def control(self, agent_id: str, control: Control) -> None:
        """Sent once, and beside what goes on here."""

        async def send() -> None:
            try:
                await self._bus.request(subjects.control(agent_id), control, ControlReply, timeout=2, patient=False)
            except HiveError as error:
                logger.debug("control_unanswered", agent_id=agent_id, action=control.action, error=error.message)

        task = asyncio.create_task(send())
        self._work.add(task)
        task.add_done_callback(self._work.discard)

    def _ask_to_register(self, heartbeat: Heartbeat) -> None:
        """Once a second at most: the answer is a registration, not the reply."""
        if self._clock.seconds - self._asked.get(heartbeat.agent_id, -10.0) >= 1.0:
            self._asked[heartbeat.agent_id] = self._clock.seconds
            self.control(heartbeat.agent_id, Control(action=ControlAction.REGISTER))

    async def _disconnected(self, received: Received) -> None:
        notice = _read(_Notice, received)
        if notice is not None and (instance := subjects.parse_sidecar_connection(notice.client.name)) is not None:
            for change in self._state.registry.disconnected(instance, self._clock.seconds):
                self._announce(change)

    def order(self, agent: Agent, orders: Orders) -> None:
        """In force from now on, and told where it changes the agent's status."""
        previous = agent.status
        agent.order(orders, datetime.now(UTC))
        if agent.status is not previous:
            self._announce(StatusChange(agent, previous))
        self._changed.add(agent.agent_id)
        self._due.set()
        self._put(Tick())

    def bury(self) -> None:
        """Called at each tick: those that are dead by now."""
        self._bury(list(self._state.registry.deaths(self._clock.seconds)))

    def cut_off(self, agent_ids: Iterable[str]) -> None:
        """Their host was removed: dead at once, whatever they say."""
        found = (self._state.registry.cut_off(agent_id) for agent_id in agent_ids)
        self._bury([lost for lost in found if lost is not None])

    def _bury(self, dead: list[Lost]) -> None:
        self._died(dead)
        for lost in dead:
            logger.warning("agent_lost", agent_id=lost.agent.agent_id, reason=lost.reason, attempts=len(lost.attempts))
            if lost.previous is not lost.agent.status:
                self._announce(StatusChange(lost.agent, lost.previous))

    def _announce(self, change: StatusChange) -> None:
        agent, now = change.agent, datetime.now(UTC)
        fact = agent_fact(EventType.AGENT_STATUS_CHANGED, agent.agent_id, agent.status, now, change.previous, agent.reason)
        self._tell([fact])
        self._changed.add(agent.agent_id)
        self._due.set()

    async def show_changes(self) -> None:
        """For the term: a change of status is written at once, beside what hears of it."""
        while True:
            await self._due.wait()
            self._due.clear()
            try:
                await self._learn_what_is_new()
                await self.show()
            except (HiveError, asyncpg.PostgresError, *AWAY) as error:
                # They are when the others are, within a second.
                logger.warning("agents_not_shown", error=getattr(error, "message", type(error).__name__))

    async def _learn_what_is_new(self) -> None:
        """Of heartbeats. What cannot be remembered now is so at the next try."""
        for agent_id in list(self._learners):
            if (agent := self._state.registry.agents.get(agent_id)) is not None:
                await self._learn_models(agent)
            self._learners.discard(agent_id)

    def _unlearned(self, agent: Agent) -> list[str]:
        """At most as many as there is room for: a backend may name its models anew at each look."""
        new = [model.name for model in agent.models if model.name not in self._state.models]
        return new[: max(0, MOST_MODELS - len(self._state.models))]

    async def _learn_models(self, agent: Agent) -> None:
        """Every model ever seen is remembered, in PostgreSQL and for the doors."""
        if new := self._unlearned(agent):
            await self._sql.run("add_models", new)
            for name in new:
                await self._bus.put(subjects.KV_MODELS, subjects.model_key(name), name.encode())
            self._state.models.update(new)

    async def show(self) -> None:
        """Write what changed about the agents for the doors: a status at once, the rest each second.

        BusUnavailable, and what is not written yet is written next time.
        """
        async with self._showing:  # one after the other, so that what was written last is what is remembered
            while self._changed:
                await self._show_one(self._changed.pop())

    async def show_what_is_left(self) -> None:
        """Once a second, for what did not come through when it changed, and for hosts that this leader has waited for in vain."""
        if self._awaited and self._clock.seconds >= SILENCE_SECONDS:
            self._changed |= self._awaited
            self._awaited.clear()
        if self._learners:
            self._due.set()
        await self.show()

    async def _show_one(self, agent_id: str) -> None:
        agent = self._state.registry.agents.get(agent_id)
        if agent is None:
            return
        record, shown = agent.record(), self._shown.get(agent_id)
        if shown is not None and _tells_the_same(shown, record):
            return
        try:
            await self._bus.put(subjects.KV_AGENTS, agent_id, record.model_dump_json(exclude_none=True).encode())
        except HiveError:
            self._changed.add(agent_id)  # one that is gone has no heartbeat to be shown by later
            raise
        self._shown[agent_id] = record

    async def show_all(self) -> None:
        """A new leader knows of no host that it is there, until it has heard it. Meanwhile doors have them as the leader before showed them:
        all of them would be offline for a moment, and no model to be had, each time that another leads.
        """
        agents = self._state.registry.agents
        self._awaited = {agent_id for agent_id, agent in agents.items() if not agent.present}
        self._changed.update(agents.keys() - self._awaited)
        for name in self._state.models:
            await self._bus.put(subjects.KV_MODELS, subjects.model_key(name), name.encode())
        await self.show()


def _read(model: type[M], received: Received) -> M | None:
    """None for what is no such message, as a leaf or a host that was taken over may send at any time."""
    try:
        return received.decode(model)
    except InvalidRequest as error:
        logger.warning("message_refused", subject=received.subject, reason=error.message)
        return None


def _tells_the_same(shown: AgentRecord, record: AgentRecord) -> bool:
    if record.last_seen is not None and (shown.last_seen is None or record.last_seen - shown.last_seen >= SEEN):
        return False
    return shown.model_copy(update={"last_seen": record.last_seen}) == record


def _columns(registration: AgentRegistration, status: AgentStatus, now: datetime) -> tuple[object, ...]:
    capabilities = json.dumps([capability.model_dump() for capability in registration.capabilities])
    return (
        registration.agent_id,
        registration.name,
        registration.endpoint,
        registration.model,
        registration.specialization,
        registration.hardware.model_dump_json(exclude_none=True),
        capabilities,
        registration.model_dump_json(exclude_none=True),
        status.value,
        now,
    )
