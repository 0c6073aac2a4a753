"""Celery with Redis beside Hive: a worker and a client in an environment of their own (`make bench` makes it), on a Valkey of their own."""

import asyncio
import json
import os
import resource
import subprocess
from contextlib import ExitStack
from pathlib import Path
from time import sleep
from typing import Final

import psutil

from tests.bench.load import Figures, cpu_seconds
from tests.parts.valkey import ValkeyServer

PYTHON: Final = Path(".venv-bench/bin/python").absolute()
HERE: Final = Path(__file__).parent / "with_celery"
WORKERS: Final = 2
"""Processes of its pool: one for each core of the machine that the figures were taken on. With one it was slower."""
QUIET: Final = ("-l", "ERROR", "--without-gossip", "--without-mingle", "--without-heartbeat")


class Celery:
    """Ends with `stack`."""

    def __init__(self, stack: ExitStack, folder: Path) -> None:
        valkey = ValkeyServer(folder)
        valkey.start()
        stack.callback(valkey.stop)
        self._environment = {
            "PATH": os.environ["PATH"],
            "PYTHONPATH": str(HERE),
            "BENCH_REDIS_URL": valkey.url.replace("unix://", "redis+socket://"),
        }
        command = (PYTHON, "-m", "celery", "-A", "celery_app", "worker", "-P", "prefork", "-c", str(WORKERS), *QUIET)
        with (folder / "celery.log").open("wb") as log:
            worker = subprocess.Popen(command, env=self._environment, cwd=folder, stdout=log, stderr=log)
        stack.callback(worker.wait)
        stack.callback(worker.terminate)
        assert valkey.process is not None
        self._processes = {"valkey": psutil.Process(valkey.process.pid), "worker": psutil.Process(worker.pid)}
        while len(self._processes["worker"].children()) < WORKERS:
            sleep(0.05)

    async def measure(self, *, tasks: int, in_flight: int) -> Figures:
        before, client = cpu_seconds(self._processes), _children_seconds()
        command = (PYTHON, HERE / "celery_load.py", str(tasks), str(in_flight))
        done = await asyncio.to_thread(
            subprocess.run, command, env=self._environment, check=True, capture_output=True, timeout=120
        )
        found = json.loads(done.stdout)
        warmed = tasks + tasks // 10
        used = {name: seconds - before[name] for name, seconds in cpu_seconds(self._processes).items()}
        used["client"] = _children_seconds() - client
        return Figures(cpu={name: seconds * 1000 / warmed for name, seconds in used.items()}, **found)


def _children_seconds() -> float:
    """Of the children that have ended; the client's start, some 0.3 s, is in it."""
    usage = resource.getrusage(resource.RUSAGE_CHILDREN)
    return usage.ru_utime + usage.ru_stime
