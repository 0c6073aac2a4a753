"""Puts load on Celery, so many tasks in flight, and prints tasks/s and latencies (ms) as JSON. `celery_load.py TASKS IN_FLIGHT`"""

import json
import statistics
import sys
from collections import deque
from time import perf_counter
from typing import Any

from celery_app import echo

DEADLINE_SECONDS = 60


def load(tasks: int, in_flight: int) -> list[float]:
    waiting: deque[tuple[float, Any]] = deque()
    durations: list[float] = []
    for _ in range(tasks):
        if len(waiting) == in_flight:
            durations.append(oldest(waiting))
        waiting.append((perf_counter(), echo.delay("Say hello")))
    durations.extend(oldest(waiting) for _ in range(len(waiting)))
    return durations


def oldest(waiting: deque[tuple[float, Any]]) -> float:
    began, result = waiting.popleft()
    result.get(timeout=DEADLINE_SECONDS, interval=0.001)
    return (perf_counter() - began) * 1000


def main() -> None:
    tasks, in_flight = int(sys.argv[1]), int(sys.argv[2])
    load(tasks // 10, in_flight)
    began = perf_counter()
    durations = load(tasks, in_flight)
    wall = perf_counter() - began
    quantiles = statistics.quantiles(durations, n=100)
    print(json.dumps({"tasks_per_second": tasks / wall, "p50": quantiles[49], "p99": quantiles[98]}))


if __name__ == "__main__":
    main()
