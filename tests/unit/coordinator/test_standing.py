"""Where a task stands, when it will begin, and that it is never put back without a reason that is true."""

from datetime import datetime

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, precondition, rule

from bus.messages import ModelInfo
from bus.messages.places import Delay, QueuePlace
from coordinator.scheduling.places import Places
from coordinator.scheduling.queue import Queue
from coordinator.scheduling.scheduler import Scheduler
from coordinator.tasks import Task
from tests.unit.coordinator.parts import NOON, WARM, after, agent, task

QWEN = ModelInfo(name="qwen")
OWNERS = st.sampled_from(("ada", "bob"))
MODELS = st.sampled_from((WARM.name, QWEN.name))


class WatchedTask(RuleBasedStateMachine):
    """A leader's queue with one watched task: after each thing that happens, whatever put it back is the reason that is given."""

    def __init__(self) -> None:
        super().__init__()
        self.queue, self.scheduler = Queue(), Scheduler()
        self.places = Places(self.queue, self.scheduler)
        self.host = agent(models=(WARM, QWEN), slots=1)
        self.seconds, self.arrived = 0.0, 100
        self.watched = task(owner="ada", priority=3, sequence=100, model=QWEN.name)
        self.queue.add(self.watched, NOON)
        self.gone: list[Task] = []
        self.last: QueuePlace | None = None
        self.look(set())

    @property
    def now(self) -> datetime:
        return after(self.seconds)

    def look(self, truths: set[Delay]) -> None:
        """`truths` are the reasons that what has just happened allows."""
        before, self.last = self.last, self.place()
        if before is None or self.last is None or self.last.position <= before.position:
            assert self.last is None or before is None or self.last.rise == before.rise
            return
        risen = self.last.rise
        assert risen is not None
        assert (risen.before, risen.position) == (before.position, self.last.position)
        assert risen.at == self.now
        assert risen.reason in truths, "it was put back by something else"

    def place(self) -> QueuePlace | None:
        return self.places.of((self.watched.id,), [self.host], self.seconds, self.now).get(self.watched.id)

    @rule(owner=OWNERS, priority=st.integers(1, 5), model=MODELS)
    def arrives(self, owner: str, priority: int, model: str) -> None:
        self.arrived += 1
        self.queue.add(task(owner=owner, priority=priority, model=model, sequence=self.arrived, created_at=self.now), self.now)
        others = {Delay.FAIRNESS} if owner != "ada" else set[Delay]()
        self.look({Delay.PRIORITY} if priority < 3 else others | {Delay.GROUPING} if priority == 3 else set())

    @rule(owner=OWNERS, priority=st.integers(1, 5), back=st.sampled_from((None, Delay.RETRY, Delay.HOST_LOST)))
    def comes_back(self, owner: str, priority: int, back: Delay | None) -> None:
        """One that was submitted before the watched one; or, with `back` None, one whose `not_before` has come."""
        earlier = task(
            owner=owner, priority=priority, sequence=int(self.seconds) % 100, attempts=int(back is not None), back=back
        )
        self.queue.add(earlier.evolve(model=WARM.name), self.now)
        own = {back or Delay.EARLIER} if owner == "ada" else set[Delay]()
        equals = own | {Delay.FAIRNESS, Delay.GROUPING}
        self.look({Delay.PRIORITY} if priority < 3 else equals if priority == 3 else {Delay.AGEING})

    @rule(seconds=st.sampled_from((0.5, 3.0, 50.0)))
    def time_passes(self, seconds: float) -> None:
        self.seconds += seconds
        self.queue.wake(self.now)
        self.look({Delay.AGEING})

    @rule()
    def one_is_given_out(self) -> None:
        placement = self.scheduler.next(self.queue, self.scheduler.fleet([self.host], self.seconds), self.now)
        if placement is None:
            return
        self.scheduler.take(self.queue, placement)
        if placement.task.id == self.watched.id:
            assert self.place() is None
            self.last = None
            self.gone.append(placement.task)
            return
        self.look({Delay.AGEING, Delay.FAIRNESS, Delay.GROUPING})

    @precondition(lambda self: self.gone)
    @rule(back=st.sampled_from((Delay.PRIORITY, Delay.RETRY, Delay.HOST_LOST, None)))
    def the_watched_one_comes_back(self, back: Delay | None) -> None:
        given_out = self.gone.pop()
        self.watched = given_out.evolve(attempts=given_out.attempts + 1, back=back)
        self.queue.add(self.watched, self.now)
        self.last = self.place()
        assert self.last is not None
        assert self.last.rise is not None
        assert (self.last.rise.own, self.last.rise.before, self.last.rise.reason) == (True, 0, back or Delay.RETRY)


TestWatchedTask = WatchedTask.TestCase
TestWatchedTask.settings = settings(max_examples=150, stateful_step_count=25)


class Watch:
    """A task of ada's that somebody watches: priority 3, arrival 20, its model not warm."""

    def __init__(self, **more: object) -> None:
        self.queue, self.scheduler, self.host = Queue(), Scheduler(), agent(models=(WARM, QWEN))
        self.places = Places(self.queue, self.scheduler)
        self.task = task(**({"owner": "ada", "sequence": 20, "model": QWEN.name} | more))
        self.queue.add(self.task, NOON)

    def sees(self, seconds: float = 0.0) -> tuple[int, Delay | None]:
        place = self.places.of([self.task.id], [self.host], seconds, after(seconds))[self.task.id]
        return place.position, place.rise and place.rise.reason

    def comes(self, seconds: float = 0.0, **more: object) -> None:
        self.queue.add(task(**more), after(seconds))


def test_more_urgent_tasks_put_it_back() -> None:
    watch = Watch()
    assert watch.sees() == (1, None)
    watch.comes(owner="bob", priority=1, sequence=30)
    assert watch.sees() == (2, Delay.PRIORITY)


def test_the_turn_of_others_puts_it_back() -> None:
    watch = Watch()
    watch.comes(owner="ada", sequence=10, model=WARM.name)
    assert watch.sees() == (2, None)
    watch.comes(owner="bob", sequence=30)
    assert watch.sees() == (3, Delay.FAIRNESS)


def test_a_less_urgent_task_that_has_waited_for_long_puts_it_back() -> None:
    watch = Watch(created_at=after(170))
    watch.comes(owner="bob", priority=5, sequence=1)
    assert watch.sees(170) == (1, None)
    assert watch.sees(181) == (2, Delay.AGEING)
    placement = watch.scheduler.next(watch.queue, watch.scheduler.fleet([watch.host], 181), after(181))
    assert placement is not None
    assert placement.task.owner == "bob"


def test_tasks_whose_model_is_warm_put_it_back_for_some_seconds() -> None:
    watch = Watch()
    watch.comes(owner="ada", sequence=30, model=WARM.name)
    assert watch.sees() == (1, None)
    placement = watch.scheduler.next(watch.queue, watch.scheduler.fleet([watch.host], 0), NOON)
    assert placement is not None
    assert placement.task.sequence == 30
    assert watch.sees() == (2, Delay.GROUPING)
    assert watch.sees(6) == (1, Delay.GROUPING)  # what it stands at now, and what last put it back


def test_an_earlier_task_of_its_owner_puts_it_back_and_why_it_came_is_told() -> None:
    watch = Watch()
    assert watch.sees() == (1, None)
    watch.comes(owner="ada", sequence=3)
    assert watch.sees() == (2, Delay.EARLIER)
    watch.comes(owner="ada", sequence=4, attempts=1, back=Delay.HOST_LOST)
    assert watch.sees() == (3, Delay.HOST_LOST)
    watch.comes(owner="ada", sequence=5, attempts=1, back=Delay.RETRY)
    assert watch.sees() == (4, Delay.RETRY)


def test_who_lost_its_own_host_is_told_so_though_nobody_had_looked_before() -> None:
    watch = Watch(attempts=1, back=Delay.HOST_LOST)
    place = watch.places.of([watch.task.id], [], 0, NOON)[watch.task.id]
    assert place.rise is not None
    assert (place.rise.own, place.rise.before, place.rise.in_words) == (True, 0, "its host was lost")


def test_of_too_many_watched_the_longest_not_asked_for_is_forgotten() -> None:
    watch = Watch()
    watch.places = Places(watch.queue, watch.scheduler, most=1)
    watch.sees()
    watch.comes(owner="bob", sequence=30, id=(other := task().id))
    watch.places.of([other], [], 0, NOON)
    watch.comes(owner="bob", priority=1, sequence=31)
    assert watch.sees() == (2, None)
    watch.comes(owner="bob", priority=1, sequence=32)
    assert watch.sees() == (3, Delay.PRIORITY)


def test_a_task_begins_about_when_it_was_said() -> None:
    """Three hosts at different speeds; each job takes as long as predicted."""
    queue, scheduler = Queue(), Scheduler()
    hosts = [agent(name) for name in ("acacia", "birch", "cedar")]
    for sequence in range(31):
        queue.add(task(sequence=sequence, model=WARM.name), NOON)
    last = task(sequence=99, model=WARM.name)
    queue.add(last, NOON)
    said = Places(queue, scheduler).of([last.id], hosts, 0, NOON)[last.id].eta_seconds
    assert said is not None
    done: dict[str, float] = {}
    clock = 0.0
    while last.id in queue:
        free = [host for host in hosts if done.get(host.agent_id, 0.0) <= clock]
        while (placement := scheduler.next(queue, scheduler.fleet(free, clock), after(clock))) is not None:
            scheduler.take(queue, placement)
            done[placement.agent.agent_id] = clock + placement.seconds
            free.remove(placement.agent)
            if placement.task == last:
                break
        clock = min((at for at in done.values() if at > clock), default=clock) if last.id in queue else clock
    assert abs(said - clock) < 0.2 * clock


def test_nobody_able_is_no_promise() -> None:
    queue, waiting = Queue(), task(model="llama3")
    queue.add(waiting, NOON)
    found = Places(queue, Scheduler()).of([waiting.id, task().id], [agent()], 0, NOON)
    assert {task_id: place.eta_seconds for task_id, place in found.items()} == {waiting.id: None}
