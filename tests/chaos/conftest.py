"""A whole hive for each chaos test: `hive up`, with its real small model."""

from collections.abc import Iterator

import pytest

from tests.conftest import folder_for_others
from tests.parts.hive import Hive

KEY = "sk-hive-chaos-0123456789abcdef0123456789abcdef"


@pytest.fixture
def hive() -> Iterator[Hive]:
    with folder_for_others("chaos") as folder:
        found = Hive(folder / "data", HIVE_ADMIN_KEY=KEY)
        found.start()
        yield found
        found.stop()
