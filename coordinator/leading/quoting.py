"""The part of a turn that gives a task the outputs that it quotes, once all that it depends on has completed (docs/adr/0048).

Its request is rewritten in the record, before it takes its place in the queue: so its size is known, and every attempt, of this leader or
another, reads the same.
"""

from collections.abc import Collection
from uuid import UUID

from pydantic import ValidationError

from bus.codec import explain
from bus.errors import DependencyFailed, HiveError, InvalidRequest, PayloadTooLarge
from bus.messages import TaskRequest
from bus.messages.output import Output
from bus.quoting import filled, grows_by, quoted
from coordinator.leading.ledger import Ledger
from coordinator.tasks import MAX_BODY_BYTES, Task


class Quoting:
    def __init__(self, ledger: Ledger) -> None:
        self._ledger = ledger

    async def fill(self, task_ids: Collection[UUID]) -> dict[UUID, HiveError]:
        """Of tasks whose dependencies have completed. Gives back those that cannot be filled in, and why."""
        unfit: dict[UUID, HiveError] = {}
        for row in await self._ledger.record.all("task_requests", list(task_ids)) if task_ids else ():
            try:
                task, request = await self._ledger.load(row["id"]), TaskRequest.model_validate_json(row["request"])
                if (found := await self.filled(task, request)) is not None:
                    await self._ledger.record.run("replace_request", row["id"], found.decode())
            except HiveError as error:
                unfit[row["id"]] = error
        return unfit

    async def filled(self, task: Task, request: TaskRequest) -> bytes | None:
        """The request's JSON with the outputs in it; None where it quotes nothing.

        DependencyFailed where one is not kept, or is another owner's: who may wait for a task need not be allowed to read it. PayloadTooLarge;
        InvalidRequest where it is no request any more, as with a prompt of nothing but an answer that is empty.
        """
        wanted = quoted(request)
        if not wanted:
            return None
        rows = await self._ledger.record.all("outputs_of", list(wanted), task.tenant, task.owner)
        outputs = {row["id"]: Output.model_validate_json(row["output"]).text for row in rows}
        if missing := wanted - outputs.keys():
            raise DependencyFailed(
                f"It quotes the output of the task {min(missing)}, which is not kept any more or is another owner's. Submit that task anew."
            )
        grown = grows_by(request, outputs)
        if grown > MAX_BODY_BYTES:  # known before it is made: a short mark may stand in a request a hundred thousand times
            raise _too_large(grown)
        data = filled(request, outputs).model_dump_json(exclude_defaults=True).encode()
        if len(data) > MAX_BODY_BYTES:
            raise _too_large(len(data))
        try:
            TaskRequest.model_validate_json(data)  # now, since whoever reads the record relies on it
        except ValidationError as error:
            raise InvalidRequest(f"With the outputs that it quotes it is no task: {explain(error).message}") from None
        return data


def _too_large(size: int) -> PayloadTooLarge:
    return PayloadTooLarge(
        f"With the outputs that it quotes the task has {size:,} bytes or more, and {MAX_BODY_BYTES:,} are the most. Quote fewer."
    )
