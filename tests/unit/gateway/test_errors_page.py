"""docs/errors.md is the error tree, no more and no less."""

from pathlib import Path

from bus.errors import all_errors
from coordinator.gateway.errors_page import REMEDIES, render

PAGE = Path(__file__).parents[3] / "docs" / "errors.md"


def test_every_error_has_a_remedy() -> None:
    assert set(REMEDIES) == set(all_errors())


def test_the_page_is_what_the_tree_says() -> None:
    assert PAGE.read_text() == render(), "run: python -m coordinator.gateway.errors_page > docs/errors.md"
