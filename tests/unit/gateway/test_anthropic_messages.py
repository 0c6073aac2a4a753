"""Anthropic's messages in the words of a task, and back."""

import json
from typing import Any

import pytest

from bus.errors import (
    BackendError,
    HiveError,
    InvalidRequest,
    NoLeader,
    QueueFull,
    StreamInterrupted,
    TaskTimeout,
    UnknownModel,
)
from bus.follow import Delta
from bus.messages import Ending, NamedTool, ToolCall, ToolCallDelta, Usage
from coordinator.gateway.llm.anthropic.errors import body_of, respond
from coordinator.gateway.llm.anthropic.messages_answer import PING, MessagesWording
from coordinator.gateway.llm.anthropic.messages_request import MessagesRequest, count_job, messages_job
from coordinator.gateway.llm.estimate import prompt_tokens
from coordinator.gateway.llm.wording import Choice, Job, Whole

HELLO = [{"role": "user", "content": "Hi"}]
PNG = {"type": "base64", "media_type": "image/png", "data": "iVBORw0KGgo="}
WEATHER = {"name": "weather", "description": "of a town", "input_schema": {"type": "object", "properties": {}}}
ASK: dict[str, Any] = {"model": "m", "max_tokens": 9, "messages": HELLO}
CALLED = {"role": "assistant", "content": [{"type": "tool_use", "id": "t1", "name": "weather", "input": {"town": "Ulm"}}]}


def job(**more: Any) -> Job:
    return messages_job(json.dumps({**ASK, **more}).encode())[1]


def wording(**more: Any) -> MessagesWording:
    return MessagesWording(MessagesRequest.model_validate({**ASK, **more}), "r1")


def events(data: bytes) -> list[dict[str, Any]]:
    """Of a stream, without comments: each event's name is that of its data."""
    found = []
    for part in data.decode().split("\n\n"):
        if part and not part.startswith(":"):
            name, payload = part.split("\n")
            found.append(json.loads(payload.removeprefix("data: ")))
            assert name == f"event: {found[-1]['type']}"
    return found


def test_parameters_become_options_in_ollamas_words() -> None:
    found = job(temperature=0.5, top_p=0.9, top_k=40, stop_sequences=["END"], metadata={"user_id": "u"}, service_tier="auto")
    assert found.work.options == {"num_predict": 9, "temperature": 0.5, "top_p": 0.9, "top_k": 40, "stop": ["END"]}
    assert (found.work.streamed, job(stream=True).work.streamed, found.metadata) == (False, True, {"door": "anthropic"})
    assert job(stop_sequences=[], temperature=None).work.options == {"num_predict": 9}


def test_blocks_become_messages() -> None:
    messages = [
        {"role": "user", "content": [{"type": "text", "text": "a", "cache_control": {"type": "ephemeral"}}, {"type": "image", "source": PNG}, {"type": "document", "source": {"type": "text", "media_type": "text/plain", "data": "b"}}]},
        {"role": "assistant", "content": [{"type": "thinking", "thinking": "hm", "signature": "s"}, {"type": "redacted_thinking", "data": "x"}, {"type": "text", "text": "I look."}, *CALLED["content"]]},
        {"role": "user", "content": [{"type": "tool_result", "tool_use_id": "t1", "content": [{"type": "text", "text": "rain"}, {"type": "image", "source": PNG}]}, {"type": "text", "text": "And now?"}]},
        CALLED,
        {"role": "user", "content": [{"type": "tool_result", "tool_use_id": "t1", "is_error": True}]},
    ]  # fmt: skip
    system = [{"type": "text", "text": "Be brief."}, {"type": "text", "text": "Be kind."}]
    first, asked, said, answered, more, again, failed = job(messages=messages, system=system).work.messages or ()
    assert (first.role, first.content) == ("system", "Be brief.\nBe kind.")
    assert (asked.role, asked.content, asked.images) == ("user", "a\nb", ("iVBORw0KGgo=",))
    assert (said.role, said.content, said.thinking) == ("assistant", "I look.", "hm")
    assert said.tool_calls == again.tool_calls == (ToolCall(id="t1", name="weather", arguments={"town": "Ulm"}),)
    assert (answered.role, answered.content, answered.images) == ("tool", "rain", ("iVBORw0KGgo=",))
    assert (answered.tool_call_id, answered.tool_name) == ("t1", "weather")
    assert (more.role, more.content, failed.role, failed.content) == ("user", "And now?", "tool", "error")


def test_the_beginning_of_an_answer_is_the_assistants() -> None:
    *_, last = job(messages=[*HELLO, {"role": "assistant", "content": "Hel"}], system="Be brief.").work.messages or ()
    assert (last.role, last.content) == ("assistant", "Hel")


def test_tools_forms_and_thoughts() -> None:
    found = job(tools=[WEATHER], tool_choice={"type": "tool", "name": "weather", "disable_parallel_tool_use": True}).work
    assert [(tool.name, tool.description, tool.parameters) for tool in found.tools] == [tuple(WEATHER.values())]
    assert (found.tool_choice, found.parallel_tool_calls) == (NamedTool(name="weather"), False)
    choices = {"auto": "auto", "any": "required", "none": "none"}
    assert {name: job(tools=[WEATHER], tool_choice={"type": name}).work.tool_choice for name in choices} == choices
    thinking = {"type": "enabled", "budget_tokens": 1024}
    assert (job(thinking=thinking).work.think, job(thinking={"type": "disabled"}).work.think) == (True, False)
    assert job(thinking={"type": "adaptive"}).work.think is None
    assert job(thinking=thinking, output_config={"effort": "max"}).work.think == "high"
    form = {"type": "json_schema", "schema": {"type": "object"}}
    assert job(output_config={"format": form}).work.format == job(output_format=form).work.format == {"type": "object"}


@pytest.mark.parametrize(
    ("more", "param"),
    [
        ({"max_tokens": None}, "max_tokens"),
        ({"max_tokens": 0}, "max_tokens"),
        ({"temperature": 1.5}, "temperature"),
        ({"model": ""}, "model"),
        ({"messages": []}, "messages"),
        ({"messages": [{"role": "king", "content": "x"}]}, "messages.0.role"),
        ({"messages": [{"role": "user", "content": 5}]}, "messages.0.content"),
        ({"messages": [{"role": "user", "content": [{"type": "video"}]}]}, "messages.0.content.0.type"),
        ({"messages": [{"role": "user", "content": [{"type": "text"}]}]}, "messages.0.content.0.text"),
        ({"messages": [{"role": "user", "content": [{"type": "tool_use", "id": "t", "name": "x"}]}]}, "messages.0.content.0.type"),
        ({"messages": [{"role": "user", "content": [{"type": "image", "source": {"type": "url", "url": "http://10.0.0.1/x.png"}}]}]}, "messages.0.content.0.source"),
        ({"messages": [{"role": "user", "content": [{"type": "document", "source": {"type": "base64", "data": "x"}}]}]}, "messages.0.content.0.source"),
        ({"messages": [{"role": "user", "content": [{"type": "tool_result", "tool_use_id": "t9", "content": "x"}]}]}, "messages.0.content.0.tool_use_id"),
        ({"messages": [*HELLO, {"role": "assistant", "content": [{"type": "tool_use", "id": "t"}]}]}, "messages.1.content.0"),
        ({"system": [{"type": "image", "source": PNG}]}, "system.0.text"),
        ({"tools": [{"type": "web_search_20250305", "name": "web_search"}]}, "tools.0.type"),
        ({"tools": [{"name": "f"}]}, "tools.0.input_schema"),
        ({"tools": [WEATHER], "tool_choice": {"type": "tool", "name": "x"}}, "tool_choice.name"),
        ({"tool_choice": {"type": "any"}}, "tool_choice"),
        ({"thinking": {"type": "hard"}}, "thinking.type"),
    ],
)  # fmt: skip
def test_what_is_wrong_is_named(more: dict[str, Any], param: str) -> None:
    with pytest.raises(InvalidRequest) as refused:
        job(**more)
    assert refused.value.param == param
    answer = respond(refused.value, "r1")
    found = json.loads(bytes(answer.body))
    assert (answer.status_code, found["type"], found["error"]["type"]) == (400, "error", "invalid_request_error")
    assert param in found["error"]["message"]


def test_an_answer_at_once() -> None:
    call = ToolCall(id="t1", name="weather", arguments={"town": "Ulm"})
    choice = Choice(text="I look.", thinking="hm", tool_calls=[call], finish_reason="tool_calls")
    usage = Usage(prompt_tokens=30, completion_tokens=4, cached_prompt_tokens=20)
    found = json.loads(wording().whole(Whole(choices=[choice], usage=usage)))
    assert found.pop("id").startswith("msg_")
    assert found == {
        "type": "message",
        "role": "assistant",
        "model": "m",
        "content": [
            {"type": "thinking", "thinking": "hm", "signature": ""},
            {"type": "text", "text": "I look."},
            {"type": "tool_use", "id": "t1", "name": "weather", "input": {"town": "Ulm"}},
        ],
        "stop_reason": "tool_use",
        "stop_sequence": None,
        "usage": {
            "input_tokens": 10,
            "cache_creation_input_tokens": 0,
            "cache_read_input_tokens": 20,
            "output_tokens": 4,
        },
    }


@pytest.mark.parametrize(
    ("reason", "told"), [("stop", "end_turn"), ("length", "max_tokens"), ("content_filter", "refusal"), (None, "end_turn")]
)
def test_reasons_of_an_end(reason: str | None, told: str) -> None:
    assert json.loads(wording().whole(Whole(choices=[Choice(text="x", finish_reason=reason)])))["stop_reason"] == told


def test_a_call_that_is_no_json_is_an_error_and_no_call_without_arguments() -> None:
    with pytest.raises(BackendError, match="weather"):
        wording().whole(Whole(choices=[Choice(tool_calls=[ToolCall(name="weather", written="{broken")])]))


def test_a_call_that_was_cut_ends_by_its_tokens_and_has_no_arguments() -> None:
    call = ToolCall(name="weather", id="call_1", written='{"city": "Ber')
    body = json.loads(wording().whole(Whole(choices=[Choice(tool_calls=[call], finish_reason="length")])))
    assert body["stop_reason"] == "max_tokens"
    assert body["content"] == [{"type": "tool_use", "id": "call_1", "name": "weather", "input": {}}]


def test_a_stream_has_one_block_after_the_other() -> None:
    said = wording(stream=True)
    whole = Whole(choices=[Choice()])
    whole.end(Ending(finish_reasons=("tool_calls",), usage=Usage(prompt_tokens=7, completion_tokens=5)))
    calls = (ToolCallDelta(index=0, id="t1", name="weather", arguments='{"to'), ToolCallDelta(index=0, arguments='wn":"Ulm"}'))
    data = said.stream_begin()
    data += said.stream_delta(Delta(number=1, offset=0, thinking="h"))
    data += said.stream_delta(Delta(number=1, offset=1, thinking="m", text="I "))
    data += said.stream_idle("queued, position 2")
    data += said.stream_delta(Delta(number=1, offset=4, text="look."))
    data += said.stream_delta(Delta(number=1, offset=9, tool_calls=calls))
    data += said.stream_delta(Delta(number=1, offset=30, tool_calls=(ToolCallDelta(index=1, id="t2", name="time"),)))
    start, *told = events(data + said.stream_end(whole))
    assert (start["type"], start["message"]["content"], start["message"]["stop_reason"]) == ("message_start", [], None)
    assert told.pop(0) == {"type": "ping"}
    assert [(each["type"], each.get("index")) for each in told if each["type"] != "ping"] == [
        ("content_block_start", 0),
        *[("content_block_delta", 0)] * 3,
        ("content_block_stop", 0),
        ("content_block_start", 1),
        *[("content_block_delta", 1)] * 2,
        ("content_block_stop", 1),
        ("content_block_start", 2),
        *[("content_block_delta", 2)] * 2,
        ("content_block_stop", 2),
        ("content_block_start", 3),
        ("content_block_stop", 3),
        ("message_delta", None),
        ("message_stop", None),
    ]
    assert [each["delta"] for each in told if each["type"] == "content_block_delta"] == [
        {"type": "thinking_delta", "thinking": "h"},
        {"type": "thinking_delta", "thinking": "m"},
        {"type": "signature_delta", "signature": ""},
        {"type": "text_delta", "text": "I "},
        {"type": "text_delta", "text": "look."},
        {"type": "input_json_delta", "partial_json": '{"to'},
        {"type": "input_json_delta", "partial_json": 'wn":"Ulm"}'},
    ]
    assert [each["content_block"] for each in told if each["type"] == "content_block_start"] == [
        {"type": "thinking", "thinking": "", "signature": ""},
        {"type": "text", "text": ""},
        {"type": "tool_use", "id": "t1", "name": "weather", "input": {}},
        {"type": "tool_use", "id": "t2", "name": "time", "input": {}},
    ]
    ended = told[-2]
    assert ended["delta"] == {"stop_reason": "tool_use", "stop_sequence": None}
    assert (ended["usage"]["input_tokens"], ended["usage"]["output_tokens"]) == (7, 5)
    assert b": queued, position 2\n\n" + PING in data


def test_an_error_in_a_stream_is_no_end() -> None:
    said = wording(stream=True)
    said.stream_delta(Delta(number=1, offset=0, text="Hel"))
    [found] = events(said.stream_error(StreamInterrupted("It broke off.")))
    assert found == {"type": "error", "error": {"type": "api_error", "message": "It broke off."}, "request_id": "r1"}


@pytest.mark.parametrize(
    ("error", "status", "kind"),
    [
        (QueueFull("x"), 529, "overloaded_error"),
        (NoLeader("x"), 503, "api_error"),
        (UnknownModel("x"), 404, "not_found_error"),
        (TaskTimeout("x"), 504, "timeout_error"),
        (HiveError("x"), 500, "api_error"),
    ],
)
def test_errors_have_anthropics_types(error: HiveError, status: int, kind: str) -> None:
    answer = respond(error, "r1")
    assert (answer.status_code, answer.headers["request-id"], body_of(error, "r1")["error"]["type"]) == (status, "r1", kind)


def test_who_is_to_come_back_is_told_when() -> None:
    assert respond(QueueFull("x", retry_after_seconds=7), "r1").headers["retry-after"] == "7"


def test_tokens_are_estimated_by_all_that_the_model_is_shown() -> None:
    def count(**more: Any) -> int:
        asked = {"model": "m", "messages": [{"role": "user", "content": "x" * 400}], **more}
        return prompt_tokens(count_job(json.dumps(asked).encode()).work)

    assert (count(), count(system="y" * 80)) == (100, 120)
    assert count(messages=[{"role": "user", "content": [{"type": "image", "source": PNG}]}]) == 700
    assert count(tools=[WEATHER]) > count()
    assert count(messages=[{"role": "user", "content": ""}]) == 1
