"""A whole hive for each soak test."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from tests.conftest import folder_for_others
from tests.soak.hive import SoakHive


@pytest.fixture
async def hive(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[SoakHive]:
    monkeypatch.setenv("GOGC", "20")  # nats-server collects often: else its level is mostly what it has not collected yet
    with folder_for_others("soak") as folder:
        async with SoakHive(tmp_path, folder / "postgres") as found:
            yield found
