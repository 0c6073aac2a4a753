"""What the lock of GPU hosts has, beside that of the hive."""

import re
import tomllib
from pathlib import Path

ROOT = Path(__file__).parents[3]


def pinned(lock: str) -> dict[str, str]:
    """Version by package."""
    return dict(re.findall(r"^([a-z0-9-]+)==(\S+)", (ROOT / lock).read_text(), re.MULTILINE))


def test_gpu_hosts_have_the_packages_that_export_spans() -> None:
    """Without those of an attempt a trace ends where the work begins."""
    extras = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["optional-dependencies"]
    assert {re.split(r"[\[><=]", each)[0] for each in extras["otlp"]} <= pinned("requirements-sidecar.lock").keys()


def test_both_locks_have_the_same_version_of_a_package() -> None:
    assert pinned("requirements-sidecar.lock").items() <= pinned("requirements.lock").items()
