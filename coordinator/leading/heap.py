"""Keeps Python's cycle collector away from what waits: a million tasks would take it seconds, in which the leader hears nothing.

Tasks hold no cycles, so counting references frees them all the same. What is set aside is neither walked through nor, should it
be part of a cycle, freed, until `give_back`.
"""

import gc
from typing import Final

STEP: Final = 10_000
"""Tasks more than when it last set aside: a collection that walks through so many takes some 20 ms."""


class Heap:
    """One for the process; `waiting` is the number of tasks in the queue."""

    def __init__(self) -> None:
        self._aside = 0

    def look(self, waiting: int) -> None:
        """Cheap; now and then, and after each growth."""
        if waiting >= self._aside + STEP:
            gc.collect(1)  # so that young garbage is not kept
            gc.freeze()
            self._aside = waiting
        elif waiting < self._aside // 2:
            self.give_back()

    def give_back(self) -> None:
        if self._aside:
            gc.unfreeze()
            self._aside = 0
