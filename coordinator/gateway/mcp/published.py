"""Active workflows as tools of their own, as far as whoever asks may call them. The engines say which these are, and are asked anew each time."""

import re
from collections import Counter
from collections.abc import Collection, Iterable, Mapping
from typing import Any, Final
from uuid import uuid4

from mcp_types import Tool as Described
from mcp_types import ToolAnnotations

from bus import auth, subjects, telemetry
from bus.auth import Permission
from bus.errors import HiveError, NodeFailed
from bus.limits.rates import Limited
from bus.messages import Claims, Command, NoReply
from bus.messages.workflows import CallWorkflowTool, ExecutionStatus, WorkflowTool, WorkflowTools
from coordinator.gateway import verbs
from coordinator.gateway.gateway import Gateway
from coordinator.gateway.mcp.execution_view import ExecutionState
from coordinator.gateway.mcp.tool import MAX_WAIT_SECONDS, Call, Progress, parse
from coordinator.gateway.mcp.workflow_tools import watched

logger = telemetry.log(__name__)

LIST_SECONDS: Final = 2.0
CALL_SECONDS: Final = MAX_WAIT_SECONDS - 5
"""Less than a call may take, since it asks which tools there are first."""
MAX_NAME: Final = 48
"""Clients put the server's name before it and take 64 characters at most."""
_ID: Final = 8


def named(tools: Iterable[WorkflowTool], taken: Collection[str]) -> dict[str, WorkflowTool]:
    """By name: the workflow's in plain letters, with the beginning of its id where another has the same. Pure."""
    found = [(_plain(tool.name), tool) for tool in tools]
    counts = Counter(name for name, _ in found)
    return {
        name if name and counts[name] == 1 and name not in taken else f"{name or 'workflow'}_{tool.id.hex[:_ID]}": tool
        for name, tool in found
    }


def _plain(name: str) -> str:
    return re.sub(r"[^a-z0-9]+", "_", name.lower()).strip("_")[: MAX_NAME - _ID - 1].strip("_")


def described(name: str, tool: WorkflowTool) -> Described:
    return Described(
        name=name,
        title=tool.name,
        description=f"{tool.description or f'The workflow {tool.name!r}.'} Runs with the rights of whoever saved it; after "
        f"{CALL_SECONDS:g} s it goes on by itself, and get_execution tells its end.",
        input_schema=tool.input_schema,
        output_schema=ExecutionState.model_json_schema(),
        annotations=ToolAnnotations(title=tool.name, read_only_hint=False, destructive_hint=True, open_world_hint=True),
    )


class Published:
    def __init__(self, gateway: Gateway, taken: Collection[str]) -> None:
        self._gateway, self._taken = gateway, taken

    async def list(self, claims: Claims) -> list[Described]:
        """None of them while no engine answers; when one does again, clients are told that the list has changed."""
        if not auth.allows(claims, Permission.EXECUTIONS_START):
            return []
        subject = subjects.service_verb(subjects.SERVICE_WORKFLOWS, "tools")
        try:
            found = await self._gateway.bus.request(
                subject, NoReply(), WorkflowTools, claims=claims, timeout=LIST_SECONDS, patient=False
            )
        except HiveError as error:
            logger.info("workflow_tools_unknown", reason=error.message)
            return []
        return [described(name, tool) for name, tool in named(found.tools, self._taken).items()]

    async def find(self, name: str, claims: Claims) -> WorkflowTool | None:
        """None where there is no such tool, or none for this key."""
        if not auth.allows(claims, Permission.EXECUTIONS_START):
            return None
        found = await verbs.ask(self._gateway.bus, subjects.SERVICE_WORKFLOWS, "tools", NoReply(), WorkflowTools, claims)
        return named(found.tools, self._taken).get(name)

    async def call(
        self, tool: WorkflowTool, claims: Claims, given: Mapping[str, Any] | None, progress: Progress
    ) -> ExecutionState:
        """NodeFailed for an execution that failed, RateLimited."""
        (await self._gateway.limits.take(Limited.EXECUTIONS_START, claims)).require()
        wish = {"id": tool.id, "execution_id": uuid4(), "input": given or {}, "wait_seconds": CALL_SECONDS}
        body = parse(CallWorkflowTool, wish)
        call = Call(gateway=self._gateway, claims=claims, arguments=Command(), progress=progress)
        state = ExecutionState.of(await watched(call, "call", body, body.wait_seconds))
        if state.status is ExecutionStatus.ERROR:
            why = state.error_message or "The workflow failed."
            raise NodeFailed(f"{why} get_execution with the id {state.id} tells which node it was.")
        return state
