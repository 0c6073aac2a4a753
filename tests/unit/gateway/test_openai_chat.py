"""OpenAI's chat in the words of a task, and back."""

import json
from typing import Any

import pytest

from bus.errors import InvalidRequest, QueueFull, StreamInterrupted
from bus.follow import Delta
from bus.messages import Ending, NamedTool, TokenLogprob, ToolCall, ToolCallDelta, Usage
from coordinator.gateway.llm.openai.chat_answer import DONE, ChatWording
from coordinator.gateway.llm.openai.chat_request import ChatRequest, chat_job
from coordinator.gateway.llm.openai.errors import body_of, respond
from coordinator.gateway.llm.wording import Choice, Job, Whole

HELLO = [{"role": "user", "content": "Hi"}]
PNG = "data:image/png;base64,iVBORw0KGgo="
WEATHER = {"type": "function", "function": {"name": "weather", "parameters": {"type": "object", "properties": {}}}}


def job(**more: Any) -> Job:
    return chat_job(json.dumps({"model": "m", "messages": HELLO, **more}).encode())[1]


def wording(**more: Any) -> ChatWording:
    return ChatWording(ChatRequest.model_validate({"model": "m", "messages": HELLO, **more}))


def events(data: bytes) -> list[Any]:
    """Of a stream that has no comments."""
    lines = [line.removeprefix("data: ") for line in data.decode().split("\n\n") if line]
    return [line if line == "[DONE]" else json.loads(line) for line in lines]


def test_parameters_become_options_in_ollamas_words() -> None:
    found = job(
        max_tokens=9, max_completion_tokens=5, temperature=0.5, top_p=0.9, frequency_penalty=1, presence_penalty=-1, seed=7, stop="END", top_k=40, num_ctx=8192, user="u", store=True
    ).work  # fmt: skip
    assert found.options == {
        "num_predict": 5,
        "temperature": 0.5,
        "top_p": 0.9,
        "frequency_penalty": 1,
        "presence_penalty": -1,
        "seed": 7,
        "stop": ["END"],
        "top_k": 40,
        "num_ctx": 8192,
    }
    assert not found.streamed
    assert job(stream=True).work.streamed
    nulls = dict.fromkeys(("temperature", "stop", "tools", "response_format", "n", "stream", "seed", "logprobs"))
    assert job(**nulls).work.options == {}


def test_messages_keep_their_parts() -> None:
    messages = [
        {"role": "developer", "content": "Be brief."},
        {"role": "user", "name": "anna", "content": [{"type": "text", "text": "a"}, {"type": "image_url", "image_url": {"url": PNG}}, {"type": "text", "text": "b"}]},
        {"role": "assistant", "content": None, "tool_calls": [{"id": "c1", "type": "function", "function": {"name": "weather", "arguments": '{"town": "Ulm"}'}}]},
        {"role": "tool", "tool_call_id": "c1", "content": "rain"},
        {"role": "assistant", "tool_calls": [{"id": "c2", "function": {"name": "weather", "arguments": "{broken"}}]},
    ]  # fmt: skip
    system, user, called, answered, broken = job(messages=messages).work.messages or ()
    assert (system.role, system.content) == ("system", "Be brief.")
    assert (user.content, user.images) == ("a\nb", ("iVBORw0KGgo=",))
    assert called.tool_calls == (ToolCall(id="c1", name="weather", arguments={"town": "Ulm"}, written='{"town": "Ulm"}'),)
    assert (answered.role, answered.tool_call_id) == ("tool", "c1")
    assert broken.tool_calls[0].arguments_text == "{broken"


def test_tools_forms_and_thoughts() -> None:
    found = job(
        tools=[WEATHER], tool_choice={"type": "function", "function": {"name": "weather"}}, parallel_tool_calls=False
    ).work
    assert [tool.name for tool in found.tools] == ["weather"]
    assert (found.tool_choice, found.parallel_tool_calls) == (NamedTool(name="weather"), False)
    assert job(tools=[WEATHER], tool_choice="required").work.tool_choice == "required"
    schema = {"type": "object"}
    assert job(response_format={"type": "json_schema", "json_schema": {"name": "x", "schema": schema}}).work.format == schema
    assert job(response_format={"type": "json_object"}).work.format == "json"
    assert job(response_format={"type": "text"}).work.format is None
    efforts = {"none": False, "minimal": "low", "low": "low", "medium": "medium", "high": "high", "xhigh": "high"}
    assert {effort: job(reasoning_effort=effort).work.think for effort in efforts} == efforts
    assert (job(logprobs=True, top_logprobs=3).work.top_logprobs, job(n=2).work.n) == (3, 2)


@pytest.mark.parametrize(
    ("more", "param"),
    [
        ({"temperature": 9}, "temperature"),
        ({"messages": []}, "messages"),
        ({"messages": [{"role": "king", "content": "x"}]}, "messages.0.role"),
        ({"messages": [{"role": "user", "content": [{"type": "input_audio"}]}]}, "messages.0.content.0.type"),
        ({"messages": [{"role": "user", "content": [{"type": "image_url", "image_url": {"url": "http://10.0.0.1/x.png"}}]}]}, "messages.0.content.0.image_url"),
        ({"messages": [{"role": "user", "content": 5}]}, "messages.0.content"),
        ({"tools": [{"type": "browser"}]}, "tools.0.type"),
        ({"tools": [WEATHER], "tool_choice": {"type": "function", "function": {"name": "x"}}}, "tool_choice"),
        ({"response_format": {"type": "json_schema"}}, "response_format.json_schema"),
        ({"response_format": {"type": "yaml"}}, "response_format.type"),
        ({"functions": [{"name": "f"}]}, "functions"),
        ({"modalities": ["audio"]}, "modalities"),
        ({"reasoning_effort": "extreme"}, "reasoning_effort"),
        ({"top_logprobs": 3}, "top_logprobs"),
        ({"n": 1000}, "n"),
        ({"model": None}, "model"),
    ],
)  # fmt: skip
def test_what_is_wrong_is_named(more: dict[str, Any], param: str) -> None:
    with pytest.raises(InvalidRequest) as refused:
        job(**more)
    assert refused.value.param == param
    assert respond(refused.value, "r1").status_code == 400


def test_an_answer_at_once() -> None:
    call = ToolCall(id="c1", name="weather", arguments={"town": "Ulm"})
    choice = Choice(text="", thinking="hm", tool_calls=[call], finish_reason="tool_calls")
    whole = Whole(choices=[choice], usage=Usage(prompt_tokens=3, completion_tokens=4, cached_prompt_tokens=2))
    found = json.loads(wording().whole(whole))
    [shown] = found["choices"]
    assert shown["message"] == {
        "role": "assistant",
        "content": None,
        "reasoning_content": "hm",
        "tool_calls": [{"id": "c1", "type": "function", "function": {"name": "weather", "arguments": '{"town":"Ulm"}'}}],
    }
    assert (shown["finish_reason"], found["object"], found["model"]) == ("tool_calls", "chat.completion", "m")
    assert found["usage"] == {
        "prompt_tokens": 3,
        "completion_tokens": 4,
        "total_tokens": 7,
        "prompt_tokens_details": {"cached_tokens": 2},
    }


def test_a_stream_in_openais_chunks() -> None:
    said = wording(stream=True, logprobs=True, stream_options={"include_usage": True})
    token = TokenLogprob(token="Hi", logprob=-0.5, bytes=(72, 105))
    call = ToolCallDelta(index=0, id="c1", name="weather", arguments='{"to')
    more = ToolCallDelta(index=0, arguments='wn":"Ulm"}')
    whole = Whole(choices=[Choice()])
    whole.end(Ending(finish_reasons=("tool_calls",), usage=Usage(prompt_tokens=1, completion_tokens=2)))
    data = said.stream_begin()
    data += said.stream_delta(Delta(number=1, offset=0, thinking="hm"))
    data += said.stream_delta(Delta(number=1, offset=2, text="Hi", logprobs=(token,)))
    data += said.stream_delta(Delta(number=1, offset=4, tool_calls=(call, more)))
    begin, thought, text, called, end, usage, done = events(data + said.stream_end(whole))
    assert begin["choices"] == [
        {"index": 0, "delta": {"role": "assistant", "content": ""}, "logprobs": None, "finish_reason": None}
    ]
    assert thought["choices"][0]["delta"] == {"reasoning_content": "hm"}
    assert text["choices"][0]["delta"] == {"content": "Hi"}
    assert text["choices"][0]["logprobs"]["content"] == [
        {"token": "Hi", "logprob": -0.5, "bytes": [72, 105], "top_logprobs": []}
    ]
    assert called["choices"][0]["delta"]["tool_calls"] == [
        {"index": 0, "id": "c1", "type": "function", "function": {"name": "weather", "arguments": '{"to'}},
        {"index": 0, "function": {"arguments": 'wn":"Ulm"}'}},
    ]
    assert (end["choices"][0]["delta"], end["choices"][0]["finish_reason"]) == ({}, "tool_calls")
    assert (usage["choices"], usage["usage"]["total_tokens"], done) == ([], 3, "[DONE]")
    assert all(chunk["usage"] is None for chunk in (begin, thought, text, called, end))
    assert "usage" not in events(wording(stream=True).stream_begin())[0]


def test_an_error_in_a_stream_is_no_end() -> None:
    data = wording(stream=True).stream_error(StreamInterrupted("It broke off."))
    [found] = events(data)
    assert found["error"] == {"message": "It broke off.", "type": "server_error", "param": None, "code": "stream_interrupted"}
    assert DONE not in data


def test_who_is_to_come_back_is_told_when() -> None:
    response = respond(QueueFull("Too many wait.", retry_after_seconds=7), "r1")
    assert (response.status_code, response.headers["retry-after"]) == (503, "7")
    assert body_of(QueueFull("x"))["error"]["code"] == "queue_full"
