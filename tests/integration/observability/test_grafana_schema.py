"""Grafana's dashboards, read strictly by the schemas of its own foundation SDK: no field that Grafana does not know, none of another type."""

import json
import os
import re
import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Final

import pytest

from deploy.grafana.writing import FOLDER

pytestmark = pytest.mark.slow

SOURCE: Final = Path(__file__).parents[2] / "parts" / "grafana_schema"
GO: Final = shutil.which("go") or shutil.which("go", path="/usr/local/go/bin")
LEFT_OUT: Final = re.compile(
    r"(panels\[\d+\]\.(options|fieldConfig\.defaults\.custom)|links\[\d+\])\.\w+: required field is missing from input"
)
"""The schemas say what Grafana saves, which is everything. What a panel or a link leaves out it fills in by itself, when it loads them."""

Check = Callable[[Path], list[str]]


@pytest.fixture(scope="module")
def check(tmp_path_factory: pytest.TempPathFactory) -> Check:
    if GO is None:
        pytest.skip("Go is not installed")
    program = tmp_path_factory.mktemp("grafana") / "check"
    try:
        had = _go("mod", "download").returncode == 0
    except subprocess.TimeoutExpired:
        had = False
    if not had:
        pytest.skip("Grafana's foundation SDK is not to be had here")
    # It runs for a moment, so it is not worth the time that optimising takes.
    built = _go("build", "-gcflags=github.com/grafana/grafana-foundation-sdk/go/...=-N -l", "-o", str(program), ".")
    assert built.returncode == 0, built.stderr

    def found(path: Path) -> list[str]:
        said = subprocess.run([program, path], capture_output=True, text=True, timeout=30, check=False)
        lines = said.stdout.removeprefix(f"{path}: ").splitlines()
        assert bool(lines) == bool(said.returncode), said.stderr
        return [line for line in lines if not LEFT_OUT.fullmatch(line)]

    return found


def _go(*arguments: str) -> "subprocess.CompletedProcess[str]":
    environment = {**os.environ, "GOFLAGS": "-mod=readonly", "GOTOOLCHAIN": "local"}
    return subprocess.run(
        [str(GO), *arguments], cwd=SOURCE, env=environment, capture_output=True, text=True, timeout=200, check=False
    )


def test_grafana_s_own_schemas_know_everything_in_every_dashboard(check: Check) -> None:
    boards = sorted(FOLDER.glob("*.json"))
    assert len(boards) == 7
    assert {path.name: found for path in boards if (found := check(path))} == {}


def test_what_grafana_does_not_know_is_found(check: Check, tmp_path: Path) -> None:
    board = json.loads((FOLDER / "hive-nats.json").read_text())
    first, second, third = board["panels"][:3]
    first["titel"] = first.pop("title")
    second["gridPos"]["w"] = "wide"
    third["targets"][0]["expression"] = "up"
    (path := tmp_path / "wrong.json").write_text(json.dumps(board))
    assert [re.split(r"[:\s]", line)[0] for line in check(path)] == [
        "panels[0].Panel",
        "panels[1].gridPos.w",
        "panels[2].targets[0].Dataquery",
    ], check(path)
