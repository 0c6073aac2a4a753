"""OpenAI's client in front of a real Ollama and the built-in llama.cpp, and what it sees when the host that answers is killed."""

from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import openai
import pytest
from openai import OpenAI

from tests.integration.gateway.parts import ADMIN_KEY
from tests.integration.llm.conftest import LlmHive, SidecarProcess
from tests.parts.ollama import MODEL, Ollama

pytestmark = pytest.mark.slow

STORY = [{"role": "user", "content": "Tell me about the history of the city of Rome."}]


@pytest.fixture(scope="module")
def ollama_hive(start_hive: Callable[..., LlmHive], ollama: Ollama) -> LlmHive:
    return start_hive(f"oak={ollama.url}?slots=2", models=1)


@pytest.fixture(scope="module")
def client(ollama_hive: LlmHive) -> Iterator[OpenAI]:
    with OpenAI(base_url=f"{ollama_hive.gateway.url}/v1", api_key=ADMIN_KEY, max_retries=0, timeout=60) as found:
        yield found


def test_an_ollama_answers_openais_client(client: OpenAI) -> None:
    asked = {"model": "smollm2:135m", "messages": STORY, "max_tokens": 8, "temperature": 0, "seed": 1}
    whole = client.chat.completions.create(**asked)  # type: ignore[call-overload]
    assert whole.choices[0].finish_reason == "length"
    assert whole.usage.completion_tokens == 8
    chunks = list(client.chat.completions.create(**asked, stream=True))  # type: ignore[call-overload]
    text = "".join(chunk.choices[0].delta.content or "" for chunk in chunks)
    assert text == whole.choices[0].message.content


def test_what_an_ollama_cannot_do_fails_clearly_and_at_once(client: OpenAI, ollama_hive: LlmHive) -> None:
    tools = [{"type": "function", "function": {"name": "f", "parameters": {"type": "object", "properties": {}}}}]
    for more in ({"tools": tools, "tool_choice": "required"}, {"logprobs": True}, {"tools": tools}):
        with pytest.raises(openai.BadRequestError) as refused:
            client.chat.completions.create(model=MODEL, messages=STORY, max_tokens=3, **more)  # type: ignore[call-overload]
        assert refused.value.code == "unsupported_by_backend"
    agent = ollama_hive.client.get("/api/agents/oak").json()
    assert (agent["status"], agent["merits"]["success_rate"] or 1.0) == ("online", 1.0)


@pytest.fixture
def second_host(ollama_hive: LlmHive, ollama: Ollama, tmp_path: Path) -> Iterator[SidecarProcess]:
    """The only one that takes work, as long as `oak` drains."""
    with SidecarProcess(ollama_hive.server, tmp_path, f"elm={ollama.url}") as second:
        ollama_hive.until("/api/agents/elm", lambda answer: answer.json().get("status") == "online")
        ollama_hive.client.post("/api/agents/oak/drain", json={}).raise_for_status()
        yield second
        ollama_hive.client.post("/api/agents/oak/resume").raise_for_status()


def kill(hive: LlmHive, second: SidecarProcess) -> None:
    """The host that writes, as soon as another could go on."""
    hive.client.post("/api/agents/oak/resume").raise_for_status()
    second.kill()


def test_an_answer_whose_host_is_killed_is_finished_unseen(
    client: OpenAI, ollama_hive: LlmHive, second_host: SidecarProcess
) -> None:
    with ThreadPoolExecutor(1) as pool:
        asking = pool.submit(
            client.chat.completions.with_raw_response.create,
            model=MODEL,
            messages=STORY,
            max_tokens=60,
            temperature=0,  # type: ignore[arg-type]
        )
        ollama_hive.until("/api/tasks?status=running", lambda answer: bool(answer.json()["tasks"]))
        kill(ollama_hive, second_host)
        raw = asking.result()
    assert raw.headers["x-hive-agent"] == "oak"
    assert raw.parse().choices[0].message.content
    task = ollama_hive.ended(raw.headers["x-hive-task"])
    assert [attempt["status"] for attempt in task["attempts"]] == ["lost", "completed"]  # type: ignore[attr-defined]
    assert task["output"]["text"] == raw.parse().choices[0].message.content  # type: ignore[index]


def test_a_stream_whose_host_is_killed_is_whole_or_says_that_it_is_not(
    client: OpenAI, ollama_hive: LlmHive, second_host: SidecarProcess
) -> None:
    asked = {"model": MODEL, "messages": STORY, "max_tokens": 60, "temperature": 0}
    with client.chat.completions.with_streaming_response.create(**asked, stream=True) as stream:  # type: ignore[call-overload]
        lines = stream.iter_lines()
        while '"content":"' not in next(lines):
            continue
        kill(ollama_hive, second_host)
        rest = [line for line in lines if line.startswith("data: ")]
    task = ollama_hive.ended(stream.headers["x-hive-task"])
    if rest[-1] == "data: [DONE]":
        assert task["status"] == "completed"
    else:
        assert '"stream_interrupted"' in rest[-1]
        assert task["error"]["code"] == "stream_interrupted"  # type: ignore[index]
    assert task["attempts"][0]["agent_id"] == "elm"  # type: ignore[index]
