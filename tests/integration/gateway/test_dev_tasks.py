"""A dev task with the real rooms behind it, which are killed while it runs."""

from tests.integration.gateway.conftest import Hive
from tests.integration.gateway.parts import ADMIN_KEY, until
from tests.parts.mcp import given, session


async def test_a_dev_task_goes_on_when_all_that_began_it_was_killed(hive: Hive) -> None:
    hive.sidecar.may_end.clear()
    async with session(hive.gateway.url, ADMIN_KEY) as client:
        plan = given(await client.call_tool("plan_dev_task", {"goal": "Say hello."}))
        assert "any agent may do this" in plan["parts"][0]["notes"][0]
        begun = given(await client.call_tool("run_dev_task", {"id": plan["id"]}))
        assert (begun["status"], len(begun["parts"])) == ("running", 4)
        await until(lambda: hive.sidecar.busy)
    hive.coordinator.kill()
    hive.gateway.kill()
    hive.coordinator.restart()
    hive.gateway.restart()
    hive.sidecar.may_end.set()
    await hive.gateway.answers("/readyz")
    async with session(hive.gateway.url, ADMIN_KEY) as client:
        ended = given(await client.call_tool("get_dev_task", {"id": plan["id"], "wait_seconds": 50}))
        assert (ended["status"], ended["goal"], ended["done"]) == ("completed", "Say hello.", 4)
        assert {part["made_by"]["agent_id"] for part in ended["parts"]} == {"acacia"}
        again = given(await client.call_tool("run_dev_task", {"id": plan["id"]}))
        assert [part["task_id"] for part in again["parts"]] == [part["task_id"] for part in ended["parts"]]
        review = given(await client.call_tool("get_task", {"id": ended["parts"][1]["task_id"]}))
        async with hive.gateway.client() as rest:
            record = (await rest.get(f"/api/tasks/{review['id']}")).json()
        assert "<part>\nHello there.\n</part>" in record["messages"][1]["content"]
