"""What two executions of a workflow remember at the same time."""

from typing import Any

import pytest

from workflow.core.remembering import MOST_SESSIONS, merged


@pytest.mark.parametrize(
    ("before", "after", "now", "found"),
    [
        ({}, {"a": 1}, {}, {"a": 1}),
        ({"a": 1}, {"a": 2}, {"a": 1, "b": 1}, {"a": 2, "b": 1}),
        ({"a": 1}, {"a": 1, "b": 2}, {"a": 3}, {"a": 3, "b": 2}),
        ({"a": 1}, {}, {"a": 1, "b": 1}, {"b": 1}),
        ({"a": None}, {}, {"a": None}, {}),
        ({"a": 1}, {"a": 2}, {"a": 3}, {"a": 2}),
        ({}, {"memory": {"x": [1]}}, {"memory": {"y": [2]}}, {"memory": {"y": [2], "x": [1]}}),
        (
            {"memory": {"x": [1], "y": [2]}},
            {"memory": {"y": [2], "x": [1, 1]}},
            {"memory": {"x": [1], "y": [2, 2], "z": [3]}},
            {"memory": {"y": [2, 2], "z": [3], "x": [1, 1]}},
        ),
        ({"memory": 1}, {"memory": {"x": [1]}}, {"memory": "odd"}, {"memory": {"x": [1]}}),
        ({"memory": {"x": [1]}}, {"memory": {"x": [1]}, "a": 1}, {"memory": {"x": [2]}}, {"memory": {"x": [2]}, "a": 1}),
    ],
)
def test_each_keeps_what_it_changed(before: Any, after: Any, now: Any, found: Any) -> None:
    assert merged(before, after, now) == found
    assert list(merged(before, after, now).get("memory", ())) == list(found.get("memory", ()))


def test_the_sessions_that_were_used_last_are_kept() -> None:
    many = {str(number): [number] for number in range(MOST_SESSIONS)}
    found = merged({"memory": many}, {"memory": {**many, "new": [1]}}, {"memory": many})["memory"]
    assert len(found) == MOST_SESSIONS
    assert "0" not in found
    assert list(found)[-1] == "new"
