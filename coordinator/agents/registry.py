"""What the leader knows of the agents: who is there, what they have, what they are doing. Pure: the time is passed in.

Seconds are those of the leader's own ticks (docs/adr/0005): while the leader itself hears nothing, nobody grows silent.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Final
from uuid import UUID

from bus.errors import Conflict
from bus.messages import AgentRegistration, AgentStatus, Heartbeat
from bus.model_names import tagged
from coordinator.agents.agent import Agent, OpenAttempt
from coordinator.scheduling.policy import Policy

SILENCE_SECONDS: Final = 3.0
"""Six heartbeats missed: the host vanished without a word."""
GRACE_SECONDS: Final = 1.0
"""After the server's disconnect notice: a sidecar that only lost its connection comes back with its attempts."""
UNSEEN_SECONDS: Final = 3.0
"""An open attempt that heartbeats have not named for so long is offered again; the sidecar knows whether it had it."""
CLOSED: Final = "its connection to the bus closed"
STARTED_AGAIN: Final = "its sidecar was started again"
REMOVED: Final = "its host was removed"
ANSWERED_SECONDS: Final = 1.0
"""The answer to an offer comes sooner; by then an attempt that heartbeats name counts as accepted without it."""


@dataclass(frozen=True, slots=True)
class StatusChange:
    agent: Agent
    previous: AgentStatus


@dataclass(frozen=True, slots=True)
class Lost:
    """An instance is dead, and with it these attempts. `previous` is offline where the server's notice came first."""

    agent: Agent
    previous: AgentStatus
    instance: str
    attempts: tuple[OpenAttempt, ...]
    reason: str


class Registry:
    """Every agent that ever registered, by its slug."""

    def __init__(self, policy: Policy | None = None) -> None:
        self.policy = policy or Policy()
        self.agents: dict[str, Agent] = {}
        self._known_models: set[str] = set()
        self.open: dict[UUID, OpenAttempt] = {}

    def __iter__(self) -> Iterator[Agent]:
        return iter(self.agents.values())

    def remember(self, registration: AgentRegistration, created_at: datetime, last_seen: datetime | None) -> None:
        """An agent from the record: offline until it is heard."""
        agent = Agent(registration=registration, slots=registration.slots, models=registration.models)
        agent.created_at, agent.last_seen = created_at, last_seen
        self.agents[registration.agent_id] = agent

    def knows_model(self, name: str) -> bool:
        return tagged(name) in self._known_models

    def learn_models(self, names: Iterable[str]) -> None:
        """Every model that was ever offered stays known: it may only be offline."""
        self._known_models.update(tagged(name) for name in names)

    def refuse_second(self, registration: AgentRegistration, now: float) -> None:
        """Conflict when another living instance speaks for this agent id: two sidecars would take each other's work."""
        agent = self.agents.get(registration.agent_id)
        if agent is None or agent.instance == registration.instance:
            return
        if agent.present and now - agent.heard_at < SILENCE_SECONDS / 2:
            raise Conflict(
                f"Another sidecar ({agent.instance}) speaks for the agent {registration.agent_id} and is alive. "
                "Stop it, or name this one otherwise: HIVE_BACKENDS=other-name=URL."
            )

    def register(self, registration: AgentRegistration, now: float, at: datetime) -> Lost | None:
        """What its last instance leaves. Raises what `refuse_second` does."""
        self.refuse_second(registration, now)
        agent = self.agents.get(registration.agent_id)
        lost = None
        if agent is None:
            agent = self.agents[registration.agent_id] = Agent(registration=registration, created_at=at)
        elif agent.instance != registration.instance:
            lost = self._lose(agent, STARTED_AGAIN)
        agent.registration, agent.slots, agent.models = registration, registration.slots, registration.models
        agent.heard_at, agent.last_seen, agent.disconnected_at, agent.cut_off = now, at, None, False
        agent.appraise(at)
        self.learn_models(model.name for model in registration.models)
        if agent.status is AgentStatus.OFFLINE:
            agent.tell(AgentStatus.ONLINE, None)
        return lost

    def heartbeat(self, heartbeat: Heartbeat, now: float, at: datetime) -> StatusChange | None:
        """KeyError when the instance is not the one that registered, or was cut off: it must introduce itself first."""
        agent = self.agents[heartbeat.agent_id]
        if agent.instance != heartbeat.instance or agent.cut_off:
            raise KeyError(heartbeat.agent_id)
        agent.heard_at, agent.last_seen, agent.disconnected_at, agent.slots = now, at, None, heartbeat.slots
        agent.measuring = heartbeat.measuring
        if heartbeat.models is not None:
            agent.models = heartbeat.models
            self.learn_models(model.name for model in heartbeat.models)
        for attempt_id in heartbeat.running:
            if attempt := self.open.get(attempt_id):
                attempt.seen_at = now
        previous = agent.status
        agent.tell(heartbeat.status, heartbeat.reason)
        return StatusChange(agent, previous) if previous is not agent.status else None

    def disconnected(self, instance: str, now: float) -> list[StatusChange]:
        """The server's notice: offline from now on, and given nothing. What it runs is lost when its grace is over, and not before."""
        changes = []
        for agent in self.agents.values():
            if agent.instance == instance and agent.present:
                agent.disconnected_at = now
                previous, agent.status, agent.reason = agent.status, AgentStatus.OFFLINE, CLOSED
                changes.append(StatusChange(agent, previous))
        return changes

    def deaths(self, now: float) -> Iterator[Lost]:
        """Who is dead by now: by notice and grace, or by silence."""
        for agent in list(self.agents.values()):
            if agent.disconnected_at is not None:
                if now - agent.disconnected_at >= GRACE_SECONDS:
                    yield self._lose(agent, CLOSED)
            elif agent.present and now - agent.heard_at >= SILENCE_SECONDS:
                yield self._lose(agent, f"it was not heard for {SILENCE_SECONDS:g} s")

    def cut_off(self, agent_id: str) -> Lost | None:
        """Its host was removed. What it leaves, if it was there."""
        agent = self.agents.get(agent_id)
        if agent is None:  # it went meanwhile
            return None
        agent.cut_off = True
        return self._lose(agent, REMOVED) if agent.present or agent.attempts else None

    def orphans(self) -> Iterator[Lost]:
        """Of a record whose last leader had stored an agent's new instance, and not yet that the old one's attempts are lost."""
        for agent in self.agents.values():
            if attempts := tuple(a for a in agent.attempts.values() if a.instance != agent.instance):
                for attempt in attempts:
                    self.close(attempt.id)
                yield Lost(agent, agent.status, attempts[0].instance, attempts, STARTED_AGAIN)

    def _lose(self, agent: Agent, reason: str) -> Lost:
        attempts = tuple(agent.attempts.values())
        for attempt in attempts:
            self.close(attempt.id)
        previous, agent.status = agent.status, AgentStatus.OFFLINE
        agent.reason, agent.disconnected_at, agent.measuring = reason, None, False
        return Lost(agent, previous, agent.instance, attempts, reason)

    def everybody_was_heard(self, now: float) -> None:
        """The leader itself had been deaf: silence, and the grace after a notice, begin anew for everybody."""
        for agent in self.agents.values():
            agent.heard_at = max(agent.heard_at, now)
            if agent.disconnected_at is not None:
                agent.disconnected_at = now

    def forget(self, agent_id: str) -> None:
        """An agent that is gone for good. One that speaks again registers anew."""
        self.agents.pop(agent_id, None)

    def hold(self, now: datetime) -> None:
        """What is held back of every agent's models as of now."""
        for agent in self.agents.values():
            agent.hold(now)

    def take(self, attempt: OpenAttempt) -> None:
        """The attempt takes a slot."""
        self.open[attempt.id] = attempt
        self.agents[attempt.agent_id].attempts[attempt.id] = attempt

    def close(self, attempt_id: UUID) -> OpenAttempt | None:
        """The slot is free again."""
        attempt = self.open.pop(attempt_id, None)
        if attempt is not None:
            self.agents[attempt.agent_id].attempts.pop(attempt_id, None)
        return attempt

    def unseen(self, now: float) -> list[OpenAttempt]:
        """Accepted attempts that their living agent does not name any more."""
        return [a for a in self.open.values() if a.accepted and now - a.seen_at >= UNSEEN_SECONDS]

    def unannounced(self, heartbeat: Heartbeat, now: float) -> Iterable[UUID]:
        """Attempts that run although the answer to their offer was lost, with the leader that had it or on the way."""
        named = (self.open.get(attempt_id) for attempt_id in heartbeat.running)
        return [a.id for a in named if a is not None and not a.accepted and now - a.opened_at >= ANSWERED_SECONDS]

    def strangers(self, heartbeat: Heartbeat) -> Iterable[UUID]:
        """Attempts that an agent runs and nobody waits for: superseded while it, or the leader, was away."""
        return [attempt_id for attempt_id in heartbeat.running if attempt_id not in self.open]
