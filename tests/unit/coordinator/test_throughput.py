"""Ends per second over a minute that moves."""

from bus.messages import TaskStatus
from coordinator.leading.throughput import Throughput


def test_ends_are_counted_by_how_they_ended() -> None:
    throughput = Throughput(began=0.0)
    for second in range(120):
        throughput.count(TaskStatus.COMPLETED, float(second))
        if second % 2:
            throughput.count(TaskStatus.FAILED, second + 0.5)
    assert throughput.rates(119.9) == {"completed": 1.0, "failed": 0.5, "cancelled": 0.0}


def test_a_minute_without_ends_is_zero() -> None:
    throughput = Throughput(began=0.0)
    throughput.count(TaskStatus.COMPLETED, 10.0)
    assert throughput.rates(69.0)["completed"] > 0
    assert throughput.rates(71.0)["completed"] == 0


def test_a_leader_that_has_just_begun_divides_by_its_own_time() -> None:
    throughput = Throughput(began=100.0)
    for _ in range(10):
        throughput.count(TaskStatus.COMPLETED, 101.0)
    assert throughput.rates(105.0)["completed"] == 2.0
