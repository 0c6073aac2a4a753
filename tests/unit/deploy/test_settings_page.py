"""docs/settings.md is complete, and says what the code says."""

import re
from pathlib import Path

from deploy.settings_page import classes, render, rows

ROOT = Path(__file__).parents[3]
ELSEWHERE = {"tests", "bus"}
"""bus/settings.py is what all of them inherit."""


def test_the_page_is_what_the_classes_say() -> None:
    assert (ROOT / "docs" / "settings.md").read_text() == render(rows())


def test_every_settings_file_of_every_room_is_on_the_page() -> None:
    files = {
        path.relative_to(ROOT) for path in ROOT.glob("[!.]*/**/settings.py") if path.relative_to(ROOT).parts[0] not in ELSEWHERE
    }
    assert files == {Path(*settings.__module__.split(".")).with_suffix(".py") for settings in classes().values()}


def test_every_setting_says_what_it_is() -> None:
    assert [row.name for row in rows() if not row.description] == []


def test_the_readme_names_no_setting_that_there_is_not() -> None:
    named = set(re.findall(r"`(HIVE_[A-Z_]+)(?:`|=)", (ROOT / "README.md").read_text()))
    assert len(named) > 10
    assert {name.removesuffix("_FILE") for name in named} - {row.name for row in rows()} == {"HIVE_CONFIG"}
