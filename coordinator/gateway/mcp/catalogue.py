"""Every tool that is Hive's own, by name."""

from collections.abc import Mapping
from typing import Any, Final

from coordinator.gateway.mcp import alert_tools, dev_tools, execution_tools, fleet_tools, task_tools, workflow_tools
from coordinator.gateway.mcp.tool import Tool

TOOLS: Final[Mapping[str, Tool[Any]]] = {
    tool.name: tool
    for tools in (
        task_tools.TOOLS,
        dev_tools.TOOLS,
        fleet_tools.TOOLS,
        workflow_tools.TOOLS,
        execution_tools.TOOLS,
        alert_tools.TOOLS,
    )
    for tool in tools
}
