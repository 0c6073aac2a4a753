"""An agent introduces itself again when what it said of itself has become wrong."""

import json
from collections.abc import Callable

from agent_sidecar.backends.ollama import OllamaBackend
from tests.integration.agent_sidecar.conftest import StartAgent
from tests.integration.agent_sidecar.leader import Leader, until
from tests.integration.agent_sidecar.misbehaving import Misbehaving


async def test_an_agent_whose_first_model_comes_later_says_so_for_the_record(
    leader: Leader, start_agent: StartAgent, misbehaving: Callable[..., Misbehaving]
) -> None:
    """The next leader begins with the record; heartbeats tell the models every few seconds only."""
    server = misbehaving()
    await start_agent(OllamaBackend(await server.start()), models_seconds=0.05)
    first = await leader.registered("acacia")
    server.tags = json.dumps({"models": [{"name": "llama3", "size": 1000}]}).encode()
    second = await until(lambda: leader.registrations[1] if len(leader.registrations) > 1 else None, 10)
    assert ([model.name for model in first.models], first.model) == ([], None)
    assert ([model.name for model in second.models], second.model) == (["llama3"], "llama3")
