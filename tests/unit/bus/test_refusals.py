"""Whoever is refused a thousand times a second fills no log, and how often it was is told."""

import logging
import queue
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import structlog

from bus import telemetry
from bus.refusals import IN_FULL, SOURCES, SOURCES_IN_FULL, Refusals

ROOT = Path(__file__).parents[3]


@pytest.fixture
def _as_it_was() -> Iterator[None]:
    before, handlers, level = structlog.get_config(), logging.root.handlers[:], logging.root.level
    yield
    structlog.configure(**before)
    logging.root.handlers[:], logging.root.level = handlers, level


def counting(seconds: float = 60.0) -> tuple[Refusals, "queue.Queue[tuple[str, dict[str, Any]]]"]:
    told: queue.Queue[tuple[str, dict[str, Any]]] = queue.Queue()
    return Refusals(lambda event, fields: told.put((event, fields)), seconds=seconds), told


def test_the_first_of_each_source_are_told_and_the_rest_is_counted_when_the_minute_is_over() -> None:
    bounds, told = counting()
    lines = [bounds.admits("path_refused", source) for source in ("10.0.0.9", "10.0.0.8") for _ in range(1000)]
    assert sum(lines) == 2 * IN_FULL
    assert lines[: IN_FULL + 1] == [True] * IN_FULL + [False]
    bounds.end("path_refused")
    assert {told.get_nowait()[1]["address"] for _ in range(2)} == {"10.0.0.9", "10.0.0.8"}
    assert bounds.admits("path_refused", "10.0.0.9"), "a new minute has begun"


def test_a_minute_ends_by_itself() -> None:
    bounds, told = counting(seconds=0.01)
    while bounds.admits("path_refused", "10.0.0.9"):
        pass
    assert told.get(timeout=5) == ("path_refused", {"address": "10.0.0.9", "more": 1, "seconds": 0.01})


def test_whoever_comes_by_ever_new_addresses_is_counted_together() -> None:
    bounds, told = counting()
    lines = [bounds.admits("attempt_failed", f"10.0.{each // 250}.{each % 250}") for each in range(2000)]
    bounds.end("attempt_failed")
    assert sum(lines) == IN_FULL * SOURCES_IN_FULL
    assert told.get_nowait() == ("attempt_failed", {"more": 2000 - sum(lines), "seconds": 60.0})


def test_one_event_leaves_another_its_lines() -> None:
    bounds, _ = counting()
    assert not all(bounds.admits("path_refused", "10.0.0.9") for _ in range(100))
    assert bounds.admits("request_refused", "10.0.0.9")


@pytest.mark.usefixtures("_as_it_was")
def test_the_log_of_a_process_is_bounded(capsys: pytest.CaptureFixture[str]) -> None:
    telemetry.configure("test", log_format="json", refusals_in_full=3)
    for port in range(100):
        telemetry.log("door").warning("path_refused", address=f"2001:db8::{port:x}", path="/..")
        telemetry.log("sidecar").info("attempt_failed", agent_id="oak")
        logging.getLogger("server").warning("Invalid HTTP request received.")
        logging.getLogger("pages").warning(f"/{port} not found")
    said = capsys.readouterr().err
    assert {event: said.count(f'"{event}') for event in ("path_refused", "attempt_failed", "Invalid HTTP")} == {
        "path_refused": 3,  # one /64 is one who asks
        "attempt_failed": 100,  # of a task: nobody's refusal
        "Invalid HTTP": 3,
    }
    assert said.count("not found") == 3, "whatever the words"


def test_every_trace_of_an_attack_is_bounded() -> None:
    table = (ROOT / "docs/security.md").read_text().partition("## Attacks")[2].partition("\n## ")[0]
    traces = [line.strip("|").split("|")[2] for line in table.splitlines() if line.startswith("| ")][1:]
    named = {word for trace in traces for word in re.findall(r"`([a-z]+(?:_[a-z]+)+)`", trace)}
    assert len(named) > 10
    assert named - SOURCES.keys() == set()


def test_every_event_that_is_bounded_is_said_with_its_source() -> None:
    rooms = ("bus", "coordinator", "agent_sidecar", "workflow", "monitor", "gui")
    said = "\n".join(path.read_text() for room in rooms for path in (ROOT / room).rglob("*.py"))
    assert [event for event, source in SOURCES.items() if not re.search(rf'"{event}",.{{0,200}}?\b{source}=', said, re.S)] == []
