"""A dev task over two hosts with real models: a commit of this repository, planned by what they offer, changed, run, and told with who made what."""

import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from agent_sidecar.backends.builtin import installed, weights
from tests.integration.gateway.parts import ADMIN_KEY
from tests.integration.llm.conftest import LlmHive
from tests.parts.mcp import given, session

pytestmark = [pytest.mark.slow, pytest.mark.timeout(500)]

DIFF = Path(__file__).parents[2] / "data/devtask/user-agent.diff"
GOAL = "HTTP requests of workflows name Hive as their user agent, and not n8n."
CODER = "coder:135m"


@pytest.fixture(scope="module")
def coder() -> Iterator[str]:
    """The address of llama.cpp's server, as people run it on a host of their own, with a model named `CODER`."""
    if not installed():
        pytest.skip("the built-in model is not installed (extra `embedded`)")
    import xllamacpp

    found = xllamacpp.CommonParams()
    found.model.path, found.model_alias = str(weights()), {CODER}
    found.n_parallel, found.n_ctx, found.hostnames, found.port = 1, 4096, ["127.0.0.1"], 0
    found.cpuparams.n_threads = found.cpuparams_batch.n_threads = 1
    found.verbosity = -1
    server = xllamacpp.Server(found)
    yield server.listening_address
    del server


@pytest.fixture(scope="module")
def coded(start_hive: Callable[..., LlmHive], coder: str, tmp_path_factory: pytest.TempPathFactory) -> LlmHive:
    """`oak` is good at code, and `acacia`, with the built-in model, reviews. Nobody offers docs."""
    named = {"oak": (f"{coder}/v1", "openai", "code", 0.9), "acacia": ("builtin:smollm2", "builtin", "review", 0.7)}
    backends = [
        {"url": url, "kind": kind, "agent_id": name, "capabilities": [{"name": good_at, "proficiency": proficiency}]}
        for name, (url, kind, good_at, proficiency) in named.items()
    ]
    config = tmp_path_factory.mktemp("config") / "hive.yaml"
    config.write_text(json.dumps({"backends": backends}))
    return start_hive("", models=2, HIVE_CONFIG=str(config), HIVE_FIRST_TOKEN_SECONDS="400")


async def test_two_models_share_a_commit_and_the_parts_say_who_made_them(coded: LlmHive) -> None:
    async with session(coded.gateway.url, ADMIN_KEY) as client:
        asked = {"goal": GOAL, "diff": DIFF.read_text(), "parts": ["code", "review", "docs"]}
        plan = given(await client.call_tool("plan_dev_task", asked))
        code, review, docs = plan["parts"]
        assert (code["require"]["capabilities"], review["require"]["capabilities"]) == ({"code": 0.72}, {"review": 0.56})
        assert (docs["require"]["capabilities"], "offers docs" in docs["notes"][0]) == ({"code": 0.72}, True)

        changed = [
            {**code, "model": CODER, "instructions": "Add a setting for the user agent.", "max_tokens": 16},
            {**review, "max_tokens": 40},
            {**docs, "model": "smollm2:135m", "require": {}, "depends_on": ["code", "review"], "max_tokens": 40},
        ]
        given(await client.call_tool("run_dev_task", {"id": plan["id"], "parts": changed}))
        state: dict[str, Any] = {"ended": False}
        for _ in range(9):
            if not state["ended"]:
                state = given(await client.call_tool("get_dev_task", {"id": plan["id"], "wait_seconds": 50}))
        assert state["status"] == "completed", state
        made = {part["name"]: part["made_by"] for part in state["parts"]}
        assert (made["code"]["agent_id"], made["code"]["model"]) == ("oak", CODER)
        assert (made["review"]["agent_id"], made["review"]["model"]) == ("acacia", "smollm2:135m")
        assert made["docs"]["model"] == "smollm2:135m"

        outputs = {part["name"]: part["output"] for part in state["parts"]}
        assert all(outputs.values())
        read = {part["name"]: prompt_of(coded, part["task_id"]) for part in state["parts"]}
        assert "+from bus.version import hive_version" in read["code"]
        assert "Add a setting for the user agent." in read["code"]
        assert "    9 +from bus.version import hive_version" in read["review"]
        assert outputs["code"] in read["review"]
        assert outputs["code"] in read["docs"]
        assert outputs["review"] in read["docs"]


def prompt_of(hive: LlmHive, task_id: str) -> str:
    """What the model read."""
    messages: Any = hive.task(task_id)["messages"]
    return str(messages[1]["content"])
