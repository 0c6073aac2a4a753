"""One agent as the leader knows it, and the attempts that it has. Pure: the time is passed in."""

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Final
from uuid import UUID

from bus.messages import AgentRecord, AgentRegistration, AgentStatus, ModelInfo
from bus.messages.merits import AgentMerits, CapabilityScore
from bus.model_names import same_model
from coordinator.agents.orders import Orders
from coordinator.scheduling.breaker import Breaker, why
from coordinator.scheduling.demand import Demand
from coordinator.scheduling.speed import Speed, rounded
from coordinator.scheduling.track import Track
from coordinator.scheduling.traits import Traits, traits_of

MAX_DOUBLINGS: Final = 4
"""Of the pause of an agent that refuses time after time; each refusal leaves a row."""


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
    cut_off: bool = False
    """Its host was removed: nothing that it says counts until it has registered again."""
    measuring: bool = False
    """A benchmark has all its slots."""
    attempts: dict[UUID, OpenAttempt] = field(default_factory=dict)
    speeds: dict[str, Speed] = field(default_factory=dict)
    track: Track = field(default_factory=Track)
    orders: Orders = field(default_factory=Orders)
    told: tuple[AgentStatus, str | None] = (AgentStatus.OFFLINE, None)
    """Its sidecar's own word; `status` and `reason` are that and what stands ordered."""
    demand: Demand = field(default_factory=Demand)
    traits: Traits = field(init=False)
    """Labels and proficiencies that count: tasks are held against these."""
    breakers: dict[str, Breaker] = field(default_factory=dict)
    """Of the models that failed lately, by name."""
    held: Mapping[str, str] = field(default_factory=dict)
    """Models that it is not given now, and why. Replaced when that changes, as `traits` are."""

    def __post_init__(self) -> None:
        self.traits = traits_of(self.registration, {}, self.track, None)

    def appraise(self, now: datetime) -> None:
        """Its traits as they are by now."""
        traits = traits_of(self.registration, self.orders.labels, self.track, now)
        if traits != self.traits:
            self.traits = traits

    def hold(self, now: datetime) -> None:
        """What is held back of its models as of now."""
        if not self.breakers and not self.held:
            return
        tried = {attempt.model for attempt in self.attempts.values()}
        held = {model: why(model, each) for model, each in self.breakers.items() if each.holds(now, tried=model in tried)}
        if held != self.held:
            self.held = held

    def tell(self, status: AgentStatus, reason: str | None) -> None:
        """What its sidecar says of it. One that takes work again is asked again, whatever it refused while it did not."""
        if status is AgentStatus.ONLINE and self.status is not AgentStatus.ONLINE:
            self.full_until, self.refusals = 0.0, 0
        self.told = status, reason
        self.status, self.reason = self.orders.shown(status, reason)

    def refuse(self, pause_seconds: float, now: float) -> None:
        """It is asked again after a pause, which doubles with each refusal in a row. Offers that were on their way when it began to refuse
        come back refused too, however many, and say no more than the first.
        """
        if now >= self.full_until:
            self.full_until = now + pause_seconds * 2 ** min(self.refusals, MAX_DOUBLINGS)
            self.refusals += 1

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
        models = [model for model in self.models if model.name not in self.held] or self.models
        return next((model for model in models if model.loaded), next(iter(models), None))

    def holds(self, model: ModelInfo) -> bool:
        """Whether the model is warm: as was last heard, or since an attempt that is open had it loaded."""
        return model.loaded or model.name in [attempt.model for attempt in self.attempts.values()]

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
            success_rate=rounded(track.success_rate, 3),
            target_rate=rounded(track.target_rate, 3),
            speeds={model: speed.shown() for model, speed in self.speeds.items()},
            held={model: self.breakers[model].shown() for model in self.held if model in self.breakers},
        )
