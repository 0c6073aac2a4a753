"""How often retention looks: settings decide."""

import pytest

from coordinator.settings import CoordinatorSettings
from coordinator.store.retention import pause_seconds


@pytest.mark.parametrize(
    ("kept", "seconds"),
    [
        ({"retain_days": 30}, 30),
        ({"retain_days": 0}, 30),
        ({"retain_days": 30, "retain_text_hours": 1 / 60}, 6),
        ({"retain_days": 0, "retain_text_hours": 1 / 60}, 6),
        ({"retain_days": 30, "retain_text_hours": 0}, 1),
        ({"retain_days": 50 / 86400}, 5),
    ],
)
def test_the_less_is_kept_the_more_often_it_looks(kept: dict[str, float], seconds: float) -> None:
    assert pause_seconds(CoordinatorSettings.model_validate(kept)) == pytest.approx(seconds)
