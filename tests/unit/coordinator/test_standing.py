"""Where a task stands, and that it is never put back without a reason that is true."""

from hypothesis import given
from hypothesis import strategies as st

from coordinator.queue import Queue
from coordinator.scheduler import Scheduler
from coordinator.standing import Delay, delay
from tests.unit.coordinator.parts import NOON, WARM, after, agent, task

COMES = st.tuples(st.sampled_from(("ada", "bob")), st.integers(1, 5), st.integers(0, 40))


@given(st.lists(COMES, min_size=1, max_size=20))
def test_whatever_puts_a_task_back_is_the_reason_that_is_given(coming: list[tuple[str, int, int]]) -> None:
    """A task that comes with a lower sequence than its owner's others is one that came back."""
    queue, watched = Queue(), task(owner="ada", priority=3, sequence=20)
    queue.add(watched, NOON)
    for owner, priority, sequence in coming:
        before = queue.standing(watched.id)
        queue.add(task(owner=owner, priority=priority, sequence=sequence), NOON)
        standing = queue.standing(watched.id)
        assert before is not None
        assert standing is not None
        reason = delay(before, standing)
        assert (reason is None) == (standing.position <= before.position)
        if reason is Delay.PRIORITY:
            assert priority < 3
        elif reason is Delay.RETRY:
            assert (owner, priority) == ("ada", 3)
            assert sequence <= 20
        elif reason is Delay.FAIRNESS:
            assert priority == 3


def test_a_task_begins_about_when_it_was_said() -> None:
    """Three hosts at different speeds; each job takes as long as predicted."""
    queue, scheduler = Queue(), Scheduler()
    hosts = [agent(name) for name in ("acacia", "birch", "cedar")]
    for sequence in range(31):
        queue.add(task(sequence=sequence, model=WARM.name), NOON)
    last = task(sequence=99, model=WARM.name)
    queue.add(last, NOON)
    said = scheduler.eta_seconds(queue, [last], hosts)[last.id]
    done: dict[str, float] = {}
    clock = 0.0
    while last.id in queue:
        free = [host for host in hosts if done.get(host.agent_id, 0.0) <= clock]
        while (placement := scheduler.next(queue, free, clock, after(clock))) is not None:
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
    assert Scheduler().eta_seconds(queue, [waiting, task()], [agent()]) == {}
