"""What fails `make audit`, and what does not: a known hole, an exemption and its day, and what could not be asked."""

import json
from dataclasses import replace
from datetime import date
from typing import Any

import pytest

from tests.advisories import __main__ as audit
from tests.advisories.asking import NODE, PYTHON, ROOT
from tests.advisories.holes import Answer, Exemption, Hole, exemptions, judge, of_npm, of_pip_audit, pinned_by_npm

TODAY = date(2027, 1, 31)
HOLE = Hole(place="requirements.lock", package="jinja2", version="2.4.1", names=("PYSEC-1", "CVE-1"), fixed_in="2.7.3")
FOUND = Answer(place="requirements.lock", asked=200, holes=(HOLE,))
EXEMPT = Exemption(advisory="CVE-1", package="jinja2", reason="no template is anybody else's", until=TODAY)


def test_a_hole_fails_and_an_exemption_holds_through_its_last_day() -> None:
    assert judge([FOUND], [], TODAY).open == (HOLE,)
    held = judge([FOUND], [EXEMPT], TODAY)
    assert (held.open, held.exempt, held.over, held.idle) == ((), (HOLE,), (), ())
    late = judge([FOUND], [EXEMPT], date(2027, 2, 1))
    assert (late.open, late.exempt, late.over) == ((HOLE,), (), (EXEMPT,))


@pytest.mark.parametrize("other", [{"package": "markupsafe"}, {"advisory": "CVE-2"}])
def test_an_exemption_is_for_one_hole_of_one_package(other: dict[str, Any]) -> None:
    verdict = judge([FOUND], [replace(EXEMPT, **other)], TODAY)
    assert verdict.open == (HOLE,)
    assert len(verdict.idle) == 1


def test_an_exemption_is_not_idle_while_something_could_not_be_asked() -> None:
    assert judge([Answer(place="a", unasked=3)], [EXEMPT], TODAY).idle == ()


@pytest.mark.parametrize(
    "entry",
    [
        'advisory = "A"\npackage = "p"\nuntil = 2027-01-31',
        'advisory = "A"\npackage = "p"\nreason = " "\nuntil = 2027-01-31',
        'advisory = "A"\npackage = "p"\nreason = "r"',
        'advisory = "A"\npackage = "p"\nreason = "r"\nuntil = "some day"',
        'advisory = "A"\npackage = "p"\nreason = "r"\nuntil = 2027-01-31\nversion = "1"',
    ],
)
def test_an_exemption_needs_a_reason_and_a_day(entry: str) -> None:
    with pytest.raises(ValueError, match="reason and a day"):
        exemptions(f"[[exempt]]\n{entry}")


def test_the_exemptions_that_there_are_can_be_read() -> None:
    exemptions(audit.EXEMPTIONS.read_text())


def test_what_pip_audit_says_is_read() -> None:
    vulns = [{"id": "PYSEC-1", "fix_versions": ["2.7.3"], "aliases": ["CVE-1"], "description": "…"}]
    packages = [
        {"name": "jinja2", "version": "2.4.1", "vulns": vulns},
        {"name": "httpx", "version": "0.28.1", "vulns": []},
        {"name": "hive", "skip_reason": "not found on PyPI"},
    ]
    answer = of_pip_audit("requirements.lock", json.dumps({"dependencies": packages, "fixes": []}))
    assert answer == Answer(place="requirements.lock", asked=2, unasked=1, why="not found on PyPI", holes=(HOLE,))


def test_what_npm_says_is_read_and_so_is_that_it_got_no_answer() -> None:
    via = {"url": "https://github.com/advisories/GHSA-1", "title": "…", "range": "<4.17.21"}
    entries = {
        "lodash": {"name": "lodash", "range": "<4.17.21", "via": [via], "fixAvailable": True},
        "alasql": {"name": "alasql", "range": "*", "via": ["lodash"], "fixAvailable": False},
    }
    [hole] = of_npm("gui/canvas", json.dumps({"vulnerabilities": entries}), 5).holes
    assert (hole.package, hole.names, hole.fixed_in) == ("lodash", ("GHSA-1",), "npm audit fix")
    unasked = of_npm("gui/canvas", json.dumps({"message": "405 Method Not Allowed", "method": "POST"}), 5)
    assert (unasked.asked, unasked.unasked, unasked.why) == (0, 5, "405 Method Not Allowed")


@pytest.mark.parametrize(
    ("holes", "unasked", "strict", "status"), [(1, 0, 0, 1), (1, 9, 0, 1), (0, 9, 0, 0), (0, 9, 1, 1), (0, 0, 1, 0)]
)
def test_the_status_and_what_is_printed(
    holes: int, unasked: int, strict: int, status: int, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    answer = Answer(place="requirements.lock", asked=5, unasked=unasked, why="no answer", holes=(HOLE,) * holes)
    monkeypatch.setattr(audit, "everything", lambda: iter([answer]))
    assert audit.main(["--strict"] * strict) == status
    printed = capsys.readouterr().out
    assert ("HOLE: jinja2 2.4.1 in requirements.lock: PYSEC-1, CVE-1; fixed in 2.7.3" in printed) is bool(holes)
    assert ("COULD NOT BE ASKED: 9 packages of requirements.lock (no answer)" in printed) is bool(unasked)


def test_every_lock_is_asked_about() -> None:
    """But that of the benchmark, whose packages no hive has."""
    ours = {str(path.relative_to(ROOT)) for path in ROOT.glob("requirements*.lock")}
    assert ours - set(PYTHON) == {"requirements-bench.lock"}
    locks = {path.parent for path in ROOT.glob("[!.]*/**/package-lock.json") if "node_modules" not in path.parts}
    assert {str(folder.relative_to(ROOT)) for folder in locks if (folder / "package.json").exists()} == set(NODE)
    assert all(pinned_by_npm((ROOT / folder / "package-lock.json").read_text()) for folder in NODE)
