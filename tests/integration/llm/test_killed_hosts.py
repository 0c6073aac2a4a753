"""What OpenAI's client sees of an answer whose host is killed in the middle of it, where the model goes on from what was written."""

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, Final

import openai
import pytest
from openai import OpenAI
from openai.types import CompletionUsage

from agent_sidecar.addresses import Address
from tests.integration.agent_sidecar.conftest import builtin_server
from tests.integration.gateway.parts import ADMIN_KEY
from tests.integration.llm.conftest import LlmHive, SidecarProcess
from tests.parts.refrain import REFRAIN

pytestmark = pytest.mark.slow

__all__ = ["builtin_server"]

TOKENS = 90
READ_BEFORE = 25
"""Characters that the client has when the host dies."""


@pytest.fixture(scope="module")
def llama_hive(start_hive: Callable[..., LlmHive], builtin_server: Address) -> LlmHive:
    return start_hive(f"oak={builtin_server.url}/v1?slots=2", models=1, HIVE_BACKEND_KEYS=f"oak={builtin_server.key}")


@pytest.fixture(scope="module")
def client(llama_hive: LlmHive) -> Iterator[OpenAI]:
    with OpenAI(base_url=f"{llama_hive.gateway.url}/v1", api_key=ADMIN_KEY, max_retries=0, timeout=60) as found:
        yield found


@pytest.fixture
def second_host(llama_hive: LlmHive, builtin_server: Address, tmp_path: Path) -> Iterator[SidecarProcess]:
    """`elm`, the only one that takes work, as long as `oak` drains."""
    backends, key = f"elm={builtin_server.url}/v1", f"elm={builtin_server.key}"
    with SidecarProcess(llama_hive.server, tmp_path, backends, HIVE_BACKEND_KEYS=key) as second:
        llama_hive.until("/api/agents/elm", lambda answer: answer.json().get("status") == "online")
        llama_hive.client.post("/api/agents/oak/drain", json={}).raise_for_status()
        yield second
        llama_hive.client.post("/api/agents/oak/resume").raise_for_status()


class Reader:
    """`read` to the end, or to READ_BEFORE characters; then `read` on."""

    def __init__(self, client: OpenAI, model: str, **more: object) -> None:
        self.text, self.ends = "", list[str]()
        self.usage: CompletionUsage | None = None
        self._raw = client.chat.completions.with_raw_response.create(  # type: ignore[call-overload]
            model=model,
            messages=[{"role": "user", "content": REFRAIN}],
            max_tokens=TOKENS,
            temperature=0,
            stream=True,
            stream_options={"include_usage": True},
            **more,
        )
        self.task_id: str = self._raw.headers["x-hive-task"]
        self._chunks = iter(self._raw.parse())

    def read(self, until: float = float("inf")) -> None:
        while len(self.text) < until and (chunk := next(self._chunks, None)) is not None:
            self.usage = chunk.usage or self.usage
            for choice in chunk.choices:
                calls = choice.delta.tool_calls or ()
                self.text += choice.delta.content or "".join(call.function.arguments for call in calls)
                self.ends += [choice.finish_reason] if choice.finish_reason else []


def kill(hive: LlmHive, second: SidecarProcess) -> None:
    """The host that writes; the other one takes work from then on."""
    second.kill()
    hive.client.post("/api/agents/oak/resume").raise_for_status()


@pytest.mark.timeout(180)
def test_a_stream_whose_host_is_killed_is_the_one_that_it_would_have_been(
    client: OpenAI, llama_hive: LlmHive, second_host: SidecarProcess
) -> None:
    model = client.models.list().data[0].id
    broken = Reader(client, model)
    broken.read(READ_BEFORE)
    kill(llama_hive, second_host)
    broken.read()
    task = llama_hive.ended(broken.task_id)
    first, then = task["attempts"]  # type: ignore[misc]
    assert [(each["agent_id"], each["status"]) for each in (first, then)] == [("elm", "lost"), ("oak", "completed")]
    assert READ_BEFORE <= then["begins_at"] < len(broken.text)
    whole = Reader(client, model)
    whole.read()
    assert broken.text == whole.text == task["output"]["text"]  # type: ignore[index]
    assert broken.ends == whole.ends == ["length"]
    assert broken.usage is not None
    assert whole.usage is not None
    assert broken.usage.completion_tokens == whole.usage.completion_tokens == TOKENS


LONG: Final = {"type": "object", "properties": {"text": {"type": "string", "minLength": 400}}, "required": ["text"]}
"""Whatever the model would write by itself."""
TOOL: Final = {"type": "function", "function": {"name": "tell", "description": "Tells a story.", "parameters": LONG}}
FORM: Final = {"type": "json_schema", "json_schema": {"name": "story", "schema": LONG}}


@pytest.mark.timeout(180)
@pytest.mark.parametrize(
    "more",
    [{"logprobs": True}, {"n": 2}, {"response_format": FORM}, {"tools": [TOOL], "tool_choice": "required"}],
    ids=["logprobs", "several answers", "a given form", "a call"],
)
def test_a_stream_that_cannot_be_gone_on_with_ends_in_an_error_and_says_nothing_twice(
    client: OpenAI, llama_hive: LlmHive, second_host: SidecarProcess, more: dict[str, Any]
) -> None:
    broken = Reader(client, client.models.list().data[0].id, **more)
    broken.read(READ_BEFORE)
    kill(llama_hive, second_host)
    with pytest.raises(openai.APIError) as ended:
        broken.read()
    assert ended.value.code == "stream_interrupted"
    assert "agent_lost" in ended.value.message
    task = llama_hive.ended(broken.task_id)
    assert (task["status"], task["error"]["code"]) == ("failed", "stream_interrupted")  # type: ignore[index]
    assert [attempt["status"] for attempt in task["attempts"]] == ["lost"]  # type: ignore[attr-defined]
    output: Any = task["output"]
    assert (output["text"] or output["tool_calls"][0]["written"]).startswith(broken.text)
    assert broken.ends == []
