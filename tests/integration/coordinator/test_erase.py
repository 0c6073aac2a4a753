"""Prompts and outputs are somebody's: an ended task can be forgotten at once."""

import asyncio

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


async def test_a_task_whose_submit_is_still_to_be_read_again_is_not_erased_and_so_not_made_anew(hive: Hive) -> None:
    """The leader cannot commit what it reads while another holds the row that every turn ends with."""
    sidecar = await hive.sidecar("acacia")
    task_id = await hive.submit("my secret plan")
    await sidecar.complete(await sidecar.offered())
    await hive.ended(task_id)
    connection = await hive.database()
    async with connection.transaction():
        await connection.execute("SELECT FROM leadership FOR UPDATE")
        await hive.publish(b'{"prompt": "my secret plan"}', task_id)
        with pytest.raises(Conflict, match="still waits to be read"):
            await hive.bus.request(ERASE, TaskRef(id=task_id), NoReply)
    async with asyncio.timeout(10):
        while True:
            try:
                await hive.bus.request(ERASE, TaskRef(id=task_id), NoReply)
                break
            except Conflict:
                await asyncio.sleep(0.02)
    other = await hive.submit("hello")
    assert (await sidecar.offered()).task_id == other
    with pytest.raises(TaskNotFound):
        await hive.call("get", task_id)
