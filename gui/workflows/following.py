"""An execution that a page follows: what its nodes do as they do it, then its record, whose items are given a page at a time."""

import asyncio
from collections.abc import Callable
from typing import Any, Final
from uuid import UUID

from bus import telemetry
from bus.errors import ExecutionNotFound, HiveError, InvalidRequest
from bus.messages import EventType
from bus.messages.workflows import ExecutionRecord, WorkflowChange
from bus.together import let_go
from gui.workflows.office import Office
from gui.workflows.runs import ItemPage, marks_of, page_of, run_data

logger = telemetry.log(__name__)

Tell = Callable[[str, dict[str, Any]], None]

LOOK_SECONDS: Final = 3.0
"""Events can be lost, the record cannot: it is looked at this often while an execution runs."""


class Following:
    """One execution at a time."""

    def __init__(self, office: Office, tell: Tell) -> None:
        self._office, self._tell = office, tell
        self.execution_id: UUID | None = None
        self._record: ExecutionRecord | None = None
        self._ended = asyncio.Event()
        self._task: asyncio.Task[None] | None = None

    def begin(self, execution_id: UUID) -> None:
        """Before it is started, so that none of its events is missed."""
        self.leave()
        self.execution_id, self._ended = execution_id, asyncio.Event()
        self._tell("execution", {"id": str(execution_id), "status": "new", "marks": {}})

    def watch(self) -> None:
        """It was started: its record is read now, and whenever it may have ended."""
        self._task = asyncio.create_task(self._until_ended())

    def leave(self) -> None:
        self.execution_id = self._record = None
        if self._task is not None:
            let_go((self._task,))
            self._task = None

    def hear(self, kind: EventType, change: WorkflowChange) -> None:
        if change.execution_id != self.execution_id:
            return
        if kind is EventType.WORKFLOW_NODE_COMPLETED and change.node is not None:
            status = "error" if change.error else "success"
            mark = {"status": status, "runs": (change.run or 0) + 1, "took_ms": change.took_ms, "error": change.error}
            self._tell("mark", {"id": str(change.execution_id), "node": change.node, "mark": mark})
        elif kind in (EventType.WORKFLOW_EXECUTION_COMPLETED, EventType.WORKFLOW_EXECUTION_FAILED):
            self._ended.set()

    async def _until_ended(self) -> None:
        while True:
            try:
                await self.show()
            except ExecutionNotFound as error:
                self._tell("execution_gone", {"code": error.code, "message": error.message})
                return
            except HiveError as error:
                logger.debug("execution_not_read", code=error.code)
            if self._record is not None and self._record.status.ended:
                return
            try:
                async with asyncio.timeout(LOOK_SECONDS):
                    await self._ended.wait()
                    self._ended.clear()
            except TimeoutError:
                continue

    async def show(self) -> ExecutionRecord:
        """Raises what the service answered with."""
        if self.execution_id is None:
            raise InvalidRequest("No execution is open.")
        self._record = record = await self._office.execution(self.execution_id)
        self._tell("execution", told(record))
        return record

    def items(self, node: str, side: str, run: int, choice: int, offset: int) -> ItemPage:
        """InvalidRequest where there are none."""
        if self._record is None:
            raise InvalidRequest("No execution is open. Execute the workflow, or open one of its executions.")
        return page_of(run_data(self._record), node, side, run, choice, offset)

    def output_of(self, node: str) -> list[dict[str, Any]]:
        """All items of the first output of its last run, to be pinned."""
        if self._record is None:
            raise InvalidRequest("No execution is open, whose output could be pinned.")
        runs = run_data(self._record).get(node) or ()
        outputs = (runs[-1].get("data") or {}).get("main") if runs else None
        if not outputs or outputs[0] is None:
            raise InvalidRequest(f"{node!r} gave nothing in this execution.")
        return list(outputs[0])


def told(record: ExecutionRecord) -> dict[str, Any]:
    """Without its items, which are asked for."""
    return {
        **record.model_dump(mode="json", exclude={"data"}),
        "marks": {name: mark.model_dump(mode="json") for name, mark in marks_of(run_data(record)).items()},
    }
