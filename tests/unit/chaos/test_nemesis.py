"""A plan is repeated by its seed, and hits everything."""

from itertools import islice
from random import Random

from tests.chaos.nemesis import LONGEST, ROLES, plan


def test_the_same_seed_plans_the_same_faults() -> None:
    assert list(islice(plan(Random(7)), 50)) == list(islice(plan(Random(7)), 50))
    assert list(islice(plan(Random(7)), 50)) != list(islice(plan(Random(8)), 50))


def test_every_role_is_hit_by_every_kind_of_fault_and_for_a_bounded_time() -> None:
    faults = [fault for step in islice(plan(Random(1)), 2000) for fault in step]
    hit = {(fault.role, fault.kind) for fault in faults}
    assert hit == {(role, kind) for role, (_, kinds) in ROLES.items() for kind in kinds}
    assert all(0 < fault.seconds <= LONGEST for fault in faults)


def test_two_that_are_hit_at_once_are_never_the_same() -> None:
    pairs = [step for step in islice(plan(Random(1)), 2000) if len(step) > 1]
    assert pairs
    assert all(first.role != second.role for first, second in pairs)
