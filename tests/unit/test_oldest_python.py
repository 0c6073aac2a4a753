"""What runs on the Python of these tests and not on the oldest that Hive is to work with."""

import ast
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
ROOMS = ("bus", "coordinator", "agent_sidecar", "workflow", "monitor", "gui", "deploy")


def raised_in_except_star(source: str) -> list[int]:
    """Lines. Before Python 3.11.4 what is raised there comes wrapped into one more group, which whoever waits for it does not know."""
    handlers = [handler for node in ast.walk(ast.parse(source)) if isinstance(node, ast.TryStar) for handler in node.handlers]
    return [each.lineno for handler in handlers for each in ast.walk(handler) if isinstance(each, ast.Raise)]


def test_a_raise_in_except_star_is_found() -> None:
    assert raised_in_except_star("try:\n    f()\nexcept* OSError as group:\n    raise group.exceptions[0]\n") == [4]
    assert raised_in_except_star("try:\n    f()\nexcept* OSError:\n    g()\nexcept* ValueError:\n    raise\n") == [6]
    assert raised_in_except_star("try:\n    f()\nexcept OSError:\n    raise\n") == []


@pytest.mark.parametrize("room", ROOMS)
def test_nothing_is_raised_in_except_star(room: str) -> None:
    files = [path for path in (ROOT / room).rglob("*.py") if "node_modules" not in path.parts]
    assert files
    assert [f"{path.relative_to(ROOT)}:{line}" for path in files for line in raised_in_except_star(path.read_text())] == []
