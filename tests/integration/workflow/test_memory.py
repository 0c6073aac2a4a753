"""What an engine takes before it has run anything."""

from typing import Final

import psutil
import pytest

from tests.integration.workflow.parts import EngineProcess

pytestmark = pytest.mark.slow

IDLE_BYTES: Final = 150_000_000


async def test_an_engine_that_has_run_nothing_is_small(engine: EngineProcess) -> None:
    assert psutil.Process(engine.process.pid).memory_info().rss <= IDLE_BYTES
