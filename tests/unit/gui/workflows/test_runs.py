"""What a page shows of an execution."""

from typing import Any

import pytest

from bus.errors import InvalidRequest
from gui.workflows.runs import PAGE, marks_of, page_of


def items(*values: int) -> list[dict[str, Any]]:
    return [{"json": {"n": value}} for value in values]


DATA: dict[str, list[dict[str, Any]]] = {
    "Go": [{"executionStatus": "success", "executionTime": 1, "source": [], "data": {"main": [items(1)]}}],
    "Split": [
        {
            "executionStatus": "success",
            "executionTime": 2,
            "source": [{"previousNode": "Go", "previousNodeOutput": 0, "previousNodeRun": 0}],
            "data": {"main": [items(*range(60)), None, items(7)]},
        },
    ],
    "Fail": [
        {"executionStatus": "success", "source": [], "data": {"main": [items(1)]}},
        {
            "executionStatus": "error",
            "error": {"message": "No <b>way</b>"},
            "hints": [{"message": "Look."}],
            "source": [{"previousNode": "Split", "previousNodeOutput": 2, "previousNodeRun": 0}, None],
        },
    ],
    "Tool": [{"executionStatus": "success", "source": [None], "data": {"ai_tool": [items(3, 4)]}}],
}


def test_each_node_has_a_mark() -> None:
    marks = marks_of(DATA)
    assert marks["Split"].items == (60, 0, 1)
    assert (marks["Fail"].status, marks["Fail"].runs, marks["Fail"].error) == ("error", 2, "No <b>way</b>")
    assert marks["Tool"].items == (2,)


def test_items_come_a_page_at_a_time() -> None:
    first = page_of(DATA, "Split", "output", -1, 0, 0)
    assert (len(first.items), first.total, [each.count for each in first.choices]) == (PAGE, 60, [60, 0, 1])
    last = page_of(DATA, "Split", "output", 0, 0, 50)
    assert [item["json"]["n"] for item in last.items] == list(range(50, 60))
    assert page_of(DATA, "Split", "output", 0, 1, 0).items == ()
    assert page_of(DATA, "Split", "output", 0, 9, 999).total == 1


def test_the_input_is_what_the_nodes_before_gave() -> None:
    page = page_of(DATA, "Fail", "input", -1, 0, 0)
    assert ([choice.label for choice in page.choices], page.items) == (["Split"], ({"json": {"n": 7}},))
    assert page_of(DATA, "Go", "input", -1, 0, 0).choices == ()


def test_a_failure_comes_with_its_hints() -> None:
    page = page_of(DATA, "Fail", "output", -1, 0, 0)
    assert page.error == {"message": "No <b>way</b>"}
    assert page.hints == ("Look.",)


def test_contents_of_files_stay_where_they_are() -> None:
    file = {"fileName": "a.txt", "data": "c2VjcmV0"}
    data = {"Read": [{"source": [], "data": {"main": [[{"json": {}, "binary": {"file": file}}]]}}]}
    assert page_of(data, "Read", "output", -1, 0, 0).items == ({"json": {}, "files": {"file": {"fileName": "a.txt"}}},)


@pytest.mark.parametrize(("node", "run"), [("Absent", -1), ("Go", 1), ("Go", -2)])
def test_what_did_not_run_is_refused(node: str, run: int) -> None:
    with pytest.raises(InvalidRequest):
        page_of(DATA, node, "output", run, 0, 0)
