"""Which sidecar of a host the unit of systemd keeps running."""

from pathlib import Path

import pytest

from deploy.sidecar_host import facts
from deploy.sidecar_host.facts import UnitState, unit_of

UNIT = UnitState(active=True, pid=7)


@pytest.mark.parametrize(
    ("folder", "running", "found"),
    [("hive", None, UNIT), ("link", None, UNIT), ("other", 7, UNIT), ("other", 8, None), ("other", None, None)],
)
def test_a_sidecar_that_was_started_by_hand_leaves_the_unit_alone(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, folder: str, running: int | None, found: UnitState | None
) -> None:
    for name in ("hive", "other"):
        (tmp_path / name).mkdir()
    (tmp_path / "link").symlink_to(tmp_path / "hive")
    monkeypatch.setattr(facts, "SYSTEM_FOLDER", tmp_path / "hive")
    monkeypatch.setattr(facts, "unit_state", lambda: UNIT)
    assert unit_of(tmp_path / folder, running) == found
