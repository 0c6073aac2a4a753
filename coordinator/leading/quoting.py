"""The part of a turn that gives a task the outputs that it quotes, once all that it depends on has completed (docs/adr/0048).

Its request is rewritten in the record, before it takes its place in the queue: so its size is known, and every attempt, of this leader or
another, reads the same.
"""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Final
from uuid import UUID

from pydantic import ValidationError

from bus.codec import explain
from bus.errors import DependencyFailed, HiveError, InvalidRequest, PayloadTooLarge
from bus.messages import TaskRequest
from bus.messages.output import Output
from bus.quoting import filled, grows_by, quoted
from coordinator.leading.ledger import Ledger
from coordinator.submits import MAX_BODY_BYTES
from coordinator.tasks import Task

AT_ONCE: Final = 50
"""Of those that one end releases: a hundred thousand may quote one task, and each may be as long as a message."""


class Quoting:
    def __init__(self, ledger: Ledger) -> None:
        self._ledger = ledger

    async def fill(self, task_ids: Sequence[UUID]) -> dict[UUID, HiveError]:
        """Of tasks whose dependencies have completed. Gives back those that cannot be filled in, and why."""
        unfit: dict[UUID, HiveError] = {}
        for begin in range(0, len(task_ids), AT_ONCE):
            unfit |= await self._fill_some(task_ids[begin : begin + AT_ONCE])
        return unfit

    async def _fill_some(self, task_ids: Sequence[UUID]) -> dict[UUID, HiveError]:
        rows = await self._ledger.record.all("task_requests", list(task_ids))
        requests = {row["id"]: TaskRequest.model_validate_json(row["request"]) for row in rows}
        unfit, written = dict[UUID, HiveError](), dict[UUID, str]()
        for (tenant, owner), theirs in _by_owner(rows).items():
            outputs = await self._outputs(frozenset().union(*(quoted(requests[each]) for each in theirs)), tenant, owner)
            for task_id in theirs:
                try:
                    if (found := _filled(requests[task_id], outputs)) is not None:
                        written[task_id] = found.decode()
                except HiveError as error:
                    unfit[task_id] = error
        if written:
            await self._ledger.record.run("replace_requests", list(written), list(written.values()))
        return unfit

    async def filled(self, task: Task, request: TaskRequest) -> bytes | None:
        """The request's JSON with the outputs in it; None where it quotes nothing.

        DependencyFailed where one is not kept, or is another owner's: who may wait for a task need not be allowed to read it. PayloadTooLarge;
        InvalidRequest where it is no request any more, as with a prompt of nothing but an answer that is empty.
        """
        return _filled(request, await self._outputs(quoted(request), task.tenant, task.owner))

    async def _outputs(self, task_ids: frozenset[UUID], tenant: str, owner: str) -> dict[UUID, str]:
        rows = await self._ledger.record.all("outputs_of", list(task_ids), tenant, owner) if task_ids else ()
        return {row["id"]: Output.model_validate_json(row["output"]).text for row in rows}


def _by_owner(rows: Iterable[Any]) -> dict[tuple[str, str], list[UUID]]:
    found = defaultdict[tuple[str, str], list[UUID]](list)
    for row in rows:
        found[row["tenant"], row["owner"]].append(row["id"])
    return found


def _filled(request: TaskRequest, outputs: Mapping[UUID, str]) -> bytes | None:
    """See Quoting.filled; `outputs` may have more."""
    wanted = quoted(request)
    if not wanted:
        return None
    if missing := wanted - outputs.keys():
        raise DependencyFailed(
            f"It quotes the output of the task {min(missing)}, which is not kept any more or is another owner's. Submit that task anew."
        )
    named = {task_id: outputs[task_id] for task_id in wanted}
    grown = grows_by(request, named)
    if grown > MAX_BODY_BYTES:  # known before it is made: a short mark may stand in a request a hundred thousand times
        raise _too_large(grown)
    data = filled(request, named).model_dump_json(exclude_defaults=True).encode()
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
