"""Engines die at random under mixed workflows: `make kills`. The seed is printed; `SEED=n` repeats a run, `EXECUTIONS=n` is its length.

Most questions go to a stand-in, so that the engines and not the model are what is waited for; a kind of its own asks a real one.
"""

import os
from pathlib import Path
from random import Random, SystemRandom

import pytest

from agent_sidecar.backends.builtin import MODEL, installed
from bus.nats_bus import NatsBus
from tests.integration.gateway.parts import CoordinatorProcess
from tests.integration.llm.conftest import SidecarProcess
from tests.integration.workflow.killing import killing
from tests.parts.nats import NatsServer

EXECUTIONS = int(os.environ.get("HIVE_CHAOS_EXECUTIONS", "200"))
SEED = int(os.environ.get("HIVE_CHAOS_SEED") or SystemRandom().randrange(1_000_000))
SECONDS = 120 + EXECUTIONS * 10


@pytest.mark.timeout(SECONDS + 120)
@pytest.mark.skipif(not installed(), reason="the built-in model is not installed (extra `embedded`)")
async def test_all_executions_end_and_no_stored_effect_happens_again(
    nats_bus: NatsBus, nats_server: NatsServer, database_url: str, tmp_path: Path
) -> None:
    print(f"{EXECUTIONS} executions, SEED={SEED}")
    model = tmp_path / "model"
    model.mkdir()
    with CoordinatorProcess(nats_server, tmp_path, database_url), SidecarProcess(nats_server, model, "oak=builtin"):
        async with killing(nats_bus, nats_server, database_url, tmp_path, Random(SEED)) as found:
            await found.prepare("instant:1b", MODEL)
            await found.run(EXECUTIONS, kills=EXECUTIONS // 5, seconds=SECONDS)
            print(found.summary())
            await found.judge()
