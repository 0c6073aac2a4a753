"""A task of a workflow whose owner's quota is used up: one that was let in before the engine died goes on, whoever is away just then."""

from datetime import UTC, datetime
from typing import Any
from uuid import UUID

import pytest

from bus.client import Bus
from bus.errors import NoLeader, NotFound, QuotaExceeded
from bus.messages import Claims, TaskRecord, TaskRef, TaskRequest, TaskStatus
from bus.submit import accepted
from workflow.core.effects import SubmitTask
from workflow.outside import inference
from workflow.outside.inference import Inference

ADA = Claims(sub="ada", roles=("admin",))
ASKED = SubmitTask(key="1.0.0.0.0", request={"prompt": "Hum."})


class Away:
    """A coordinator that is away when it is asked first. `known`: whether it has the task."""

    def __init__(self, known: bool) -> None:
        self.known, self.asked = known, 0

    async def request(self, subject: str, wish: TaskRef, *_: Any, **__: Any) -> TaskRecord:
        self.asked += 1
        if self.asked == 1:
            raise NoLeader("Nobody leads.")
        if not self.known:
            raise NotFound("There is no such task.")
        return record(wish.id)


def record(task_id: UUID) -> TaskRecord:
    made = accepted(task_id, TaskRequest(prompt="Hum."), ADA, datetime.now(UTC))
    return made.model_copy(update={"status": TaskStatus.COMPLETED})


@pytest.mark.parametrize(("known", "code"), [(True, None), (False, "quota_exceeded")])
async def test_whether_it_was_let_in_is_asked_until_somebody_can_tell(
    monkeypatch: pytest.MonkeyPatch, known: bool, code: str | None
) -> None:
    coordinator, told = Away(known), list[UUID]()

    class UsedUp:
        def __init__(self, bus: Bus) -> None: ...

        def require(self, *_: Any) -> None:
            raise QuotaExceeded("It is used up.")

    async def publish(bus: Bus, made: TaskRecord, *_: Any, **__: Any) -> None:
        told.append(made.id)

    monkeypatch.setattr(inference, "Quotas", UsedUp)
    monkeypatch.setattr(inference, "publish_task", publish)
    monkeypatch.setattr(inference, "AGAIN_SECONDS", 0.0)
    monkeypatch.setattr(inference, "POLL_SECONDS", 0.01)
    reply = await Inference(coordinator).carry_out(ASKED, ADA)  # type: ignore[arg-type]
    assert (reply.failure.code if reply.failure else None) == code
    assert len(told) == int(known)
