"""Queue, scheduler and registry together: what must hold whatever happens in whatever order."""

from datetime import datetime
from uuid import uuid4

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, precondition, rule

from bus.messages import AgentStatus, Capability, ModelInfo, Requirements
from coordinator.agents.agent import Agent, OpenAttempt
from coordinator.agents.registry import Registry
from coordinator.scheduling.choice import choose, consider
from coordinator.scheduling.decision import KEPT_SECONDS
from coordinator.scheduling.explaining import explain
from coordinator.scheduling.policy import Policy
from coordinator.scheduling.queue import Queue
from coordinator.scheduling.scheduler import Placement, Scheduler
from coordinator.scheduling.sizes import Size
from coordinator.scheduling.speed import Speed
from coordinator.tasks import Task
from tests.unit.coordinator.parts import NOON, WARM, after, attempt, heartbeat, registration, task

AGENTS = ("acacia", "birch", "cedar")
MODELS = ("llama3", "qwen")
STRICT = Policy(ageing_seconds=1e9)
"""So that a priority is one."""


class Hive(RuleBasedStateMachine):
    """Each rule is one thing that happens to a leader; `gives_out` is its turn."""

    def __init__(self) -> None:
        super().__init__()
        self.queue, self.scheduler, self.registry = Queue(STRICT), Scheduler(STRICT), Registry()
        self.seconds = 0.0
        self.arrived = 0

    @property
    def now(self) -> datetime:
        return after(self.seconds)

    @rule(
        owner=st.sampled_from(("ada", "bob")),
        priority=st.integers(1, 5),
        model=st.sampled_from((None, *MODELS)),
        least=st.sampled_from(({}, {"code": 0.5})),
        pin=st.sampled_from((None, None, None, *AGENTS)),
        session=st.sampled_from((None, 1, 2)),
        tokens=st.sampled_from((10, 2000, 20_000)),
    )
    def arrives(
        self,
        owner: str,
        priority: int,
        model: str | None,
        least: dict[str, float],
        pin: str | None,
        session: int | None,
        tokens: int,
    ) -> None:
        self.arrived += 1
        asked = {"owner": owner, "priority": priority, "model": model, "pin": pin, "session": session}
        made = task(
            **asked, require=Requirements(capabilities=least), size=Size(tokens), sequence=self.arrived, created_at=self.now
        )
        asked = self.scheduler.ask(self.queue, made, self.seconds)
        self.queue.add(made, self.now)
        assert self.scheduler.ask(self.queue, made, self.seconds) == asked  # a dry run asks what will be asked

    @rule(
        name=st.sampled_from(AGENTS),
        slots=st.integers(1, 3),
        models=st.lists(st.sampled_from(MODELS), unique=True),
        code=st.sampled_from((0.1, 0.9)),
        pace=st.sampled_from((None, 5.0, 100.0)),
    )
    def registers(self, name: str, slots: int, models: list[str], code: float, pace: float | None) -> None:
        known = tuple(ModelInfo(name=model, loaded=place == 0, size_bytes=4_000_000_000) for place, model in enumerate(models))
        told = registration(name, slots=slots, models=known, capabilities=(Capability(name="code", proficiency=code),))
        self.registry.register(told, self.seconds, self.now)
        self.registry.agents[name].speeds = {model: Speed(generation_rate=pace) for model in models}

    @precondition(lambda self: self.registry.agents)
    @rule(data=st.data(), status=st.sampled_from((AgentStatus.ONLINE, AgentStatus.DRAINING)), swapped=st.booleans())
    def is_heard(self, data: st.DataObject, status: AgentStatus, swapped: bool) -> None:
        known = self.registry.agents[data.draw(st.sampled_from(sorted(self.registry.agents)))]
        models = tuple(model.model_copy(update={"loaded": model.loaded != swapped}) for model in known.models)
        told = heartbeat(known.agent_id, status=status, slots=known.slots, models=models)
        self.registry.heartbeat(told, self.seconds, self.now)

    @precondition(lambda self: self.registry.open)
    @rule(data=st.data())
    def ends(self, data: st.DataObject) -> None:
        self.registry.close(data.draw(st.sampled_from(list(self.registry.open))))

    @rule(seconds=st.sampled_from((0.3, 4.0, 40.0)))
    def time_passes(self, seconds: float) -> None:
        self.seconds += seconds
        self.queue.wake(self.now)

    @rule(most=st.integers(1, 4))
    def gives_out(self, most: int) -> None:
        agents = list(self.registry)
        self.time_passes(KEPT_SECONDS)  # else it may stand by what it found a moment ago
        fleet = self.scheduler.fleet(agents, self.seconds)
        for _ in range(most):
            asked_before = self.scheduler.next(self.queue, self.scheduler.fleet(agents, self.seconds), self.now)
            placement = self.scheduler.next(self.queue, fleet, self.now)
            assert placement == asked_before  # to look changes nothing, and what stands of the turn is as good as new
            if placement is None:
                break
            self.check(placement, agents)
            self.take(placement)
            fleet.given(placement.agent, placement.model)

    def take(self, placement: Placement) -> None:
        self.scheduler.take(self.queue, placement)
        attempt = OpenAttempt(
            id=uuid4(),
            task_id=placement.task.id,
            agent_id=placement.agent.agent_id,
            instance="one",
            number=1,
            model=placement.model.name,
            opened_at=self.seconds,
            seen_at=self.seconds,
            ends_at=self.seconds + placement.seconds,
        )
        self.registry.take(attempt)

    def check(self, placement: Placement, agents: list[Agent]) -> None:
        given, agent = placement.task, placement.agent
        fleet = self.scheduler.fleet(agents, self.seconds)
        ask = self.scheduler.ask(self.queue, given, self.seconds)
        assert consider(ask, agent, self.seconds).unable is None
        assert len(agent.attempts) < agent.slots
        assert explain(ask, fleet).choice == agent.agent_id
        for waiting in self.ahead_of(given):
            other = self.scheduler.ask(self.queue, waiting, self.seconds)
            assert choose(other, fleet, fleet.free_places(other.shape, other.home)) is None, "a more urgent one could have gone"

    def ahead_of(self, given: Task) -> list[Task]:
        """The first of each line of a higher priority: each was passed over, and must have had to be."""
        heads = (
            band.first([line])
            for priority, band in self.queue.bands.items()
            if priority < given.priority
            for line in band.lines
        )
        return [self.queue[head.order[1]] for head in heads if head is not None]

    def teardown(self) -> None:
        """After it all: everything that some living agent could do is done in the end, however long it was kept."""
        for known in self.registry:
            known.status, known.full_until = AgentStatus.ONLINE, 0.0
        for _ in range(len(self.queue) + 1):
            for attempt_id in list(self.registry.open):
                self.registry.close(attempt_id)
            self.time_passes(40.0)
            self.gives_out(4)
        left = [band.first([line]) for band in self.queue.bands.values() for line in band.lines]
        for head in left:
            assert head is not None
            ask = self.scheduler.ask(self.queue, self.queue[head.order[1]], self.seconds)
            assert all(consider(ask, known, self.seconds).unable is not None for known in self.registry)


TestHive = Hive.TestCase
TestHive.settings = settings(max_examples=100, stateful_step_count=25)


def test_the_lowest_priority_waits_a_bounded_time() -> None:
    """A stream of urgent work that would take everything: after four minutes the other is as urgent, and takes turns with it."""
    registry, queue, scheduler = Registry(), Queue(), Scheduler()
    registry.register(registration(models=(ModelInfo(name="llama3", loaded=True),)), 0, NOON)
    low = task(priority=5, model="llama3", owner="bob", sequence=1)
    queue.add(low, NOON)
    for second in range(1, 300):
        queue.add(task(priority=1, model="llama3", sequence=second + 1, created_at=after(second)), after(second))
        placement = scheduler.next(queue, scheduler.fleet(list(registry), second), after(second))
        assert placement is not None
        scheduler.take(queue, placement)
        if placement.task == low:
            break
    assert second == 240


def test_a_warm_model_goes_first_for_some_seconds_and_not_for_ever() -> None:
    registry, queue, scheduler = Registry(), Queue(), Scheduler()
    registry.register(registration(models=(ModelInfo(name="qwen"), ModelInfo(name="llama3", loaded=True))), 0, NOON)
    taken = []
    for number in range(2):
        queue.add(task(model="qwen", sequence=number), NOON)
    for second in range(12):
        queue.add(task(model="llama3", sequence=second + 2), NOON)
        placement = scheduler.next(queue, scheduler.fleet(list(registry), second), after(second))
        assert placement is not None
        scheduler.take(queue, placement)
        taken.append(placement.model.name)
    assert taken == (["llama3"] * 5 + ["qwen"]) * 2


def test_a_task_is_kept_for_a_busy_agent_that_is_sooner_and_not_for_ever() -> None:
    registry, queue, scheduler = Registry(), Queue(), Scheduler()
    for name, rate in (("fast", 100.0), ("slow", 5.0)):
        registry.register(registration(name), 0, NOON)
        registry.agents[name].speeds[WARM.name] = Speed(generation_rate=rate)
    for sequence in range(3):
        queue.add(task(model=WARM.name, sequence=sequence), NOON)
    first = scheduler.next(queue, scheduler.fleet(list(registry), 0), NOON)
    assert first is not None
    scheduler.take(queue, first)
    taken = attempt("fast")
    taken.ends_at = 2.0
    registry.take(taken)
    for seconds, chosen in (
        (0, None),
        (29, None),
        (31, "slow"),
        (32, "slow"),
    ):  # the fast one takes far longer than was predicted
        placement = scheduler.next(queue, scheduler.fleet(list(registry), seconds), after(seconds))
        assert (placement and placement.agent.agent_id) == chosen
        if placement is not None:
            scheduler.take(queue, placement)


def test_patience_is_had_once_and_not_for_each_task_of_a_burst() -> None:
    """Eight waited 30, 60, 90 … 240 s for a fast host with one long answer, beside eight idle slots."""
    registry, queue, scheduler = Registry(), Queue(), Scheduler()
    for name, rate, slots in (("fast", 100.0, 1), ("slow", 5.0, 8)):
        registry.register(registration(name, slots=slots), 0, NOON)
        registry.agents[name].speeds[WARM.name] = Speed(generation_rate=rate)
    taken = attempt("fast")
    taken.ends_at = 2.0
    registry.take(taken)
    for sequence in range(8):
        queue.add(task(model=WARM.name, sequence=sequence), NOON)
    begun: dict[str, list[float]] = {"fast": [], "slow": []}
    for tick in range(4 * 65):
        seconds = tick / 4
        fleet = scheduler.fleet(list(registry), seconds)
        while (placement := scheduler.next(queue, fleet, after(seconds))) is not None:
            scheduler.take(queue, placement)
            begun[placement.agent.agent_id].append(seconds)
            placed = attempt(placement.agent.agent_id)
            placed.ends_at = seconds + placement.seconds
            registry.take(placed)
            fleet.given(placement.agent, placement.model)
    assert (len(begun["slow"]), begun["fast"]) == (8, [])
    assert max(begun["slow"]) < 31


def test_a_task_that_lost_its_host_takes_what_is_free() -> None:
    registry, queue, scheduler = Registry(), Queue(), Scheduler()
    for name, rate in (("acacia", 100.0), ("birch", 10.0)):
        registry.register(registration(name), 0, NOON)
        registry.agents[name].speeds[WARM.name] = Speed(generation_rate=rate)
    taken = attempt("acacia")
    taken.ends_at = 1.0
    registry.take(taken)
    lost = task(model=WARM.name)
    queue.add(lost, NOON)
    assert scheduler.next(queue, scheduler.fleet(list(registry), 0.0), NOON) is None
    queue.add(lost.evolve(avoid=frozenset({"cedar"})), NOON)
    placement = scheduler.next(queue, scheduler.fleet(list(registry), 0.0), NOON)
    assert placement is not None
    assert placement.agent.agent_id == "birch"


def test_a_task_goes_to_a_slow_agent_where_too_many_wait_for_the_fast_one() -> None:
    registry, queue, scheduler = Registry(), Queue(), Scheduler()
    for name, rate in (("fast", 100.0), ("slow", 12.5)):
        registry.register(registration(name), 0, NOON)
        registry.agents[name].speeds[WARM.name] = Speed(generation_rate=rate)
    taken = attempt("fast")
    taken.ends_at = 2.0
    registry.take(taken)
    found = []
    for sequence in range(5):
        queue.add(task(model=WARM.name, sequence=sequence), NOON)
        placement = scheduler.next(queue, scheduler.fleet(list(registry), 0), NOON)
        found.append(placement and placement.agent.agent_id)
    assert found == [None, None, "slow", "slow", "slow"]


def test_a_conversation_goes_on_where_it_was_unless_that_host_is_busy_for_too_long() -> None:
    registry, queue, scheduler = Registry(), Queue(), Scheduler()
    for name in ("acacia", "birch"):
        registry.register(registration(name), 0, NOON)

    def part(sequence: int, tokens: int) -> Task:
        return task(session=7, sequence=sequence, size=Size(tokens))

    queue.add(part(1, 10), NOON)
    first = scheduler.next(queue, scheduler.fleet(list(registry), 0), NOON)
    assert first is not None
    scheduler.take(queue, first)
    home, other = first.agent, next(known for known in registry if known is not first.agent)
    queue.add(part(2, 1000), NOON)
    second = scheduler.next(queue, scheduler.fleet(list(registry), 0), NOON)
    assert second is not None
    assert second.agent is home
    home.full_until = 60
    assert scheduler.next(queue, scheduler.fleet(list(registry), 1.5), after(1.5)) is None
    queue.wake(after(2.1))  # reading 1,000 tokens anew takes 2 s
    moved = scheduler.next(queue, scheduler.fleet(list(registry), 2.1), after(2.1))
    assert moved is not None
    assert moved.agent is other


@pytest.mark.parametrize("status", [AgentStatus.OFFLINE, AgentStatus.DRAINING, AgentStatus.DEGRADED])
def test_a_conversation_does_not_wait_for_a_host_that_takes_nothing(status: AgentStatus) -> None:
    registry, queue, scheduler = Registry(), Queue(), Scheduler()
    registry.register(registration("acacia"), 0, NOON)
    queue.add(task(session=7, size=Size(4_000)), NOON)
    placement = scheduler.next(queue, scheduler.fleet(list(registry), 0), NOON)
    assert placement is not None
    scheduler.take(queue, placement)
    registry.register(registration("birch"), 0, NOON)
    registry.agents["acacia"].status = status
    queue.add(task(session=7, size=Size(4_000)), NOON)
    again = scheduler.next(queue, scheduler.fleet(list(registry), 0), NOON)
    assert again is not None
    assert again.agent.agent_id == "birch"


def test_a_conversation_whose_host_is_lost_goes_on_elsewhere_at_once() -> None:
    registry, queue, scheduler = Registry(), Queue(), Scheduler()
    registry.register(registration("acacia"), 0, NOON)
    first = task(session=7, size=Size(20_000))
    queue.add(first, NOON)
    placement = scheduler.next(queue, scheduler.fleet(list(registry), 0), NOON)
    assert placement is not None
    scheduler.take(queue, placement)
    registry.register(registration("birch"), 0, NOON)
    registry.agents["acacia"].status = AgentStatus.OFFLINE
    queue.add(first.evolve(avoid=frozenset({"acacia"})), NOON)
    again = scheduler.next(queue, scheduler.fleet(list(registry), 0), NOON)
    assert again is not None
    assert again.agent.agent_id == "birch"
