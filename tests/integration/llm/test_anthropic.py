"""Anthropic's own Python client in front of a hive: only its base address and key are another's."""

import json
from collections.abc import Iterator
from typing import Any

import anthropic
import pytest
from anthropic import Anthropic

from tests.integration.gateway.parts import ADMIN_KEY
from tests.integration.llm.conftest import BUILTIN, LlmHive

MODEL = "smollm2:135m"
HELLO: list[Any] = [{"role": "user", "content": "Say hello in one short sentence."}]
LONG: list[Any] = [{"role": "user", "content": "Count from one to a thousand in words, one number a line."}]
WEATHER: Any = {
    "name": "weather",
    "description": "The weather of a town.",
    "input_schema": {"type": "object", "properties": {"town": {"type": "string"}}, "required": ["town"]},
}


@pytest.fixture(scope="module")
def client(hive: LlmHive) -> Iterator[Anthropic]:
    with Anthropic(base_url=hive.gateway.url, api_key=ADMIN_KEY, max_retries=0, timeout=60) as found:
        yield found


def test_an_answer_at_once(client: Anthropic, hive: LlmHive) -> None:
    asked: dict[str, Any] = {
        "model": MODEL,
        "messages": HELLO,
        "max_tokens": 8,
        "extra_body": {"temperature": 0},
        "system": "Be brief.",
    }
    raw = client.messages.with_raw_response.create(**asked)
    found = raw.parse()
    [block] = found.content
    assert block.type == "text"
    assert block.text
    assert found.stop_reason in ("end_turn", "max_tokens")
    assert (found.role, found.model, found.type) == ("assistant", MODEL, "message")
    assert 0 < found.usage.output_tokens <= 8
    assert found.usage.input_tokens + (found.usage.cache_read_input_tokens or 0) > 8
    assert (raw.headers["x-hive-agent"], found._request_id) == (BUILTIN, raw.headers["x-request-id"])
    task = hive.ended(raw.headers["x-hive-task"])
    assert task["output"]["text"] == block.text  # type: ignore[index]
    assert task["metadata"] == {"door": "anthropic"}


def test_a_stream_is_the_same_answer_in_pieces(client: Anthropic) -> None:
    asked: dict[str, Any] = {"model": MODEL, "messages": HELLO, "max_tokens": 12, "extra_body": {"temperature": 0}}
    whole = client.messages.create(**asked)
    with client.messages.stream(**asked) as stream:
        pieces = list(stream.text_stream)
        final = stream.get_final_message()
    assert len(pieces) > 1
    assert final.content[0].text == "".join(pieces) == whole.content[0].text  # type: ignore[union-attr]
    assert final.stop_reason == whole.stop_reason
    assert final.usage.output_tokens == whole.usage.output_tokens
    used = [each.usage.input_tokens + (each.usage.cache_read_input_tokens or 0) for each in (final, whole)]
    assert used[0] == used[1] > 0


def test_events_come_as_the_protocol_orders_them(client: Anthropic) -> None:
    events = list(client.messages.create(model=MODEL, messages=HELLO, max_tokens=4, stream=True))
    kinds = [event.type for event in events]
    assert (kinds[:2], kinds[-3:]) == (
        ["message_start", "content_block_start"],
        ["content_block_stop", "message_delta", "message_stop"],
    )
    assert set(kinds[2:-3]) == {"content_block_delta"}


def test_what_the_answer_begins_with_is_gone_on_with(client: Anthropic) -> None:
    begun: list[Any] = [{"role": "user", "content": "Count to five."}, {"role": "assistant", "content": "One, two,"}]
    found = client.messages.create(model=MODEL, messages=begun, max_tokens=6, extra_body={"temperature": 0})
    assert found.content[0].type == "text"
    assert not found.content[0].text.startswith("One, two,")


def test_a_stop_sequence_ends_the_answer(client: Anthropic) -> None:
    asked: dict[str, Any] = {"model": MODEL, "messages": LONG, "max_tokens": 30, "extra_body": {"temperature": 0}}
    text = client.messages.create(**asked).content[0].text  # type: ignore[union-attr]
    word = text.split()[2]
    cut = client.messages.create(**asked, stop_sequences=[word])
    assert cut.stop_reason == "end_turn"
    assert cut.content[0].text == text[: text.index(word)]  # type: ignore[union-attr]


def test_tools_are_offered_and_their_results_taken(client: Anthropic, hive: LlmHive) -> None:
    messages: list[Any] = [
        {"role": "user", "content": "Weather in Ulm?"},
        {"role": "assistant", "content": [{"type": "tool_use", "id": "t1", "name": "weather", "input": {"town": "Ulm"}}]},
        {"role": "user", "content": [{"type": "tool_result", "tool_use_id": "t1", "content": "rain"}]},
    ]
    raw = client.messages.with_raw_response.create(
        model=MODEL, messages=messages, max_tokens=5, tools=[WEATHER], tool_choice={"type": "auto"}
    )
    assert raw.parse().stop_reason in ("end_turn", "max_tokens", "tool_use")
    asked = hive.task(raw.headers["x-hive-task"])["messages"]
    assert [each["role"] for each in asked] == ["user", "assistant", "tool"]  # type: ignore[attr-defined]
    assert asked[2]["tool_name"] == "weather"  # type: ignore[index]


def test_a_model_that_does_not_think_answers_whoever_asks_for_thoughts(client: Anthropic) -> None:
    thinking: Any = {"type": "enabled", "budget_tokens": 1024}
    found = client.messages.create(model=MODEL, messages=HELLO, max_tokens=2000, stop_sequences=["!", "."], thinking=thinking)
    assert [block.type for block in found.content] == ["text"]


def test_an_image_that_the_model_cannot_see_is_refused(client: Anthropic) -> None:
    source = {"type": "base64", "media_type": "image/png", "data": "iVBORw0KGgo="}
    asked: list[Any] = [{"role": "user", "content": [{"type": "image", "source": source}]}]
    with pytest.raises(anthropic.BadRequestError, match="not supported"):
        client.messages.create(model=MODEL, messages=asked, max_tokens=4)


@pytest.mark.parametrize("choice", [{"type": "any"}, {"type": "tool", "name": "weather"}])
def test_a_tool_that_must_be_used_is(client: Anthropic, choice: Any) -> None:
    asked: dict[str, Any] = {"model": MODEL, "max_tokens": 60, "tools": [WEATHER], "tool_choice": choice}
    town = {"type": "object", "properties": {"town": {"type": "string", "maxLength": 12}}, "required": ["town"]}
    asked |= {"tools": [{**WEATHER, "input_schema": town}], "extra_body": {"temperature": 0}}
    asked |= {"messages": [{"role": "user", "content": "Weather in Ulm?"}]}
    found = client.messages.create(**asked)
    [block] = found.content
    assert (found.stop_reason, block.type, block.name) == ("tool_use", "tool_use", "weather")  # type: ignore[union-attr]
    assert list(block.input) == ["town"]  # type: ignore[union-attr]
    with client.messages.stream(**asked) as stream:
        assert stream.get_final_message().content[0].input == block.input  # type: ignore[union-attr]


def test_an_answer_of_a_given_form(client: Anthropic) -> None:
    schema = {"type": "object", "properties": {"colour": {"enum": ["red", "green"]}}, "required": ["colour"]}
    config: Any = {"format": {"type": "json_schema", "schema": schema}}
    asked: list[Any] = [{"role": "user", "content": "Name a colour."}]
    found = client.messages.create(model=MODEL, messages=asked, max_tokens=40, extra_body={"output_config": config})
    assert json.loads(found.content[0].text)["colour"] in ("red", "green")  # type: ignore[union-attr]


def test_tokens_are_counted_about_right(client: Anthropic) -> None:
    counted = client.messages.count_tokens(model=MODEL, messages=LONG).input_tokens
    used = client.messages.create(model=MODEL, messages=LONG, max_tokens=1).usage
    assert 0.2 < counted / (used.input_tokens + (used.cache_read_input_tokens or 0)) < 5


def test_the_beta_path_and_a_bearer_do_as_well(hive: LlmHive) -> None:
    with Anthropic(base_url=hive.gateway.url, auth_token=ADMIN_KEY, max_retries=0) as client:
        found = client.beta.messages.create(model=MODEL, messages=HELLO, max_tokens=3, betas=["context-management-2025-06-27"])
        assert found.content[0].type == "text"


def test_a_client_that_goes_cancels_its_task_and_no_host_is_blamed(client: Anthropic, hive: LlmHive) -> None:
    asked: dict[str, Any] = {"model": MODEL, "messages": LONG, "max_tokens": 2000, "stream": True}
    with client.messages.with_streaming_response.create(**asked) as response:
        task_id = response.headers["x-hive-task"]
        next(response.iter_lines())
    assert hive.ended(task_id)["status"] == "cancelled"
    agent = hive.client.get(f"/api/agents/{BUILTIN}").json()
    assert (agent["status"], agent["merits"]["success_rate"] or 1.0) == ("online", 1.0)


def test_errors_are_anthropics(client: Anthropic, hive: LlmHive) -> None:
    with pytest.raises(anthropic.NotFoundError) as unknown:
        client.messages.create(model="nope", messages=HELLO, max_tokens=3)
    assert unknown.value.body["error"]["type"] == "not_found_error"  # type: ignore[index]
    assert unknown.value.request_id
    with pytest.raises(anthropic.AuthenticationError):
        Anthropic(base_url=hive.gateway.url, api_key="sk-wrong", max_retries=0).messages.create(
            model=MODEL, messages=HELLO, max_tokens=3
        )
    with pytest.raises(anthropic.BadRequestError) as wrong:
        client.messages.create(model=MODEL, messages=HELLO, max_tokens=0)
    assert "max_tokens" in wrong.value.message
    search: Any = {"type": "web_search_20250305", "name": "web_search"}
    with pytest.raises(anthropic.BadRequestError, match="web_search"):
        client.messages.create(model=MODEL, messages=HELLO, max_tokens=3, tools=[search])
