"""docs/security.md names tests, modules, events and settings; one that was renamed or removed leaves a claim that nothing stands behind."""

import re
from pathlib import Path

from deploy.settings_page import rows

ROOT = Path(__file__).parents[3]
PAGE = (ROOT / "docs/security.md").read_text()
ROOMS = ("bus", "coordinator", "agent_sidecar", "workflow", "monitor", "gui", "deploy")


def test_every_test_that_the_page_names_exists() -> None:
    named = re.findall(r"`(tests/[\w/]+\.py)::(\w+)`", PAGE)
    missing = [f"{file}::{test}" for file, test in named if not re.search(rf"def {test}\(", (ROOT / file).read_text())]
    assert (len(named) > 60, missing) == (True, [])


def test_every_attack_has_a_test_and_a_trace() -> None:
    table = PAGE.partition("## Attacks")[2].partition("\n## ")[0]
    attacks = [line.strip("|").split("|") for line in table.splitlines() if line.startswith("| ")][1:]
    assert len(attacks) > 20
    assert [attack[0] for attack in attacks if "`tests/" not in attack[3] or not attack[2].strip()] == []


def test_every_file_and_link_of_the_page_is_there() -> None:
    files = re.findall(rf"`((?:{'|'.join(ROOMS)}|tests)/[\w/.]+)`", PAGE)
    links = [link.partition("#")[0] for link in re.findall(r"\]\(([^)]+)\)", PAGE)]
    assert (len(files) > 40, len(links) > 10) == (True, True)
    assert [file for file in files if not (ROOT / file).exists()] == []
    assert [link for link in links if not (ROOT / "docs" / link).exists()] == []


def test_every_event_and_code_of_the_page_is_one_that_the_rooms_say() -> None:
    said = "\n".join(path.read_text() for room in ROOMS for path in (ROOT / room).rglob("*.py"))
    named = {word.removesuffix("_total") for word in re.findall(r"`([a-z]+(?:_[a-z]+)+)`", PAGE)}
    assert len(named) > 20
    assert [word for word in named if not re.search(rf"\b{word}\b", said)] == []


def test_every_setting_of_the_page_is_one() -> None:
    known = {row.name for row in rows()} | set(re.findall(r"HIVE_\w+", (ROOT / "nats.conf").read_text()))
    assert set(re.findall(r"`(HIVE_[A-Z_]+)", PAGE)) - known == set()
