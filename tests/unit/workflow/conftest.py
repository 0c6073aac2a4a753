"""What the workflow's unit tests share: isolates of V8 that live as long as the test session."""

from collections.abc import Iterator

import pytest

from workflow.core.driver import Driver
from workflow.core.interpreter import Interpreter
from workflow.expressions.pool import Pool
from workflow.expressions.scripts import V8Scripts
from workflow.nodes.catalogue import registry


@pytest.fixture(scope="session")
def pool() -> Iterator[Pool]:
    pool = Pool()
    yield pool
    pool.close()


@pytest.fixture
def driver(pool: Pool) -> Driver:
    """A run in memory; its clock stands still unless a wait moves it."""
    driver = Driver(interpreter=Interpreter(registry=registry(), scripts=V8Scripts(pool), clock_ms=lambda: driver.clock_ms))
    return driver
