"""Processes that get a share of the time only, by the means of cpulimit(1): stopped and continued ten times a second."""

import signal
import threading
from collections.abc import Callable, Iterable
from contextlib import suppress

import psutil

ROUND_SECONDS = 0.1
LOOK_EVERY = 5
"""Rounds between two looks at which processes there are: a look reads all of /proc."""


class CpuLimit:
    """`share` of the time, between 0 and 1. `processes` are asked for again and again: an Ollama's come and go with its models."""

    def __init__(self, processes: Callable[[], Iterable[psutil.Process]], share: float) -> None:
        self._processes, self._share = processes, share
        self._ended = threading.Event()
        self._thread = threading.Thread(target=self._run, daemon=True)

    def start(self) -> None:
        self._thread.start()

    def stop(self) -> None:
        """All of them run on."""
        self._ended.set()
        self._thread.join()

    def _run(self) -> None:
        held: list[psutil.Process] = []
        rounds = 0
        while not self._ended.is_set():
            if rounds % LOOK_EVERY == 0:
                held = list(self._processes())
            rounds += 1
            _signal(held, signal.SIGSTOP)
            self._ended.wait(ROUND_SECONDS * (1 - self._share))
            _signal(held, signal.SIGCONT)
            self._ended.wait(ROUND_SECONDS * self._share)


def _signal(processes: Iterable[psutil.Process], number: signal.Signals) -> None:
    for process in processes:
        with suppress(psutil.NoSuchProcess):
            process.send_signal(number)
