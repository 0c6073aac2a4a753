"""`make secrets` as CI calls it."""

import os
import subprocess
from pathlib import Path
from typing import Final

ROOT: Final = Path(__file__).parents[3]
ALONE: Final = {
    name: value for name, value in os.environ.items() if name not in ("FILES", "MAKEFLAGS", "MAKEOVERRIDES", "MFLAGS")
}


def told(*words: str) -> str:
    """The last command that it would give."""
    printed = subprocess.run(
        ("make", "--no-print-directory", "--dry-run", *words), cwd=ROOT, env=ALONE, capture_output=True, text=True, check=True
    )
    return printed.stdout.splitlines()[-1].strip()


def test_it_looks_at_all_files_or_at_those_that_are_named() -> None:
    assert told("secrets").endswith("-m tests.leaks")
    assert told("secrets", "FILES=README.md").endswith("-m tests.leaks README.md")
