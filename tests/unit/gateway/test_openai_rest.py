"""OpenAI's completions, embeddings and responses in the words of a task, and back."""

import json
from array import array
from base64 import b64encode
from collections.abc import Callable
from typing import Any

import pytest
from httpx import AsyncClient
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from bus.errors import InvalidRequest, StreamInterrupted
from bus.follow import Delta
from bus.messages import Ending, NamedTool, TaskKind, TokenLogprob, ToolCall, ToolCallDelta, Usage
from coordinator.gateway.llm.openai.completion_answer import CompletionWording
from coordinator.gateway.llm.openai.completion_request import completion_job
from coordinator.gateway.llm.openai.embeddings import EmbeddingsWording, embeddings_job
from coordinator.gateway.llm.openai.errors import respond
from coordinator.gateway.llm.openai.responses_answer import ResponsesWording
from coordinator.gateway.llm.openai.responses_request import responses_job
from coordinator.gateway.llm.wording import Choice, Whole

PATHS = ("/v1/completions", "/v1/embeddings", "/v1/responses")
WEATHER = {"type": "function", "name": "weather", "parameters": {"type": "object", "properties": {}}}


def body(**fields: Any) -> bytes:
    return json.dumps({"model": "m", **fields}).encode()


def whole_of(reason: str) -> Whole:
    whole = Whole(choices=[Choice()])
    whole.end(Ending(finish_reasons=(reason,), usage=Usage(prompt_tokens=3, completion_tokens=2)))
    return whole


def test_a_prompt_is_written_on_as_it_is() -> None:
    asked, job = completion_job(body(prompt=["Hi"], n=2, logprobs=3, temperature=0, stop="x", stream=True))
    work = job.work
    assert (work.kind, work.prompt, work.raw, work.n, work.streamed) == (TaskKind.GENERATE, "Hi", True, 2, True)
    assert (work.logprobs, work.top_logprobs) == (True, 3)
    assert work.options == {"num_predict": 16, "temperature": 0, "stop": ["x"]}
    filled = completion_job(body(prompt="a", suffix="b", max_tokens=4))[1].work
    assert (filled.suffix, filled.raw, filled.options["num_predict"]) == ("b", False, 4)
    assert asked.prompt == "Hi"


def test_logprobs_in_the_old_form_name_their_places() -> None:
    tokens = [TokenLogprob(token=" you", logprob=-0.5), TokenLogprob(token="!", logprob=-1)]
    said = CompletionWording(completion_job(body(prompt="Hi", echo=True))[0])
    found = json.loads(said.whole(Whole(choices=[Choice(text=" you!", finish_reason="length")])))
    assert (found["choices"][0]["text"], found["choices"][0]["finish_reason"]) == ("Hi you!", "length")
    stream = CompletionWording(completion_job(body(prompt="Hi", logprobs=0, stream=True))[0])
    chunks = [
        json.loads(stream.stream_delta(Delta(number=1, offset=0, text=token.token, logprobs=(token,))).removeprefix(b"data: "))
        for token in tokens
    ]
    assert [chunk["choices"][0]["logprobs"]["text_offset"] for chunk in chunks] == [[0], [4]]
    assert chunks[0]["choices"][0]["logprobs"]["token_logprobs"] == [-0.5]
    assert stream.stream_end(whole_of("stop")).endswith(b"data: [DONE]\n\n")
    assert b"[DONE]" not in stream.stream_error(StreamInterrupted("x"))


def test_vectors_are_numbers_or_packed() -> None:
    packed = b64encode(array("f", [0.5, -2]).tobytes()).decode()
    whole = Whole(choices=[Choice(embeddings=[packed])], usage=Usage(prompt_tokens=4))
    asked, job = embeddings_job(body(input="Hi", dimensions=2))
    assert (job.work.kind, job.work.input, job.work.dimensions) == (TaskKind.EMBED, ("Hi",), 2)
    found = json.loads(EmbeddingsWording(asked).whole(whole))
    assert found["data"] == [{"object": "embedding", "index": 0, "embedding": [0.5, -2]}]
    assert found["usage"] == {"prompt_tokens": 4, "total_tokens": 4}
    other = EmbeddingsWording(embeddings_job(body(input=["Hi"], encoding_format="base64"))[0])
    assert json.loads(other.whole(whole))["data"][0]["embedding"] == packed


def test_items_become_messages() -> None:
    items = [
        {"role": "user", "content": [{"type": "input_text", "text": "a"}, {"type": "input_image", "image_url": "data:image/png;base64,iVBOR"}]},
        {"type": "reasoning", "id": "rs_1", "summary": [{"type": "summary_text", "text": "hm"}]},
        {"type": "message", "role": "assistant", "content": [{"type": "output_text", "text": "I look.", "annotations": []}]},
        {"type": "function_call", "call_id": "c1", "name": "weather", "arguments": '{"town":"Ulm"}'},
        {"type": "function_call", "call_id": "c2", "name": "time", "arguments": "{}"},
        {"type": "function_call_output", "call_id": "c1", "output": "rain"},
        {"role": "developer", "content": "Be kind."},
    ]  # fmt: skip
    first, user, said, result, last = responses_job(body(input=items, instructions="Be brief."))[1].work.messages or ()
    assert (first.role, first.content, user.content, user.images) == ("system", "Be brief.", "a", ("iVBOR",))
    assert (said.role, said.content, said.thinking) == ("assistant", "I look.", "hm")
    assert [call.id for call in said.tool_calls] == ["c1", "c2"]
    assert (result.role, result.content, result.tool_call_id, result.tool_name) == ("tool", "rain", "c1", "weather")
    assert (last.role, last.content) == ("system", "Be kind.")


def test_tools_forms_and_thoughts_of_a_response() -> None:
    more: dict[str, Any] = {"tools": [WEATHER, {"type": "web_search"}], "tool_choice": {"type": "function", "name": "weather"}}
    form = {"format": {"type": "json_schema", "name": "x", "schema": {"type": "object"}}}
    work = responses_job(
        body(input="Hi", **more, text=form, reasoning={"effort": "low"}, max_output_tokens=5, store=True)
    )[1].work  # fmt: skip
    assert ([tool.name for tool in work.tools], work.tool_choice) == (["weather"], NamedTool(name="weather"))
    assert (work.format, work.think, work.options) == ({"type": "object"}, "low", {"num_predict": 5})


def test_a_response_in_events_is_the_response_at_once() -> None:
    asked = responses_job(body(input="Hi", tools=[WEATHER]))[0]
    stream, at_once = ResponsesWording(asked), ResponsesWording(asked)
    data = stream.stream_begin() + stream.stream_delta(Delta(number=1, offset=0, thinking="hm"))
    data += stream.stream_delta(Delta(number=1, offset=2, text="I "))
    data += stream.stream_delta(Delta(number=1, offset=4, text="look."))
    call = (ToolCallDelta(index=0, id="c1", name="weather", arguments='{"a"'), ToolCallDelta(index=0, arguments=":1}"))
    data += stream.stream_delta(Delta(number=1, offset=9, tool_calls=call)) + stream.stream_end(whole_of("tool_calls"))
    events = [json.loads(part.split("data: ")[1]) for part in data.decode().split("\n\n") if part]
    assert [event["sequence_number"] for event in events] == list(range(len(events)))
    assert [event["type"].removeprefix("response.") for event in events] == [
        *["created", "in_progress", "output_item.added", "reasoning_text.delta", "reasoning_text.done", "output_item.done"],
        *["output_item.added", "content_part.added", "output_text.delta", "output_text.delta", "output_text.done"],
        *["content_part.done", "output_item.done", "output_item.added", "function_call_arguments.delta"],
        *["function_call_arguments.delta", "function_call_arguments.done", "output_item.done", "completed"],
    ]
    tool = ToolCall(id="c1", name="weather", arguments={"a": 1})
    whole = Whole(
        choices=[Choice(text="I look.", thinking="hm", tool_calls=[tool])], usage=Usage(prompt_tokens=3, completion_tokens=2)
    )
    told, found = events[-1]["response"], json.loads(at_once.whole(whole))
    for response in (told, found):
        for item in response["output"]:
            del item["id"]
    assert (told["output"], told["usage"], told["status"]) == (found["output"], found["usage"], found["status"])
    assert (found["output"][2]["arguments"], found["store"]) == ('{"a":1}', False)


def test_a_response_that_is_cut_or_fails_says_so() -> None:
    said = ResponsesWording(responses_job(body(input="Hi"))[0])
    assert b'"status":"incomplete"' in said.stream_end(whole_of("length"))
    failed = json.loads(said.stream_error(StreamInterrupted("It broke off.")).split(b"data: ")[1])
    assert (failed["type"], failed["response"]["status"]) == ("response.failed", "failed")
    assert failed["response"]["error"] == {"code": "stream_interrupted", "message": "It broke off."}


@pytest.mark.parametrize(
    ("reader", "fields", "param"),
    [
        (completion_job, {"prompt": ["a", "b"]}, "prompt"),
        (completion_job, {"prompt": [1, 2]}, "prompt"),
        (completion_job, {"prompt": ""}, "prompt"),
        (completion_job, {"prompt": "a", "best_of": 3}, "best_of"),
        (completion_job, {"prompt": "a", "echo": True, "logprobs": 1}, "echo"),
        (completion_job, {"prompt": "a", "logprobs": 9}, "logprobs"),
        (embeddings_job, {"input": [[1, 2]]}, "input"),
        (embeddings_job, {"input": []}, "input"),
        (embeddings_job, {"input": "a", "encoding_format": "hex"}, "encoding_format"),
        (responses_job, {"input": "Hi", "previous_response_id": "resp_1"}, "previous_response_id"),
        (responses_job, {"input": "Hi", "conversation": "conv_1"}, "conversation"),
        (responses_job, {"input": "Hi", "background": True}, "background"),
        (responses_job, {"input": [{"type": "item_reference", "id": "x"}]}, "input.0.type"),
        (responses_job, {"input": [{"type": "function_call"}]}, "input.0"),
        (responses_job, {"input": "Hi", "tools": [WEATHER], "tool_choice": {"type": "function", "name": "x"}}, "tool_choice"),
        (responses_job, {"input": "Hi", "text": {"format": {"type": "json_schema"}}}, "text.format.schema"),
        (responses_job, {"input": "Hi", "reasoning": {"effort": "extreme"}}, "reasoning.effort"),
    ],
)  # fmt: skip
def test_what_is_wrong_is_named(reader: Callable[[bytes], object], fields: dict[str, Any], param: str) -> None:
    with pytest.raises(InvalidRequest) as refused:
        reader(body(**fields))
    assert refused.value.param == param
    assert respond(refused.value, "r1").status_code == 400


NAMES = ["model", "prompt", "input", "tools", "type", "role", "content", "suffix", "logprobs", "text"]
JSON = st.recursive(
    st.none() | st.booleans() | st.floats() | st.text(max_size=5) | st.sampled_from(["user", "function", "message"]),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(NAMES), inner, max_size=5),
    max_leaves=8,
)


@settings(max_examples=40, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(sent=st.binary(max_size=60) | JSON.map(lambda value: json.dumps(value).encode()))
async def test_whatever_is_sent_is_answered_in_the_protocols_form(anna: AsyncClient, sent: bytes) -> None:
    for path in PATHS:
        response = await anna.post(path, content=sent)
        assert 400 <= response.status_code < 500
        assert set(response.json()["error"]) == {"message", "type", "param", "code"}
