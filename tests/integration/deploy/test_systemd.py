"""The unit for GPU hosts is one that systemd takes, and it gives a sidecar the time to end what it runs."""

import re
import shutil
import subprocess
from pathlib import Path

import pytest

from agent_sidecar.settings import SidecarSettings
from tests.parts.hive import HIVE

UNIT = Path(__file__).parents[3] / "deploy" / "systemd" / "hive-sidecar.service"
COMMAND = "ExecStart=/opt/hive/bin/hive run sidecar\n"


@pytest.mark.skipif(shutil.which("systemd-analyze") is None, reason="systemd is not installed")
def test_systemd_finds_nothing_wrong_with_the_unit(tmp_path: Path) -> None:
    unit = UNIT.read_text()
    assert COMMAND in unit
    copy = tmp_path / UNIT.name
    copy.write_text(unit.replace("/opt/hive/bin/hive", str(HIVE)))
    done = subprocess.run(["systemd-analyze", "verify", copy], capture_output=True, text=True, timeout=30, check=False)
    assert (done.returncode, done.stderr) == (0, "")


def test_a_stop_waits_for_longer_than_a_sidecar_drains() -> None:
    found = re.search(r"^TimeoutStopSec=(\d+)$", UNIT.read_text(), re.MULTILINE)
    assert found is not None
    assert int(found[1]) > SidecarSettings.model_fields["drain_seconds"].default + 5
