"""The bounded form of `tests/chaos/test_workflow_kills.py`: some executions of each kind while engines die, questions to a stand-in."""

import os
from pathlib import Path
from random import Random, SystemRandom

import pytest

from bus.nats_bus import NatsBus
from tests.integration.gateway.parts import CoordinatorProcess
from tests.integration.workflow.killing import killing
from tests.parts.nats import NatsServer

pytestmark = [pytest.mark.slow, pytest.mark.timeout(400)]
"""Above the deadlines of its own, which say more: engines that come up, and 200 s for the executions."""
SEED = int(os.environ.get("HIVE_CHAOS_SEED") or SystemRandom().randrange(1_000_000))


async def test_all_end_though_engines_are_killed_and_no_stored_effect_happens_again(
    nats_bus: NatsBus, nats_server: NatsServer, database_url: str, tmp_path: Path
) -> None:
    print(f"SEED={SEED}")
    with CoordinatorProcess(nats_server, tmp_path, database_url):
        async with killing(nats_bus, nats_server, database_url, tmp_path, Random(SEED)) as found:
            await found.prepare("instant:1b")
            await found.run(executions=12, kills=4, seconds=200)
            print(found.summary())
            await found.judge()
