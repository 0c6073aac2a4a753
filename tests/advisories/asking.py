"""Runs the tools: pip-audit, of an environment of its own (`make .venv-audit/bin/pip-audit`), and npm. Neither changes anything."""

import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Final

from tests.advisories.holes import Answer, of_npm, of_pip_audit, pinned_by_npm

ROOT: Final = Path(__file__).parents[2]
PIP_AUDIT: Final = ROOT / ".venv-audit/bin/pip-audit"
PYTHON: Final = ("requirements.lock", "requirements-sidecar.lock", "requirements-audit.lock")
"""Not that of the benchmark, whose packages are other people's servers, started by hand and by nobody else."""
NODE: Final = ("workflow/expressions/js", "gui/canvas", "tests/conformance")
SECONDS: Final = 60
"""For one file. Where there is no network that says so, nothing is asked six times over."""


def python_packages(place: str, osv_url: str | None = None) -> Answer:
    """By PyPI's own list of holes; by an OSV service where its address is given."""
    if not PIP_AUDIT.exists():
        return Answer(place=place, unasked=1, why=f"there is no {PIP_AUDIT.relative_to(ROOT)}: make audit makes it")
    service = ["--vulnerability-service", "osv", "--osv-url", osv_url] if osv_url else ["--vulnerability-service", "pypi"]
    # The file pins everything with a hash, so nothing is resolved, downloaded or built.
    options = ["--disable-pip", "--require-hashes", "--progress-spinner", "off", "--format", "json", "--requirement", place]
    out, wrong = _printed([str(PIP_AUDIT), *service, *options], ROOT)
    try:
        return of_pip_audit(place, out)
    except (ValueError, KeyError, TypeError):
        return Answer(place=place, unasked=_pinned(ROOT / place), why=_last(wrong))


def node_packages(place: str, registry: str | None = None) -> Answer:
    folder = ROOT / place
    packages, npm = pinned_by_npm((folder / "package-lock.json").read_text()), shutil.which("npm")
    if npm is None:
        return Answer(place=place, unasked=packages, why="npm is not installed")
    of = ["--registry", registry] if registry else []
    out, wrong = _printed([npm, "audit", "--json", "--package-lock-only", *of], folder)
    try:
        return of_npm(place, out, packages)
    except (ValueError, KeyError, TypeError):
        return Answer(place=place, unasked=packages, why=_last(wrong))


def everything() -> Iterator[Answer]:
    """One after the other, as they come."""
    yield from map(python_packages, PYTHON)
    yield from map(node_packages, NODE)


def _printed(command: list[str], folder: Path) -> tuple[str, str]:
    """Whatever the exit status: a hole is one of its reasons."""
    try:
        done = subprocess.run(command, cwd=folder, capture_output=True, text=True, timeout=SECONDS, check=False)
    except subprocess.TimeoutExpired:
        return "", f"no answer within {SECONDS} s"
    return done.stdout, done.stderr


def _pinned(lock: Path) -> int:
    return sum(1 for line in lock.read_text().splitlines() if line[:1].isalnum())


def _last(words: str) -> str:
    lines = [line for line in words.splitlines() if line.strip()]
    return lines[-1][:300] if lines else "no answer"
