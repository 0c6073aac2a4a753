"""The official suite in client mode: its servers are asked by the bridge's own client (`client.py`)."""

import re
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Final

import pytest

from tests.conformance.npm import SUITE, fetched, run

ROOT = Path(__file__).parents[2]
PAGE = ROOT / "docs" / "mcp.md"
CLIENT = f"{sys.executable} -m tests.conformance.client"
APPLY: Final = ("initialize", "tools_call", "sse-retry")
APPLY_NOT: Final[Mapping[str, str]] = {
    "elicitation-sep1034-client-defaults": "a workflow has nobody to ask",
    "auth/": "OAuth",
}
"""Scenarios, or what their names begin with, and a word of the reason that the documentation gives."""

pytestmark = fetched


@pytest.mark.parametrize("scenario", APPLY)
async def test_a_scenario_that_applies_passes(scenario: str, tmp_path: Path) -> None:
    words = ("client", "--command", CLIENT, "--scenario", scenario)
    rc, *said = await run(SUITE, *words, folder=tmp_path, env={"PYTHONPATH": str(ROOT)})
    print(*said)
    found = re.search(r"Passed: (\d+)/(\d+), (\d+) failed, (\d+) warnings", "".join(said))
    assert found is not None
    assert rc == 0
    assert int(found[1]) == int(found[2]) > 0


async def test_every_scenario_applies_or_is_documented_not_to(tmp_path: Path) -> None:
    _, *said = await run(SUITE, "list", folder=tmp_path)
    scenarios = re.findall(r"^  - (\S+)", "".join(said).partition("Client scenarios")[2], re.MULTILINE)
    left = [each for each in scenarios if each not in APPLY and not each.startswith(tuple(APPLY_NOT))]
    assert len(scenarios) > 20
    assert left == []
    rows = [line for line in PAGE.read_text().splitlines() if line.startswith("| `")]
    for name, reason in {**dict.fromkeys(APPLY, "passes"), **APPLY_NOT}.items():
        assert [row for row in rows if row.startswith(f"| `{name}") and reason in row], name
