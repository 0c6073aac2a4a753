"""Prompts and outputs are somebody's: an ended task can be forgotten at once."""

import pytest

from bus import subjects
from bus.errors import Conflict, TaskNotFound
from bus.messages import NoReply, OutputChunk, TaskRef
from tests.integration.coordinator.conftest import Hive

ERASE = subjects.service_verb(subjects.SERVICE_TASKS, "erase")


async def test_an_ended_task_can_be_erased_with_its_output(hive: Hive) -> None:
    sidecar = await hive.sidecar("acacia")
    task_id = await hive.submit("my secret plan")
    offer = await sidecar.offered()
    with pytest.raises(Conflict, match="Cancel it first"):
        await hive.bus.request(ERASE, TaskRef(id=task_id), NoReply)
    await hive.bus.publish(subjects.output("acacia", task_id, offer.attempt_id), OutputChunk(number=1, offset=0, text="hm"))
    await sidecar.complete(offer)
    await hive.ended(task_id)
    await hive.bus.request(ERASE, TaskRef(id=task_id), NoReply)
    with pytest.raises(TaskNotFound):
        await hive.call("get", task_id)
    assert await hive.bus.last(subjects.OUTPUT, subjects.outputs_of_task(task_id)) is None
