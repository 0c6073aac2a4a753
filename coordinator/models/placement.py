"""Where models are to be, against where they are: a pure function from the wish and the fleet to what is done next, with reasons.

An agent is chosen for a wish where the model is in memory already; then by the wish's preference, then where it is on the disk,
then where there is most room. So a choice stays as it is while it holds: nothing moves for a preference alone, and a plan that was
carried out is followed by an empty one. Earlier wishes take their room first.
"""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final

from bus.messages.models import ModelAction, ModelState, ModelWish, PlannedAction, Replica, ReplicaState
from bus.model_names import tagged
from coordinator.models.inventory import GIB, LOADED_FACTOR

Key = tuple[ModelAction, str, str]
"""What is done, on which agent, with which model (tagged)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Held:
    """A model that an agent has. `idle_seconds`: since an attempt last ran with it there."""

    loaded: bool = False
    size_bytes: int | None = None
    memory_bytes: int | None = None
    context: int | None = None
    context_limit: int | None = None
    running: int = 0
    idle_seconds: float = 0.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Host:
    """An agent, as far as models are concerned. `absence`: why it takes no work now; `away_seconds`: since when, infinite if told to."""

    agent_id: str
    absence: str | None = None
    away_seconds: float = 0.0
    labels: Mapping[str, str] = field(default_factory=dict)
    takes_orders: bool = True
    memory_bytes: int | None = None
    models: Mapping[str, Held] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """What keeps Hive from doing too much, or too soon."""

    pulls_at_once: int = 2
    patience_seconds: float = 30.0
    """An agent that is away keeps its place for so long: it may only be started again."""
    evict_idle_seconds: float = 30.0
    """A model that nobody wishes goes for one that is wished after so long without work."""
    retire_idle_seconds: float = 120.0
    """A copy beyond the wished number goes after so long without work."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Fleet:
    """All agents; models (tagged) that tasks wait for; what is being done, and what is not tried again yet, each with its reason."""

    hosts: Sequence[Host]
    waited_for: Collection[str] = ()
    under_way: Collection[Key] = ()
    resting: Mapping[Key, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Plan:
    actions: tuple[PlannedAction, ...]
    states: tuple[ModelState, ...]


def plan(wishes: Sequence[ModelWish], fleet: Fleet, limits: Limits) -> Plan:
    """What is done next, and how far each wish has come. At most one load, or what makes room for it, an agent."""
    choices = Choices(wishes, fleet, limits)
    steps = Steps(choices, fleet, limits)
    states = tuple(steps.towards(wish) for wish in wishes)
    steps.retire()
    return Plan(tuple(steps.actions), states)


class Choices:
    """Which agents each wish gets. `reserved`: bytes of memory that wishes have taken so far, by agent."""

    def __init__(self, wishes: Sequence[ModelWish], fleet: Fleet, limits: Limits) -> None:
        self.wishes = {tagged(wish.model): wish for wish in wishes}
        self._fleet, self._limits = fleet, limits
        self._reserved: dict[str, int] = {}
        self.needs = {name: self._need(name) for name in self.wishes}
        self.lacking: dict[str, dict[str, str]] = {}
        self.chosen: dict[str, list[Host]] = {name: self._choose(name, wish) for name, wish in self.wishes.items()}

    def _need(self, name: str) -> int | None:
        """Bytes in memory: the most that any copy takes, else by its file."""
        copies = [host.models[name] for host in self._fleet.hosts if name in host.models]
        return max((need for copy in copies if (need := footprint(copy)) is not None), default=None)

    def _choose(self, name: str, wish: ModelWish) -> list[Host]:
        lacking = {host.agent_id: self._lacks(name, wish, host) for host in self._fleet.hosts}
        self.lacking[name] = {agent_id: lack for agent_id, lack in lacking.items() if lack is not None}
        known = lacking.keys()
        for stranger in (*wish.pins.agents, *wish.prefer):
            if stranger not in known:
                self.lacking[name][stranger] = "no agent of that name has registered"
        able = [host for host in self._fleet.hosts if lacking[host.agent_id] is None]
        able.sort(key=lambda host: self._rank(name, wish, host))
        found = able if wish.replicas == "all" else able[: wish.replicas]
        for host in found:
            self._reserved[host.agent_id] = self._reserved.get(host.agent_id, 0) + (self.needs[name] or 0)
        return found

    def _lacks(self, name: str, wish: ModelWish, host: Host) -> str | None:
        """What keeps the model from this agent; None for nothing."""
        held = host.models.get(name)
        if lack := _unpinned(wish, host):
            return lack
        if host.absence is not None and not (host.away_seconds < self._limits.patience_seconds and held and held.loaded):
            return f"it is {host.absence}"
        if not host.takes_orders and not (held and held.loaded):
            return "its backend takes no orders about models, and does not have it in memory"
        need, reserved = self.needs[name] or 0, self._reserved.get(host.agent_id, 0)
        if host.memory_bytes is not None and reserved + need > host.memory_bytes:
            taken = f", of which wishes before this one take {_gib(reserved)}" if reserved else ""
            return f"it has {_gib(host.memory_bytes)} of memory{taken}, and about {_gib(need)} are needed"
        return None

    def _rank(self, name: str, wish: ModelWish, host: Host) -> tuple[bool, bool, int, bool, int, str]:
        held = host.models.get(name)
        begun = any((action, host.agent_id, name) in self._fleet.under_way for action in (ModelAction.PULL, ModelAction.LOAD))
        failed = any((action, host.agent_id, name) in self._fleet.resting for action in (ModelAction.PULL, ModelAction.LOAD))
        preference = wish.prefer.index(host.agent_id) if host.agent_id in wish.prefer else len(wish.prefer)
        room = (host.memory_bytes or 0) - self._reserved.get(host.agent_id, 0)
        here = held is not None and held.loaded
        return (not (here or begun), failed and not here, preference, held is None, -room, host.agent_id)

    def is_chosen(self, name: str, host: Host) -> bool:
        return any(other.agent_id == host.agent_id for other in self.chosen.get(name, ()))


class Steps:
    """From the choices to what is done next."""

    def __init__(self, choices: Choices, fleet: Fleet, limits: Limits) -> None:
        self._choices, self._fleet, self._limits = choices, fleet, limits
        self.actions: list[PlannedAction] = []
        self._pulls = sum(action is ModelAction.PULL for action, _, _ in fleet.under_way)
        self._occupied = {
            agent_id for action, agent_id, _ in fleet.under_way if action in (ModelAction.LOAD, ModelAction.UNLOAD)
        }

    def towards(self, wish: ModelWish) -> ModelState:
        name = tagged(wish.model)
        chosen, lacking = self._choices.chosen[name], self._choices.lacking[name]
        replicas = tuple(self._replica(name, wish, host) for host in chosen)
        wanted = len(chosen) if wish.replicas == "all" else wish.replicas
        problem = None
        if len(chosen) < wanted or (wish.replicas == "all" and not chosen):
            few = f"only {len(chosen)} of {wish.replicas} agents" if chosen else "no agent"
            problem = f"{few} can have it: {_listed(lacking)}"
        return ModelState(
            model=wish.model,
            wanted=wanted,
            ready=sum(replica.state is ReplicaState.READY for replica in replicas),
            replicas=replicas,
            lacking=lacking,
            problem=problem,
        )

    def _replica(self, name: str, wish: ModelWish, host: Host) -> Replica:
        """How the model is there; what is to be done next about it goes to the actions."""
        held = host.models.get(name)
        if host.absence is not None:
            left = self._limits.patience_seconds - host.away_seconds
            return _replica(host, ReplicaState.WAITING, f"it is {host.absence}; another is chosen in {left:.0f} s")
        if held is None:
            return self._pull(name, wish, host)
        if not held.loaded:
            return self._load(name, wish, host, held, "models.yaml wishes it in memory")
        if host.takes_orders and _other_context(wish, held) and not self._in_use(name, held):
            return self._load(name, wish, host, held, f"it has {held.context} tokens of context, and {wish.num_ctx} are wished")
        return _replica(host, ReplicaState.READY, "")

    def _pull(self, name: str, wish: ModelWish, host: Host) -> Replica:
        key = (ModelAction.PULL, host.agent_id, name)
        if key in self._fleet.under_way:
            return _replica(host, ReplicaState.PULLING, "it is being downloaded")
        if (rest := self._fleet.resting.get(key)) is not None:
            return _replica(host, ReplicaState.WAITING, rest)
        if self._pulls >= self._limits.pulls_at_once:
            return _replica(host, ReplicaState.WAITING, f"{self._pulls} other downloads are under way")
        self._pulls += 1
        self._act(ModelAction.PULL, wish.model, host, "models.yaml wishes it there, and the agent does not have it")
        return _replica(host, ReplicaState.PULLING, "its download begins")

    def _load(self, name: str, wish: ModelWish, host: Host, held: Held, reason: str) -> Replica:
        key = (ModelAction.LOAD, host.agent_id, name)
        if key in self._fleet.under_way:
            return _replica(host, ReplicaState.LOADING, "it is being loaded")
        if (rest := self._fleet.resting.get(key)) is not None:
            return _replica(host, ReplicaState.WAITING, rest)
        if host.agent_id in self._occupied:
            return _replica(host, ReplicaState.WAITING, "another model is loaded or unloaded there first")
        missing = 0 if held.loaded else self._missing(name, host)
        if missing > 0:
            return self._make_room(name, wish, host, missing)
        self._occupied.add(host.agent_id)
        self._act(ModelAction.LOAD, wish.model, host, reason)
        return _replica(host, ReplicaState.LOADING, "its load begins")

    def _missing(self, name: str, host: Host) -> int:
        """Bytes of memory that must become free before it is loaded there. Where the memory is not known Ollama sees to it."""
        if host.memory_bytes is None:
            return 0
        used = sum(footprint(held) or 0 for held in host.models.values() if held.loaded)
        return used + (self._choices.needs[name] or 0) - host.memory_bytes

    def _make_room(self, name: str, wish: ModelWish, host: Host, missing: int) -> Replica:
        victims = sorted((v for v in host.models if self._may_evict(v, host)), key=lambda v: (-host.models[v].idle_seconds, v))
        going: list[str] = []
        while victims and missing > 0:
            going.append(victims.pop(0))
            missing -= footprint(host.models[going[-1]]) or 0
        if missing > 0:
            others = sorted(model for model, held in host.models.items() if held.loaded and model != name)
            why = f"{_gib(missing)} of memory are missing, and {', '.join(others)} cannot go now: in use, waited for, wished, or used a moment ago"
            return _replica(host, ReplicaState.WAITING, why)
        self._occupied.add(host.agent_id)
        for victim in going:
            self._act(ModelAction.UNLOAD, victim, host, f"makes room for {wish.model}, which models.yaml wishes there")
        return _replica(host, ReplicaState.WAITING, f"room is made for it: {', '.join(going)} goes")

    def _may_evict(self, name: str, host: Host) -> bool:
        """Whether the model may go from this agent for another."""
        held, wish = host.models[name], self._choices.wishes.get(name)
        if not held.loaded or self._in_use(name, held) or self._choices.is_chosen(name, host):
            return False
        if wish is not None and (wish.never_evict or _is_pinned(wish, host)) and wish.replicas != 0:
            return False
        return held.idle_seconds >= self._limits.evict_idle_seconds and not self._rests(ModelAction.UNLOAD, host, name)

    def _in_use(self, name: str, held: Held) -> bool:
        """Work runs with it there, or waits and may go there, since it is warm."""
        return held.running > 0 or name in self._fleet.waited_for

    def _rests(self, action: ModelAction, host: Host, name: str) -> bool:
        key = (action, host.agent_id, name)
        return key in self._fleet.resting or key in self._fleet.under_way

    def retire(self) -> None:
        """Copies of wished models beyond their number, once they have been idle for long: who asked for one more may ask again."""
        for host in self._fleet.hosts:
            for name, held in sorted(host.models.items()):
                wish = self._choices.wishes.get(name)
                if wish is None or not held.loaded or host.absence is not None or not host.takes_orders:
                    continue
                if not self._is_surplus(name, wish, host) or self._in_use(name, held) or host.agent_id in self._occupied:
                    continue
                if held.idle_seconds >= self._limits.retire_idle_seconds and not self._rests(ModelAction.UNLOAD, host, name):
                    self._occupied.add(host.agent_id)
                    self._act(ModelAction.UNLOAD, wish.model, host, f"models.yaml wishes {wish.replicas}, and others have it")

    def _is_surplus(self, name: str, wish: ModelWish, host: Host) -> bool:
        """Not while the copies that are meant to stay are not all in memory."""
        chosen = self._choices.chosen[name]
        ready = [other for other in chosen if other.absence is None and other.models.get(name, Held()).loaded]
        full = wish.replicas != "all" and len(ready) >= wish.replicas
        return full and not self._choices.is_chosen(name, host)

    def _act(self, action: ModelAction, model: str, host: Host, reason: str) -> None:
        self.actions.append(PlannedAction(action=action, model=model, agent_id=host.agent_id, reason=reason))


def footprint(held: Held) -> int | None:
    """Bytes that it takes in memory, or would."""
    if held.loaded and held.memory_bytes:
        return held.memory_bytes
    return int(held.size_bytes * LOADED_FACTOR) if held.size_bytes else None


def _unpinned(wish: ModelWish, host: Host) -> str | None:
    if wish.pins.agents and host.agent_id not in wish.pins.agents:
        return f"the wish is pinned to {', '.join(wish.pins.agents)}"
    for name, value in wish.pins.labels.items():
        if host.labels.get(name) != value:
            return f"it does not have the label {name}={value}, to which the wish is pinned"
    return None


def _is_pinned(wish: ModelWish, host: Host) -> bool:
    return bool(wish.pins.agents or wish.pins.labels) and _unpinned(wish, host) is None


def _other_context(wish: ModelWish, held: Held) -> bool:
    """A model that was made for less than is wished has as much as it can."""
    if wish.num_ctx is None or held.context is None or held.context == wish.num_ctx:
        return False
    return not (held.context_limit is not None and wish.num_ctx > held.context_limit and held.context == held.context_limit)


def _replica(host: Host, state: ReplicaState, reason: str) -> Replica:
    return Replica(agent_id=host.agent_id, state=state, reason=reason)


_MOST_LISTED: Final = 5


def _listed(lacking: Mapping[str, str]) -> str:
    told = [f"{agent_id}: {lack}" for agent_id, lack in list(lacking.items())[:_MOST_LISTED]]
    more = [f"and {len(lacking) - _MOST_LISTED} more"] if len(lacking) > _MOST_LISTED else []
    return "; ".join([*told, *more]) or "there are no agents"


def _gib(number: int) -> str:
    return f"{number / GIB:.1f} GiB"
