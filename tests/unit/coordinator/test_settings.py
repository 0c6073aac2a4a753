"""What a coordinator refuses to be told."""

import pytest
from pydantic import ValidationError

from bus.codec import explain
from coordinator.settings import CoordinatorSettings
from deploy.settings_page import classes


def test_a_weak_first_key_is_refused_before_anything_starts_and_is_not_shown(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HIVE_ADMIN_KEY", "opensesame")
    with pytest.raises(ValidationError, match="shorter than 32 characters") as refused:
        CoordinatorSettings()
    assert "opensesame" not in explain(refused.value).message
    assert CoordinatorSettings in classes().values()  # which `hive up` reads first


def test_an_empty_first_key_is_none(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HIVE_ADMIN_KEY", "")
    assert CoordinatorSettings().admin_key is None
