"""`python -m agent_sidecar.main` starts a sidecar. What it is composed of stands in process.py, which is imported last.

A sidecar shares its host's memory with models, so before anything else it sees to it that parts of its libraries which it
has no use for stay out: they would cost 15 MB and half a second.
"""

import os
import sys
from collections.abc import Sequence
from importlib.machinery import ModuleSpec
from types import ModuleType

LEFT_OUT = frozenset({"aiohttp", "click", "rich"})
"""Imported by nats-py and structlog where they happen to be installed. On a host with the sidecar alone they are not."""


class LeaveOut:
    """Lets an optional import find nothing."""

    def find_spec(self, name: str, path: Sequence[str] | None, target: ModuleType | None = None) -> ModuleSpec | None:
        if name in LEFT_OUT:
            raise ModuleNotFoundError(f"a sidecar does without {name}", name=name)
        return None


def main() -> None:
    if not os.environ.get("NATS_URL", "").startswith("ws"):  # aiohttp is what NATS over WebSocket needs
        sys.meta_path.insert(0, LeaveOut())
    from agent_sidecar.process import run

    run()


if __name__ == "__main__":
    main()
