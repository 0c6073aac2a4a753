"""A whole hive for each chaos test: replicas behind proxies, or `hive up` with its real small model."""

from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from random import Random

import psutil
import pytest

from tests.chaos.load import Load
from tests.chaos.nemesis import Nemesis
from tests.chaos.topology import KEY, Topology
from tests.conftest import folder_for_others
from tests.parts.hive import HIVE, Hive


@pytest.fixture
def hive() -> Iterator[Hive]:
    with folder_for_others("chaos") as folder:
        found = Hive(folder / "data", HIVE_ADMIN_KEY=KEY)
        found.start()
        yield found
        found.stop()


@pytest.fixture
def first() -> Path:
    """The `hive` that the services begin with."""
    return HIVE


@pytest.fixture
async def topology(tmp_path: Path, first: Path) -> AsyncIterator[Topology]:
    """Nothing that it started is left afterwards."""
    before = set(psutil.Process().children(recursive=True))
    with folder_for_others("chaos") as folder:
        async with Topology(tmp_path, folder / "postgres", first) as found:
            yield found
        left = set(psutil.Process().children(recursive=True)) - before
        assert not left, f"left behind: {left}"


@pytest.fixture
def load(topology: Topology) -> Iterator[Load]:
    """Its history lies in the test's own folder, to be read when the test has failed."""
    found = Load(topology, Random(1))
    yield found
    found.log.close()


@pytest.fixture
def nemesis(topology: Topology, load: Load) -> Nemesis:
    return Nemesis(topology, load.log)
