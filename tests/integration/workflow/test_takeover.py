"""Kill -9 of an engine: another goes on. No finished effect happens again; one in flight does, with its key."""

from pathlib import Path

import pytest

from bus.nats_bus import NatsBus
from tests.integration.workflow.parts import EngineProcess, Workflows, chain, node
from tests.integration.workflow.witness import Witness
from tests.parts.nats import NatsServer

pytestmark = pytest.mark.slow

ALLOW = {"HIVE_WORKFLOW_ALLOW_INTERNAL": '["127.0.0.0/8"]'}


def request(name: str, url: str) -> dict[str, object]:
    return node(name, "httpRequest", {"method": "POST", "url": url, "options": {}}, 4.2)


async def test_what_a_killed_engine_ran_ends_elsewhere_and_no_finished_effect_is_repeated(
    nats_bus: NatsBus, nats_server: NatsServer, database_url: str, tmp_path: Path, workflows: Workflows
) -> None:
    async with Witness() as witness:
        with EngineProcess(nats_server, tmp_path, database_url, "first", **ALLOW) as first:
            await first.ready(nats_bus)
            document = chain(
                node("Start", "manualTrigger"),
                request("One", witness.url),
                node("Between", "noOp"),
                request("Two", witness.url),
            )
            made = await workflows.create(document)
            begun = []
            for _ in range(8):
                begun.append((await workflows.execute(made.id)).id)
            await witness.heard(12)
            witness.hold.clear()
            for _ in range(8):
                begun.append((await workflows.execute(made.id)).id)
            # The first of each of these, too. What of the others waits for an answer to its first sends no second.
            await witness.heard(12 + 8)
            first.kill()
        witness.hold.set()
        with EngineProcess(nats_server, tmp_path, database_url, "second", **ALLOW) as second:
            await second.ready(nats_bus)
            records = [await workflows.ended(each) for each in begun]
        assert {record.status for record in records} == {"success"}
        assert len(witness.keys) == 32
        assert not witness.after_answer or set(witness.after_answer.values()) == {1}


async def test_an_effect_that_is_stored_is_not_emitted_again(
    nats_bus: NatsBus, nats_server: NatsServer, database_url: str, tmp_path: Path, workflows: Workflows
) -> None:
    """The second request holds, so the first one's reply has been stored when the engine dies."""
    async with Witness() as witness:
        with EngineProcess(nats_server, tmp_path, database_url, "first", **ALLOW) as first:
            await first.ready(nats_bus)
            held = Witness()
            held.hold.clear()
            async with held:
                document = chain(node("Start", "manualTrigger"), request("One", witness.url), request("Two", held.url))
                made = await workflows.create(document)
                begun = [(await workflows.execute(made.id)).id for _ in range(10)]
                await held.heard(10)
                first.kill()
                held.hold.set()
                with EngineProcess(nats_server, tmp_path, database_url, "second", **ALLOW) as second:
                    await second.ready(nats_bus)
                    records = [await workflows.ended(each) for each in begun]
        assert {record.status for record in records} == {"success"}
        assert set(witness.keys.values()) == {1}
        assert set(held.keys.values()) == {2}, "the one in flight came again, with its key"


async def test_another_engine_that_lives_takes_over_within_seconds(
    nats_bus: NatsBus, nats_server: NatsServer, database_url: str, tmp_path: Path, workflows: Workflows
) -> None:
    async with Witness() as witness:
        witness.hold.clear()
        with EngineProcess(nats_server, tmp_path, database_url, "first", **ALLOW) as first:
            await first.ready(nats_bus)
            made = await workflows.create(chain(node("Start", "manualTrigger"), request("One", witness.url)))
            begun = await workflows.execute(made.id)
            await witness.heard(1)
            with EngineProcess(nats_server, tmp_path, database_url, "second", **ALLOW) as second:
                await second.ready(nats_bus)
                first.kill()
                witness.hold.set()
                assert (await workflows.ended(begun.id)).status == "success"
                assert "execution_taken_up" in second.log.read_text()
