"""OpenAI's own Python client in front of a hive: only its base address and key are another's."""

import json
from collections.abc import Iterator

import openai
import pytest
from openai import OpenAI
from openai.types.chat import ChatCompletionMessageParam

from tests.integration.gateway.parts import ADMIN_KEY
from tests.integration.llm.conftest import BUILTIN, LlmHive

MODEL = "smollm2:135m"
HELLO: list[ChatCompletionMessageParam] = [{"role": "user", "content": "Say hello in one short sentence."}]
LONG: list[ChatCompletionMessageParam] = [
    {"role": "user", "content": "Count from one to a thousand in words, one number a line."}
]


@pytest.fixture(scope="module")
def client(hive: LlmHive) -> Iterator[OpenAI]:
    with OpenAI(base_url=f"{hive.gateway.url}/v1", api_key=ADMIN_KEY, max_retries=0, timeout=60) as found:
        yield found


def test_an_answer_at_once(client: OpenAI, hive: LlmHive) -> None:
    raw = client.chat.completions.with_raw_response.create(model=MODEL, messages=HELLO, max_tokens=8, temperature=0)
    found = raw.parse()
    [choice] = found.choices
    assert choice.message.role == "assistant"
    assert choice.message.content
    assert choice.finish_reason in ("stop", "length")
    assert found.model == MODEL
    assert found.usage is not None
    assert 0 < found.usage.completion_tokens <= 8
    assert found.usage.total_tokens == found.usage.prompt_tokens + found.usage.completion_tokens
    assert (raw.headers["x-hive-agent"], raw.headers["x-hive-model"]) == (BUILTIN, MODEL)
    assert raw.headers["x-request-id"]
    task = hive.ended(raw.headers["x-hive-task"])
    assert task["status"] == "completed"
    assert task["output"]["text"] == choice.message.content  # type: ignore[index]
    assert task["metadata"] == {"door": "openai"}


def test_a_stream_is_the_same_answer_in_pieces(client: OpenAI) -> None:
    asked = {"model": MODEL, "messages": HELLO, "max_tokens": 12, "temperature": 0, "seed": 1}
    whole = client.chat.completions.create(**asked)  # type: ignore[call-overload]
    chunks = list(client.chat.completions.create(**asked, stream=True, stream_options={"include_usage": True}))  # type: ignore[call-overload]
    assert len({chunk.id for chunk in chunks}) == 1
    *spoken, last = chunks
    assert (last.choices, last.usage.total_tokens) == ([], whole.usage.total_tokens)
    assert all(chunk.usage is None for chunk in spoken)
    assert spoken[0].choices[0].delta.role == "assistant"
    text = "".join(chunk.choices[0].delta.content or "" for chunk in spoken)
    assert text == whole.choices[0].message.content
    assert [chunk.choices[0].finish_reason for chunk in spoken if chunk.choices[0].finish_reason] == [
        whole.choices[0].finish_reason
    ]


def test_stop_ends_the_answer(client: OpenAI) -> None:
    said = "Repeat exactly: one two three four five six seven."
    messages: list[ChatCompletionMessageParam] = [{"role": "user", "content": said}]
    whole = client.chat.completions.create(model=MODEL, messages=messages, max_tokens=30, temperature=0)
    text = whole.choices[0].message.content or ""
    word = text.split()[2]
    cut = client.chat.completions.create(model=MODEL, messages=messages, max_tokens=30, temperature=0, stop=[word])
    assert cut.choices[0].finish_reason == "stop"
    assert cut.choices[0].message.content == text[: text.index(word)]


def test_several_answers_to_one_prompt(client: OpenAI) -> None:
    found = client.chat.completions.create(model=MODEL, messages=HELLO, max_tokens=6, n=3, seed=5, temperature=1)
    assert [choice.index for choice in found.choices] == [0, 1, 2]
    assert all(choice.message.content and choice.finish_reason for choice in found.choices)
    stream = client.chat.completions.create(model=MODEL, messages=HELLO, max_tokens=6, n=3, seed=5, temperature=1, stream=True)
    texts = ["", "", ""]
    reasons: list[int] = []
    for chunk in stream:
        [choice] = chunk.choices
        texts[choice.index] += choice.delta.content or ""
        reasons += [choice.index] if choice.finish_reason else []
    assert texts == [choice.message.content for choice in found.choices]
    assert sorted(reasons) == [0, 1, 2]


def test_logprobs_account_for_every_token(client: OpenAI) -> None:
    asked = {"model": MODEL, "messages": HELLO, "max_tokens": 5, "temperature": 0, "logprobs": True, "top_logprobs": 2}
    whole = client.chat.completions.create(**asked)  # type: ignore[call-overload]
    tokens = whole.choices[0].logprobs.content
    assert "".join(bytes(token.bytes).decode() for token in tokens) == whole.choices[0].message.content
    assert all(token.logprob <= 0 and len(token.top_logprobs) == 2 for token in tokens)
    streamed = [
        token
        for chunk in client.chat.completions.create(**asked, stream=True)  # type: ignore[call-overload]
        for choice in chunk.choices
        if choice.logprobs
        for token in choice.logprobs.content
    ]
    assert [token.token for token in streamed] == [token.token for token in tokens]


def test_an_answer_of_a_given_form(client: OpenAI) -> None:
    schema = {
        "type": "object",
        "properties": {"colour": {"type": "string", "enum": ["red", "green", "blue"]}},
        "required": ["colour"],
        "additionalProperties": False,
    }
    found = client.chat.completions.create(
        model=MODEL,
        messages=[{"role": "user", "content": "Name a colour."}],
        max_tokens=40,
        response_format={"type": "json_schema", "json_schema": {"name": "colour", "schema": schema, "strict": True}},
    )
    assert json.loads(found.choices[0].message.content or "")["colour"] in ("red", "green", "blue")


def test_the_developer_is_the_system_and_parts_are_one_text(client: OpenAI, hive: LlmHive) -> None:
    raw = client.chat.completions.with_raw_response.create(
        model=MODEL,
        max_completion_tokens=3,
        messages=[
            {"role": "developer", "content": "Be brief."},
            {"role": "user", "content": [{"type": "text", "text": "Hello"}, {"type": "text", "text": "there."}]},
        ],
    )
    asked = hive.task(raw.headers["x-hive-task"])["messages"]
    assert [(each["role"], each["content"]) for each in asked] == [("system", "Be brief."), ("user", "Hello\nthere.")]  # type: ignore[attr-defined]


def test_what_a_client_asks_for_in_headers(client: OpenAI, hive: LlmHive) -> None:
    headers = {"X-Hive-Priority": "high", "X-Hive-Session": "talk-1", "Idempotency-Key": "once-1"}
    create = client.chat.completions.with_raw_response.create
    raw = create(model=MODEL, messages=HELLO, max_tokens=3, extra_headers=headers)
    task = hive.ended(raw.headers["x-hive-task"])
    assert (task["priority"], task["session"]) == (1, "talk-1")
    again = create(model=MODEL, messages=HELLO, max_tokens=3, extra_headers=headers)
    assert again.headers["x-hive-task"] == raw.headers["x-hive-task"]
    assert again.parse().choices[0].message.content == raw.parse().choices[0].message.content
    with pytest.raises(openai.ConflictError):
        create(model=MODEL, messages=LONG, max_tokens=3, extra_headers=headers)


def test_a_client_that_goes_cancels_its_task_and_no_host_is_blamed(client: OpenAI, hive: LlmHive) -> None:
    with client.chat.completions.with_streaming_response.create(
        model=MODEL, messages=LONG, max_tokens=2000, stream=True
    ) as response:
        task_id = response.headers["x-hive-task"]
        next(response.iter_lines())
    task = hive.ended(task_id)
    assert task["status"] == "cancelled"
    agent = hive.client.get(f"/api/agents/{BUILTIN}").json()
    assert (agent["status"], agent["merits"]["success_rate"] or 1.0) == ("online", 1.0)


def test_a_call_of_a_tool_in_the_history_is_taken(client: OpenAI) -> None:
    found = client.chat.completions.create(
        model=MODEL,
        max_tokens=5,
        messages=[
            {"role": "user", "content": "Weather in Ulm?"},
            {
                "role": "assistant",
                "content": None,
                "tool_calls": [
                    {"id": "c1", "type": "function", "function": {"name": "weather", "arguments": '{"town": "Ulm"}'}}
                ],
            },
            {"role": "tool", "tool_call_id": "c1", "content": "rain"},
        ],
        tools=[{"type": "function", "function": {"name": "weather", "parameters": {"type": "object", "properties": {}}}}],
    )
    assert found.choices[0].finish_reason in ("stop", "length", "tool_calls")


def test_models_are_listed_and_found_by_ollamas_rule(client: OpenAI) -> None:
    assert [model.id for model in client.models.list()] == [MODEL]
    assert client.models.retrieve(MODEL).id == MODEL
    with pytest.raises(openai.NotFoundError) as refused:
        client.models.retrieve("nope")
    assert refused.value.code == "model_not_found"


def test_errors_are_openais(client: OpenAI, hive: LlmHive) -> None:
    with pytest.raises(openai.NotFoundError) as unknown:
        client.chat.completions.create(model="nope", messages=HELLO)
    assert (unknown.value.code, unknown.value.type) == ("model_not_found", "invalid_request_error")
    stranger = OpenAI(base_url=f"{hive.gateway.url}/v1", api_key="sk-wrong", max_retries=0)
    with pytest.raises(openai.AuthenticationError) as refused:
        stranger.chat.completions.create(model=MODEL, messages=HELLO)
    assert refused.value.code == "invalid_api_key"
    with pytest.raises(openai.BadRequestError) as wrong:
        client.chat.completions.create(model=MODEL, messages=HELLO, temperature=9)
    assert wrong.value.param == "temperature"
    with pytest.raises(openai.NotFoundError):
        client.get("/nothing-here", cast_to=object)


def test_what_the_backend_cannot_do_is_said_before_anything_is_sent(client: OpenAI) -> None:
    image = {"type": "image_url", "image_url": {"url": "data:image/png;base64,iVBORw0KGgo="}}
    with pytest.raises(openai.BadRequestError) as refused:
        client.chat.completions.create(model=MODEL, messages=[{"role": "user", "content": [image]}], stream=True)  # type: ignore[list-item,misc]
    assert refused.value.code == "unsupported_by_backend"


def test_a_model_that_does_not_think_answers_whoever_asks_for_thoughts(client: OpenAI) -> None:
    found = client.chat.completions.create(model=MODEL, messages=HELLO, max_tokens=4, temperature=0, reasoning_effort="low")
    assert found.choices[0].message.content
    assert not hasattr(found.choices[0].message, "reasoning_content")


TOWN = {"type": "object", "properties": {"town": {"type": "string", "maxLength": 12}}, "required": ["town"]}
DAYS = ["today", "tomorrow"]
DAY = {"type": "object", "properties": {"day": {"$ref": "#/$defs/day"}}, "required": ["day"], "$defs": {"day": {"enum": DAYS}}}
WEATHER = {"type": "function", "function": {"name": "weather", "description": "The weather of a town.", "parameters": TOWN}}
CALENDAR = {"type": "function", "function": {"name": "calendar", "description": "What a day brings.", "parameters": DAY}}


def test_a_tool_that_is_named_is_called(client: OpenAI, hive: LlmHive) -> None:
    asked = {
        "model": MODEL,
        "messages": [{"role": "user", "content": "Weather in Ulm?"}],
        "tools": [WEATHER, CALENDAR],
        "tool_choice": {"type": "function", "function": {"name": "weather"}},
        "temperature": 0,
    }
    raw = client.chat.completions.with_raw_response.create(**asked)  # type: ignore[call-overload]
    [choice] = raw.parse().choices
    [call] = choice.message.tool_calls
    assert (choice.finish_reason, choice.message.content, call.function.name) == ("tool_calls", None, "weather")
    assert list(json.loads(call.function.arguments)) == ["town"]
    assert call.id
    [stored] = hive.ended(raw.headers["x-hive-task"])["output"]["tool_calls"]  # type: ignore[index]
    assert (stored["name"], stored["id"]) == ("weather", call.id)
    parts = [
        part
        for chunk in client.chat.completions.create(**asked, stream=True)  # type: ignore[call-overload]
        for part in chunk.choices[0].delta.tool_calls or ()
    ]
    assert [part.function.name for part in parts if part.function.name] == ["weather"]
    assert list(json.loads("".join(part.function.arguments for part in parts))) == [
        "town"
    ]  # how it is spaced, the model chooses anew


def test_one_of_several_tools_is_called_where_one_must_be(client: OpenAI) -> None:
    found = client.chat.completions.create(
        model=MODEL,
        messages=[{"role": "user", "content": "What does tomorrow bring?"}],
        tools=[WEATHER, CALENDAR],  # type: ignore[list-item]
        tool_choice="required",
        temperature=0,
    )
    [choice] = found.choices
    [call] = choice.message.tool_calls or ()
    assert choice.finish_reason == "tool_calls"
    wanted = {"weather": "town", "calendar": "day"}
    [(name, value)] = json.loads(call.function.arguments).items()
    assert name == wanted[call.function.name]  # type: ignore[union-attr]
    assert name == "town" or value in DAYS


def test_a_call_that_is_cut_says_so(client: OpenAI) -> None:
    found = client.chat.completions.create(
        model=MODEL,
        messages=HELLO,
        tools=[WEATHER],  # type: ignore[list-item]
        tool_choice="required",
        max_tokens=2,
    )
    assert found.choices[0].finish_reason == "length"
