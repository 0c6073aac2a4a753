"""Whose turn it is: by properties, against what fairness means, and by examples of who comes and goes."""

from collections import Counter

from hypothesis import given
from hypothesis import strategies as st

from bus.messages import MAX_PRIORITY, MIN_PRIORITY
from coordinator.scheduling.fairness import FIRST_SECONDS, Shares
from coordinator.scheduling.policy import Policy
from coordinator.scheduling.queue import Queue
from coordinator.scheduling.scheduler import Scheduler
from tests.unit.coordinator.parts import NOON, agent, task

COSTS = st.dictionaries(st.sampled_from(("ada", "bob", "cyd")), st.floats(0.5, 50), min_size=2)
WEIGHTS = st.dictionaries(st.sampled_from(("ada", "bob", "cyd")), st.sampled_from((0.5, 1.0, 2.0, 4.0)))


@given(COSTS, WEIGHTS, st.integers(20, 200))
def test_whoever_always_waits_gets_its_share_to_within_a_task(
    costs: dict[str, float], weights: dict[str, float], turns: int
) -> None:
    """The bound of start-time fair queueing: between two owners, normalized service differs by at most one task of each."""
    shares, given_out = Shares(weights), Counter[str]()
    for owner in costs:
        shares.join(owner)
    for _ in range(turns):
        owner = next(iter(shares))
        shares.charge(owner, costs[owner])
        given_out[owner] += 1
    normalized = {owner: given_out[owner] * cost / weights.get(owner, 1.0) for owner, cost in costs.items()}
    step = {owner: cost / weights.get(owner, 1.0) for owner, cost in costs.items()}
    for one in costs:
        for other in costs:
            assert abs(normalized[one] - normalized[other]) <= step[one] + step[other] + 1e-6


def test_who_asked_for_nothing_has_no_credit() -> None:
    shares = Shares({})
    shares.join("ada")
    for _ in range(100):
        shares.charge("ada", 1)
    shares.join("bob")
    turns = []
    for _ in range(6):
        owner = next(iter(shares))
        shares.charge(owner, 1)
        turns.append(owner)
    assert Counter(turns) == {"ada": 3, "bob": 3}


def test_who_leaves_and_comes_back_keeps_its_debt() -> None:
    """Else one task at a time would be a way to the front."""
    shares = Shares({})
    for owner in ("ada", "bob"):
        shares.join(owner)
    shares.charge("ada", 10)
    shares.leave("ada")
    shares.join("ada")
    shares.charge("bob", 9)
    assert list(shares) == ["bob", "ada"]
    assert list(Shares({})) == []


def test_of_too_many_owners_that_came_once_the_small_debts_are_forgiven() -> None:
    shares = Shares({})
    for number in range(30_000):
        shares.join(f"owner-{number}")
        shares.charge(f"owner-{number}", 1 + number % 100)
        shares.leave(f"owner-{number}")
    for owner in ("owner-0", "owner-29999", "new"):
        shares.join(owner)
    assert list(shares) == ["owner-0", "new", "owner-29999"]


OWNERS = st.sampled_from(("ada", "bob", "cyd"))
WAITING = st.lists(st.tuples(OWNERS, st.integers(MIN_PRIORITY, MAX_PRIORITY)), min_size=1, max_size=25)


@given(WAITING, WEIGHTS)
def test_the_position_is_the_turn_in_which_a_task_then_goes(waiting: list[tuple[str, int]], weights: dict[str, float]) -> None:
    """With tasks that are alike and nothing that comes meanwhile, the answer to "how many before me" comes true."""
    policy = Policy(weights=weights)
    queue, scheduler = Queue(policy), Scheduler(policy)
    tasks = [task(owner=owner, priority=priority, sequence=number) for number, (owner, priority) in enumerate(waiting)]
    queue.extend(tasks, NOON)
    host = agent()
    while (placement := scheduler.next(queue, scheduler.fleet([host], 0), NOON)) is not None:
        places = sorted(position for known in tasks if (position := queue.position(known.id)) is not None)
        assert places == list(range(1, len(queue) + 1))
        assert queue.position(placement.task.id) == 1
        scheduler.take(queue, placement)
    assert len(queue) == 0


@given(st.dictionaries(st.sampled_from(("ada", "bob", "cyd")), st.integers(1, 30), min_size=1), WEIGHTS, st.integers(1, 40))
def test_upcoming_turns_are_those_that_come(waiting: dict[str, int], weights: dict[str, float], most: int) -> None:
    shares, left, taken = Shares(weights), dict(waiting), list[str]()
    for owner in waiting:
        shares.join(owner)
    foreseen = list(shares.upcoming(waiting, most))
    while left and len(taken) < most:
        owner = next(iter(shares))
        shares.charge(owner, FIRST_SECONDS)
        taken.append(owner)
        left[owner] -= 1
        if not left[owner]:
            del left[owner]
            shares.leave(owner)
    assert foreseen == taken
