"""Follows the tasks that a page shows, and sends what is written to it, coalesced to a pace that a person can read."""

import asyncio
from collections.abc import Iterable
from uuid import UUID

from bus import telemetry
from bus.errors import HiveError
from bus.follow import Delta, Done, Restart, follow
from bus.messages import FailureInfo
from bus.together import let_go
from gui.desk import Desk
from gui.elements.parts import Live

logger = telemetry.log(__name__)

PACE_SECONDS = 0.05


class Answers:
    """The outputs that one page watches, each once."""

    def __init__(self, live: Live, desk: Desk) -> None:
        self._live, self._desk = live, desk
        self._following: dict[UUID, asyncio.Task[None]] = {}

    def keep(self, wanted: Iterable[UUID | None]) -> None:
        """Follow these, and only these."""
        keep = {task_id for task_id in wanted if task_id is not None}
        for task_id in set(self._following) - keep:
            let_go((self._following.pop(task_id),))
        for task_id in keep - set(self._following):
            self._following[task_id] = asyncio.create_task(self._follow(task_id))

    def again(self, task_id: UUID) -> None:
        """From the beginning: a person has opened it, or the task was put back into the queue."""
        if running := self._following.pop(task_id, None):
            let_go((running,))

    async def _follow(self, task_id: UUID) -> None:
        pending = _Pending(self._live, task_id)
        pending.begin()
        try:
            await self._desk.get(task_id)  # whoever may not see it is refused, also while what follows could not tell
            async for item in follow(self._desk.bus, task_id, self._desk.claims):
                match item:
                    case Delta():
                        pending.add(item)
                    case Restart():
                        pending.begin()
                    case Done(record=record):
                        pending.flush()
                        self._live.call("answer", {"id": str(task_id), "record": record.model_dump(mode="json")})
        except HiveError as error:
            failure = FailureInfo(code=error.code, message=error.message)
            self._live.call("answer", {"id": str(task_id), "error": failure.model_dump()})
        except Exception:
            logger.exception("answer_not_followed", task_id=str(task_id))
        finally:
            pending.drop()


class _Pending:
    """The first words at once, then what came within the pace in one message."""

    def __init__(self, live: Live, task_id: UUID) -> None:
        self._live, self._id = live, str(task_id)
        self._text: list[str] = []
        self._thinking: list[str] = []
        self._timer: asyncio.TimerHandle | None = None

    def add(self, delta: Delta) -> None:
        self._text.append(delta.text)
        self._thinking.append(delta.thinking)
        if self._timer is None:
            self._send()
            self._timer = asyncio.get_running_loop().call_later(PACE_SECONDS, self.flush)

    def begin(self) -> None:
        """What the page has of it, of an attempt that is over or of a follower that was let go, is nothing any more."""
        self.drop()
        self._text.clear()
        self._thinking.clear()
        self._live.call("answer", {"id": self._id, "anew": True})

    def flush(self) -> None:
        self.drop()
        if self._text or self._thinking:
            self._send()

    def drop(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def _send(self) -> None:
        self._live.call("answer", {"id": self._id, "text": "".join(self._text), "thinking": "".join(self._thinking)})
        self._text.clear()
        self._thinking.clear()
