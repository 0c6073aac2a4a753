"""Many waiting tasks are set aside from the cycle collector, and given back when they are few again."""

import gc
from collections.abc import Iterator

import pytest

from coordinator.leading.heap import STEP, Heap


@pytest.fixture
def heap() -> Iterator[Heap]:
    found = Heap()
    yield found
    found.give_back()


def test_many_waiting_tasks_are_not_walked_through(heap: Heap) -> None:
    heap.look(STEP - 1)
    assert gc.get_freeze_count() == 0
    heap.look(STEP)
    assert gc.get_freeze_count() > 0


def test_what_comes_later_is_set_aside_in_steps(heap: Heap) -> None:
    heap.look(STEP)
    before, later = gc.get_freeze_count(), [[n] for n in range(1000)]
    heap.look(2 * STEP - 1)
    assert gc.get_freeze_count() <= before
    heap.look(2 * STEP)
    assert gc.get_freeze_count() >= before + len(later)


def test_when_few_are_left_everything_is_given_back(heap: Heap) -> None:
    heap.look(2 * STEP)
    heap.look(STEP)
    assert gc.get_freeze_count() > 0
    heap.look(STEP - 1)
    assert gc.get_freeze_count() == 0
