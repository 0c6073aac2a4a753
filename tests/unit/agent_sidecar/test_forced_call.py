"""A call of a tool that must come: what the model is told and held to, what its text becomes, and what is no call."""

import json
from typing import Any

import pytest

from agent_sidecar.backends.backend import Ask, Piece, Result
from agent_sidecar.backends.forced_call import Calling, forced_body, must_call
from agent_sidecar.backends.openai_answer import Answer
from bus.errors import BackendError, UnsupportedByBackend
from bus.messages import ChatMessage, NamedTool, Tool, Work

PARAMETERS: Any = {"type": "object", "properties": {"town": {"type": "string"}}, "required": ["town"]}
WEATHER, TIME = Tool(name="weather", description="Tells it.", parameters=PARAMETERS), Tool(name="time")
HI = ChatMessage(role="user", content="Hi")


def ask(*tools: Tool, choice: Any = "required", messages: tuple[ChatMessage, ...] = (HI,)) -> Ask:
    return Ask(model="m", messages=messages, work=Work(tools=tools, tool_choice=choice, format="json"))


def schema_of(body: Any) -> Any:
    return body["response_format"]["json_schema"]["schema"]


def test_only_a_choice_that_leaves_no_choice_must_be_a_call() -> None:
    assert [must_call(Work(tools=(WEATHER,), tool_choice=choice)) for choice in ("auto", "none", "required")] == [
        False,
        False,
        True,
    ]
    assert must_call(Work(tools=(WEATHER,), tool_choice=NamedTool(name="weather")))


def test_a_tool_that_is_named_is_told_of_and_its_arguments_are_the_answer() -> None:
    body: Any = forced_body(ask(WEATHER, TIME, choice=NamedTool(name="weather")))
    assert schema_of(body) == PARAMETERS
    system, user = body["messages"]
    assert (system["role"], user["content"]) == ("system", "Hi")
    assert '"weather"' in system["content"]
    assert '"time"' not in system["content"]
    assert not {"tools", "tool_choice"} & set(body)


def test_one_of_several_is_called_by_its_name() -> None:
    first = ChatMessage(role="system", content="Be brief.")
    body: Any = forced_body(ask(WEATHER, TIME, messages=(first, HI)))
    system, _ = body["messages"]
    assert system["content"].startswith("Be brief.\n\nYou answer with a call of one of these functions")
    schema = schema_of(body)
    weather, time = schema["anyOf"]
    assert (list(weather["properties"]), weather["properties"]["name"]) == (["name", "arguments"], {"const": "weather"})
    assert referred(schema, weather["properties"]["arguments"]) == PARAMETERS
    assert referred(schema, time["properties"]["arguments"])["additionalProperties"] is False


def referred(schema: Any, reference: Any) -> Any:
    found = schema
    for part in reference["$ref"].removeprefix("#/").split("/"):
        found = found[part]
    return found


def test_what_a_schema_refers_to_is_found_where_it_is_one_of_several() -> None:
    town: Any = {"type": "object", "properties": {"name": {"type": "string"}, "near": {"$ref": "#/$defs/town"}}}
    parameters: Any = {"type": "object", "properties": {"to": {"$ref": "#/$defs/town"}}, "$defs": {"town": town}}
    named_so: Any = {"type": "object", "properties": {"$ref": {"type": "string"}, "again": {"anyOf": [{"$ref": "#"}]}}}
    tools = (Tool(name="go", parameters=parameters), Tool(name="refer", parameters=named_so))
    schema = schema_of(forced_body(ask(*tools)))
    go, refer = (referred(schema, each["properties"]["arguments"]) for each in schema["anyOf"])
    to = referred(schema, go["properties"]["to"])
    assert to["properties"]["name"] == {"type": "string"}
    assert referred(schema, to["properties"]["near"]) == to
    assert refer["properties"]["$ref"] == {"type": "string"}
    assert referred(schema, refer["properties"]["again"]["anyOf"][0]) == refer
    assert schema_of(forced_body(ask(tools[0]))) == parameters


def test_arguments_are_shown_as_they_are_written() -> None:
    calling = Calling(ask(WEATHER))
    first, second = calling.piece(Piece(text='{"town":')), calling.piece(Piece(text='"Ulm"}'))
    [begun], [more] = first.tool_calls, second.tool_calls
    assert (begun.name, begun.arguments, more.name, more.arguments) == ("weather", '{"town":', None, '"Ulm"}')
    assert begun.id
    assert not first.text
    last, result = calling.end(Result(finish_reason="stop"))
    assert (bool(last), result.finish_reason) == (False, "tool_calls")


def test_a_call_of_one_of_several_is_shown_when_it_is_whole() -> None:
    calling, text = Calling(ask(WEATHER, TIME)), json.dumps({"name": "weather", "arguments": {"town": "Ulm"}}, indent=1)
    assert not any(calling.piece(Piece(text=part)) for part in (text[:20], text[20:]))
    last, result = calling.end(Result(finish_reason="stop"))
    [call] = last.tool_calls
    assert (call.name, call.arguments, result.finish_reason) == ("weather", '{"town":"Ulm"}', "tool_calls")
    cut = Calling(ask(WEATHER, TIME))
    cut.piece(Piece(text=text[:-3]))
    last, result = cut.end(Result(finish_reason="length"))
    assert (last.tool_calls, result.finish_reason) == ((), "length")


def chunk(**delta: Any) -> bytes:
    return json.dumps({"choices": [{"delta": delta}]}).encode()


ENDED = b'{"choices":[{"delta":{},"finish_reason":"stop"}]}'


def test_text_in_place_of_a_call_is_refused_before_it_is_shown() -> None:
    with pytest.raises(UnsupportedByBackend, match="tool_choice"):
        Answer(must_call=True).take(chunk(content="It rains."), 0)
    silent = Answer(must_call=True)
    silent.take(ENDED, 0)
    with pytest.raises(UnsupportedByBackend, match="tool_choice"):
        silent.result()
    thinking = Answer(must_call=True)
    assert thinking.take(chunk(reasoning_content="hm"), 0)
    with pytest.raises(BackendError, match="tool_choice"):
        thinking.take(chunk(content="It rains."), 0)


def test_a_call_is_an_answer_whatever_stands_around_it() -> None:
    answer = Answer(must_call=True)
    answer.take(chunk(content="\n"), 0)
    assert answer.take(chunk(tool_calls=[{"index": 0, "id": "c", "function": {"name": "f", "arguments": "{}"}}]), 0)
    answer.take(ENDED, 0)
    assert answer.result().finish_reason == "tool_calls"
