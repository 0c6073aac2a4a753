"""What is logged, and what must not be."""

import logging
import sys
from collections.abc import Iterator

import pytest
import structlog

from bus import telemetry


@pytest.fixture
def on_a_terminal() -> Iterator[None]:
    before, handlers, level = structlog.get_config(), logging.root.handlers[:], logging.root.level
    telemetry.configure("test", log_format="text")
    yield
    structlog.configure(**before)
    logging.root.handlers[:], logging.root.level = handlers, level


@pytest.mark.usefixtures("on_a_terminal")
def test_a_failure_shows_where_and_not_what_was_worked_on(capsys: pytest.CaptureFixture[str]) -> None:
    structlog.configure(logger_factory=structlog.WriteLoggerFactory(sys.stderr), cache_logger_on_first_use=False)

    def work(prompt: str) -> None:
        raise ValueError("of no use")

    try:
        work("something " + "private")
    except ValueError:
        telemetry.log("test").exception("work_failed")
    logged = capsys.readouterr().err
    assert "ValueError" in logged
    assert "something private" not in logged
