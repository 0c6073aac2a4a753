"""What the leader knows of the agents: who is there, what they have, what they are doing. Pure: the time is passed in.

Seconds are those of the leader's own ticks (docs/adr/0005): while the leader itself hears nothing, nobody grows silent.
"""

from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from datetime import datetime
from typing import Final
from uuid import UUID

from bus.errors import Conflict
from bus.messages import AgentRecord, AgentRegistration, AgentStatus, Heartbeat, ModelInfo, Timings, Usage
from bus.messages.benchmarks import BenchmarkFigures
from bus.messages.merits import AgentMerits, CapabilityScore, ModelSpeed
from bus.model_names import same_model, tagged
from coordinator.orders import Orders
from coordinator.track import Track
from coordinator.traits import Traits, traits_of

SILENCE_SECONDS: Final = 3.0
"""Six heartbeats missed: the host vanished without a word."""
GRACE_SECONDS: Final = 1.0
"""After the server's disconnect notice: a sidecar that only lost its connection comes back with its attempts."""
UNSEEN_SECONDS: Final = 3.0
"""An open attempt that heartbeats have not named for so long is offered again; the sidecar knows whether it had it."""
CLOSED: Final = "its connection to the bus closed"
STARTED_AGAIN: Final = "its sidecar was started again"
ANSWERED_SECONDS: Final = 1.0
"""The answer to an offer comes sooner; by then an attempt that heartbeats name counts as accepted without it."""
_SMOOTHING: Final = 0.3


@dataclass(slots=True, kw_only=True)
class OpenAttempt:
    """An attempt that may still decide its task, or that still takes a slot (`superseded`: its task has ended without it)."""

    id: UUID
    task_id: UUID
    agent_id: str
    instance: str
    number: int
    model: str
    opened_at: float
    seen_at: float
    accepted: bool = False
    superseded: bool = False
    yielding: bool = False
    """It was told to yield its slot."""
    ends_at: float | None = None
    """As predicted when it was opened; None for one that another leader opened."""


@dataclass(slots=True, kw_only=True)
class Speed:
    """What was measured of a model on an agent: tokens per second and seconds, smoothed."""

    prompt_rate: float | None = None
    generation_rate: float | None = None
    load_seconds: float | None = None
    completion_tokens: float | None = None

    def learn(self, timings: Timings, usage: Usage) -> None:
        self.prompt_rate = _smooth(self.prompt_rate, timings.prompt_tokens_per_second)
        self.generation_rate = _smooth(self.generation_rate, timings.generation_tokens_per_second)
        if timings.load_seconds and timings.load_seconds > 0.5:
            self.load_seconds = _smooth(self.load_seconds, timings.load_seconds)
        self.completion_tokens = _smooth(self.completion_tokens, float(usage.completion_tokens) or None)

    def measured(self, figures: BenchmarkFigures) -> None:
        """With nothing else running: what attempts beside each other had said gives way to it."""
        self.prompt_rate = figures.prompt_tokens_per_second or self.prompt_rate
        self.generation_rate = figures.generation_tokens_per_second or self.generation_rate
        self.load_seconds = figures.load_seconds or self.load_seconds

    def shown(self) -> ModelSpeed:
        return ModelSpeed(
            prompt_tokens_per_second=_rounded(self.prompt_rate, 1),
            generation_tokens_per_second=_rounded(self.generation_rate, 1),
            load_seconds=_rounded(self.load_seconds, 2),
        )


def _rounded(value: float | None, digits: int) -> float | None:
    return None if value is None else round(value, digits)


def _smooth(old: float | None, new: float | None) -> float | None:
    if new is None or old is None:
        return old if new is None else new
    return old + _SMOOTHING * (new - old)


@dataclass(slots=True, kw_only=True)
class Agent:
    """One agent as the scheduler sees it."""

    registration: AgentRegistration
    status: AgentStatus = AgentStatus.OFFLINE
    reason: str | None = None
    slots: int = 1
    models: tuple[ModelInfo, ...] = ()
    heard_at: float = 0.0
    last_seen: datetime | None = None
    created_at: datetime | None = None
    disconnected_at: float | None = None
    full_until: float = 0.0
    refusals: int = 0
    """In a row."""
    measuring: bool = False
    """A benchmark has all its slots."""
    attempts: dict[UUID, OpenAttempt] = field(default_factory=dict)
    speeds: dict[str, Speed] = field(default_factory=dict)
    track: Track = field(default_factory=Track)
    orders: Orders = field(default_factory=Orders)
    told: tuple[AgentStatus, str | None] = (AgentStatus.OFFLINE, None)
    """Its sidecar's own word; `status` and `reason` are that and what stands ordered."""
    traits: Traits = field(init=False)
    """Labels and proficiencies that count: tasks are held against these."""

    def __post_init__(self) -> None:
        self.traits = traits_of(self.registration, {}, self.track, None)

    def appraise(self, now: datetime) -> None:
        """Its traits as they are by now."""
        traits = traits_of(self.registration, self.orders.labels, self.track, now)
        if traits != self.traits:
            self.traits = traits

    def tell(self, status: AgentStatus, reason: str | None) -> None:
        """What its sidecar says of it."""
        self.told = status, reason
        self.status, self.reason = self.orders.shown(status, reason)

    def order(self, orders: Orders, now: datetime) -> None:
        """What stands ordered from now on. An agent that is not there shows it when it comes."""
        self.orders = orders
        if self.present:
            self.status, self.reason = orders.shown(*self.told)
        self.appraise(now)

    @property
    def agent_id(self) -> str:
        return self.registration.agent_id

    @property
    def instance(self) -> str:
        return self.registration.instance

    @property
    def present(self) -> bool:
        return self.status is not AgentStatus.OFFLINE

    def free_slots(self, now: float) -> int:
        return 0 if now < self.full_until or self.measuring else max(0, self.slots - len(self.attempts))

    def model(self, name: str | None) -> ModelInfo | None:
        """The model of that name; for None the one that the agent would use: its own choice, else what is warm, else its first."""
        name = name or self.registration.model
        if name is not None:
            return next((model for model in self.models if same_model(model.name, name)), None)
        return next((model for model in self.models if model.loaded), next(iter(self.models), None))

    def holds(self, model: ModelInfo) -> bool:
        """Whether the model is warm: as was last heard, or since an attempt that is open had it loaded."""
        return model.loaded or any(attempt.model == model.name for attempt in self.attempts.values())

    def record(self) -> AgentRecord:
        known = self.registration
        return AgentRecord(
            agent_id=known.agent_id,
            name=known.name,
            endpoint=known.endpoint,
            status=self.status,
            status_reason=self.reason,
            backend=known.backend,
            model=known.model,
            specialization=known.specialization,
            capabilities=known.capabilities,
            hardware=known.hardware,
            performance_targets=known.performance_targets,
            labels=dict(self.traits.labels),
            given_labels=dict(self.orders.labels),
            drain=self.orders.drain,
            drained=self.status is AgentStatus.DRAINING and not self.attempts,
            merits=self._merits(),
            slots=self.slots,
            running=len(self.attempts),
            measuring=self.measuring,
            working=dict(Counter(attempt.model for attempt in self.attempts.values())),
            models=self.models,
            instance=known.instance if self.present else None,
            version=known.version,
            created_at=self.created_at,
            last_seen=self.last_seen,
        )

    def _merits(self) -> AgentMerits:
        known, track = self.registration.capabilities, self.track
        return AgentMerits(
            capabilities=tuple(
                CapabilityScore(name=c.name, declared=c.proficiency, effective=self.traits.proficiency(c.name)) for c in known
            ),
            success_rate=_rounded(track.success_rate, 3),
            target_rate=_rounded(track.target_rate, 3),
            speeds={model: speed.shown() for model, speed in self.speeds.items()},
        )


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

    def __init__(self) -> None:
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

    def register(self, registration: AgentRegistration, now: float, at: datetime) -> tuple[StatusChange | None, Lost | None]:
        """Raises what `refuse_second` does."""
        self.refuse_second(registration, now)
        agent = self.agents.get(registration.agent_id)
        lost = None
        if agent is None:
            agent = self.agents[registration.agent_id] = Agent(registration=registration, created_at=at)
        elif agent.instance != registration.instance:
            lost = self._lose(agent, STARTED_AGAIN)
        previous = agent.status
        agent.registration, agent.slots, agent.models = registration, registration.slots, registration.models
        agent.heard_at, agent.last_seen, agent.disconnected_at = now, at, None
        agent.appraise(at)
        self.learn_models(model.name for model in registration.models)
        if previous is AgentStatus.OFFLINE:
            agent.tell(AgentStatus.ONLINE, None)
        return (StatusChange(agent, previous) if agent.status is not previous else None), lost

    def heartbeat(self, heartbeat: Heartbeat, now: float, at: datetime) -> StatusChange | None:
        """KeyError when the instance is not the one that registered: it must introduce itself first."""
        agent = self.agents[heartbeat.agent_id]
        if agent.instance != heartbeat.instance:
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
