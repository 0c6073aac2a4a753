"""docs/rules.md names a test for each rule; a test that was renamed or removed leaves a rule that nothing sees broken."""

import re
from pathlib import Path

ROOT = Path(__file__).parents[3]


def test_every_test_that_the_page_names_exists() -> None:
    named = re.findall(r"`(tests/[\w/]+\.py)::(\w+)`", (ROOT / "docs/rules.md").read_text())
    missing = [f"{file}::{test}" for file, test in named if f"def {test}(" not in (ROOT / file).read_text()]
    assert (len(named) > 50, missing) == (True, [])
