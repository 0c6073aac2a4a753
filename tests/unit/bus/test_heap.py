"""What a service has loaded is not walked through by each thorough collection of its garbage."""

import subprocess
import sys

import pytest


@pytest.mark.parametrize(
    "service",
    ["agent_sidecar.process", "coordinator.main", "coordinator.gateway.main", "gui.main", "monitor.main", "workflow.main"],
)
def test_what_is_loaded_is_set_aside(service: str) -> None:
    """In a process of its own: what is set aside stays so."""
    there = f"import gc, {service}; from bus import heap; heap.set_aside(); print(len(gc.get_objects()), gc.get_freeze_count())"
    found = subprocess.run([sys.executable, "-c", there], capture_output=True, text=True, check=True)
    walked, aside = map(int, found.stdout.split())
    assert walked < aside / 20, "a collection still walks through what was loaded"
