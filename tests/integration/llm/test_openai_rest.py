"""OpenAI's own Python client at the doors beside chat: completions, embeddings and responses."""

from collections.abc import Iterator
from typing import Any

import openai
import pytest
from openai import OpenAI

from tests.integration.gateway.parts import ADMIN_KEY
from tests.integration.llm.conftest import LlmHive

MODEL = "smollm2:135m"
WEATHER: Any = {
    "type": "function",
    "name": "weather",
    "description": "The weather of a town.",
    "parameters": {"type": "object", "properties": {"town": {"type": "string"}}, "required": ["town"]},
}


@pytest.fixture(scope="module")
def client(hive: LlmHive) -> Iterator[OpenAI]:
    with OpenAI(base_url=f"{hive.gateway.url}/v1", api_key=ADMIN_KEY, max_retries=0, timeout=60) as found:
        yield found


def test_a_text_is_written_on(client: OpenAI) -> None:
    asked: dict[str, Any] = {"model": MODEL, "prompt": "The capital of France is", "max_tokens": 5, "temperature": 0}
    whole = client.completions.create(**asked)
    assert whole.object == "text_completion"
    assert whole.choices[0].text
    assert whole.choices[0].finish_reason == "length"
    assert whole.usage.completion_tokens == 5  # type: ignore[union-attr]
    chunks = list(client.completions.create(**asked, stream=True, echo=True, stream_options={"include_usage": True}))
    text = "".join(choice.text for chunk in chunks for choice in chunk.choices)
    assert text == asked["prompt"] + whole.choices[0].text
    assert chunks[-1].usage == whole.usage or chunks[-1].usage.completion_tokens == 5
    several = client.completions.create(**asked, n=2)
    assert [choice.index for choice in several.choices] == [0, 1]


def test_a_vector_is_the_same_in_both_forms(client: OpenAI) -> None:
    packed = client.embeddings.create(model=MODEL, input=["a cat", "a house"])
    numbers = client.embeddings.create(model=MODEL, input=["a cat", "a house"], encoding_format="float")
    assert [each.index for each in packed.data] == [0, 1]
    assert packed.data[0].embedding == pytest.approx(numbers.data[0].embedding)
    assert packed.data[0].embedding != packed.data[1].embedding
    assert packed.usage.prompt_tokens > 0
    with pytest.raises(openai.BadRequestError, match="tokens are not taken"):
        client.embeddings.create(model=MODEL, input=[[1, 2]])


def test_a_response_at_once_and_in_events(client: OpenAI) -> None:
    asked: dict[str, Any] = {"model": MODEL, "instructions": "Be brief.", "input": "Say hello.", "temperature": 0}
    whole = client.responses.create(**asked, max_output_tokens=8, store=True)
    assert whole.output_text
    assert whole.status in ("completed", "incomplete")
    assert whole.usage.output_tokens <= 8  # type: ignore[union-attr]
    with client.responses.stream(**asked, max_output_tokens=8) as stream:
        events = list(stream)
    kinds = [event.type for event in events]
    assert kinds[:2] == ["response.created", "response.in_progress"]
    assert kinds[-1] == f"response.{whole.status}"
    assert [event.sequence_number for event in events] == sorted({event.sequence_number for event in events})  # type: ignore[union-attr]
    assert "".join(event.delta for event in events if event.type == "response.output_text.delta") == whole.output_text


def test_tools_are_offered_and_their_results_taken(client: OpenAI, hive: LlmHive) -> None:
    history: list[Any] = [
        {"role": "user", "content": "Weather in Ulm?"},
        {"type": "function_call", "call_id": "c1", "name": "weather", "arguments": '{"town": "Ulm"}'},
        {"type": "function_call_output", "call_id": "c1", "output": "rain"},
    ]
    asked: dict[str, Any] = {
        "model": MODEL,
        "input": history,
        "max_output_tokens": 5,
        "tools": [WEATHER, {"type": "web_search"}],
    }
    raw = client.responses.with_raw_response.create(**asked, tool_choice="auto")
    found = raw.parse()
    assert {item.type for item in found.output} <= {"message", "function_call"}
    assert [tool.name for tool in found.tools if tool.type == "function"] == ["weather"]
    task = hive.task(raw.headers["x-hive-task"])
    assert [each["role"] for each in task["messages"]] == ["user", "assistant", "tool"]  # type: ignore[attr-defined]
    assert [tool["name"] for tool in task["tools"]] == ["weather"]  # type: ignore[attr-defined]


def test_a_tool_that_must_be_called_is(client: OpenAI) -> None:
    town = {"type": "object", "properties": {"town": {"type": "string", "maxLength": 12}}, "required": ["town"]}
    tools: list[Any] = [{**WEATHER, "parameters": town}]
    found = client.responses.create(
        model=MODEL, input="Weather in Ulm?", tools=tools, tool_choice="required", temperature=0, max_output_tokens=60
    )
    [call] = found.output
    assert (found.status, call.type, call.name) == ("completed", "function_call", "weather")  # type: ignore[union-attr]
    assert '"town"' in call.arguments  # type: ignore[union-attr]


def test_what_is_kept_nowhere_is_refused(client: OpenAI) -> None:
    with pytest.raises(openai.BadRequestError) as refused:
        client.responses.create(model=MODEL, input="Hi", previous_response_id="resp_1")
    assert refused.value.param == "previous_response_id"
    with pytest.raises(openai.NotFoundError):
        client.responses.retrieve("resp_1")
