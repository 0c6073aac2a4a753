"""What a person asks for on the page, done on the bus in that person's name; a refusal comes back with its code."""

from collections.abc import Awaitable, Callable
from typing import Any
from uuid import UUID

from nicegui.events import GenericEventArguments
from pydantic import ValidationError

from bus import telemetry
from bus.codec import explain
from bus.errors import HiveError, InvalidId
from bus.messages import FailureInfo, TaskRecord, TaskRequest
from gui.desk import Desk
from gui.elements.parts import Live
from gui.pages.answers import Answers

logger = telemetry.log(__name__)

BEGINNING = 80
"""Characters of a prompt by which the tab that sent it names the task; they go back to that tab only."""


class Orders:
    """The handlers of one page. `composed` and `opened` are the two tasks whose output it may show."""

    def __init__(self, live: Live, desk: Desk, answers: Answers) -> None:
        self._live, self._desk, self._answers = live, desk, answers
        self._composed: UUID | None = None
        self._opened: UUID | None = None

    def wire(self) -> None:
        self._live.on("submit", self._submit)
        self._live.on("open", self._named(self._open))
        self._live.on("close", self._close)
        self._live.on("cancel", self._named(self._cancel))
        self._live.on("requeue", self._named(self._requeue))
        self._live.on("explain", self._named(self._explain))

    async def _submit(self, event: GenericEventArguments) -> None:
        try:
            request = _request(event.args)
            record = await self._desk.submit(request)
        except HiveError as error:
            self._live.call("refused", _failure(error))
            return
        logger.info("task_submitted", task_id=str(record.id), owner=record.owner)
        self._composed = record.id
        self._live.call("accepted", record, _beginning(request.prompt))
        self._keep()

    async def _open(self, task_id: UUID) -> None:
        self._opened = task_id
        self._live.call("record", await self._desk.get(task_id))
        self._answers.again(task_id)
        self._keep()

    def _close(self) -> None:
        self._opened = None
        self._keep()

    async def _cancel(self, task_id: UUID) -> None:
        self._record(await self._desk.cancel(task_id))

    async def _requeue(self, task_id: UUID) -> None:
        self._record(await self._desk.requeue(task_id))
        self._answers.again(task_id)
        self._keep()

    async def _explain(self, task_id: UUID) -> None:
        self._live.call("explained", str(task_id), await self._desk.explain(task_id))

    def _record(self, record: TaskRecord) -> None:
        self._live.call("record", record)

    def _keep(self) -> None:
        self._answers.keep((self._composed, self._opened))

    def _named(self, order: Callable[[UUID], Awaitable[None]]) -> Callable[[GenericEventArguments], Awaitable[None]]:
        """Read the task's id, and tell the page when the order is refused."""

        async def handle(event: GenericEventArguments) -> None:
            try:
                await order(_task_id(event.args))
            except HiveError as error:
                self._live.call("failed", str(event.args)[:64], _failure(error))

        return handle


def _request(asked: Any) -> TaskRequest:
    try:
        return TaskRequest.model_validate(asked)
    except ValidationError as error:
        raise explain(error) from None


def _task_id(value: Any) -> UUID:
    try:
        return UUID(str(value))
    except ValueError:
        raise InvalidId("This is not a task's id: it is 32 hexadecimal digits, as in the table.") from None


def _failure(error: HiveError) -> FailureInfo:
    return FailureInfo(code=error.code, message=error.message)


def _beginning(prompt: str | None) -> str | None:
    """One line."""
    words = " ".join((prompt or "")[: 2 * BEGINNING].split())
    return words[:BEGINNING] + ("…" if len(words) > BEGINNING else "") or None
