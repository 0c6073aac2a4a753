"""Names of tools that workflows are."""

import re
from uuid import UUID

from bus.messages.workflows import WorkflowTool
from coordinator.gateway.mcp.catalogue import TOOLS
from coordinator.gateway.mcp.published import named


def tool(name: str, number: int = 1) -> WorkflowTool:
    return WorkflowTool(id=UUID(int=number << 96), name=name, version=1, input_schema={"type": "object"})


def names(*tools: WorkflowTool) -> list[str]:
    return list(named(tools, TOOLS.keys()))


def test_a_name_is_the_workflows_in_plain_letters() -> None:
    assert names(tool("Report: daily (new)!")) == ["report_daily_new"]


def test_two_of_one_name_are_told_apart_by_their_ids() -> None:
    assert names(tool("Report", 1), tool("report!", 2)) == ["report_00000001", "report_00000002"]


def test_no_workflow_takes_the_name_of_a_tool_of_hives() -> None:
    assert names(tool("Submit task")) == ["submit_task_00000001"]


def test_every_name_is_one_that_clients_take() -> None:
    for name in ("", "报告", "x" * 255, "-".join("abc" * 60)):
        (found,) = names(tool(name))
        assert re.fullmatch(r"[a-zA-Z0-9_-]{1,48}", found), found
