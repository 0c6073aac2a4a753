"""Ollama's requests in the words of a task, its answers, and who is let in by an address."""

import json
from base64 import b64encode
from datetime import UTC, datetime
from struct import pack
from typing import Any
from uuid import uuid4

import pytest
from pydantic import ValidationError
from starlette.datastructures import Headers

from bus.errors import BackendRefused, Conflict, InvalidJson, InvalidRequest, QueueFull, StreamInterrupted, UnknownModel
from bus.follow import Delta
from bus.messages import AgentRecord, AgentStatus, Claims, FailureInfo, ModelInfo, Timings, ToolCall, ToolCallDelta, Usage
from bus.messages.aliases import ModelAlias
from bus.messages.models import JobStatus, ModelAction, ModelJob
from coordinator.gateway.address_keys import AddressKey, hash_for
from coordinator.gateway.llm.ollama import models
from coordinator.gateway.llm.ollama.answer import ChatWording, GenerateWording
from coordinator.gateway.llm.ollama.chat_request import chat_job, read_chat
from coordinator.gateway.llm.ollama.create_request import Create, definition_of, source_of
from coordinator.gateway.llm.ollama.embed_answer import numbers
from coordinator.gateway.llm.ollama.embed_request import embed_job, read_embed
from coordinator.gateway.llm.ollama.errors import respond, speaks
from coordinator.gateway.llm.ollama.generate_request import generate_job, read_generate
from coordinator.gateway.llm.ollama.moving import failure_of, made_on, pulled_to
from coordinator.gateway.llm.wording import Choice, Job, Whole
from coordinator.gateway.settings import GatewaySettings
from tests.unit.gateway.rooms import ACACIA

HI = [{"role": "user", "content": "Hi"}]
HASH = "ab" * 32


def chat(**more: Any) -> Job:
    return chat_job(read_chat(json.dumps({"model": "m", "messages": HI, **more}).encode()))


def test_a_chat_in_the_words_of_a_task() -> None:
    tool = {"type": "function", "function": {"name": "f", "description": "d", "parameters": {"type": "object"}}}
    found = chat(
        options={"num_predict": 5.0, "stop": ["END"], "top_k": None}, keep_alive="5m", format="json", think="low", tools=[tool]
    )
    assert found.work.options == {"num_predict": 5, "stop": ["END"], "keep_alive": "5m"}
    assert (found.work.format, found.work.think, found.work.streamed) == ("json", "low", True)
    assert [each.name for each in found.work.tools] == ["f"]
    assert found.metadata == {"door": "ollama"}
    assert not chat(stream=False).work.streamed
    assert chat(stream=None, format="", options=None).work.streamed


def test_a_history_keeps_its_calls_images_and_thoughts() -> None:
    history = [
        {"role": "user", "content": "a", "images": ["iVBORw0KGgo="]},
        {"role": "assistant", "thinking": "hm", "tool_calls": [{"function": {"name": "f", "arguments": {"a": 1}}}]},
        {"role": "tool", "content": "2", "tool_name": "f"},
    ]
    asked, called, answered = chat(messages=history).work.messages or ()
    assert asked.images == ("iVBORw0KGgo=",)
    assert (called.content, called.thinking, called.tool_calls[0].arguments) == ("", "hm", {"a": 1})
    assert answered.tool_name == "f"


@pytest.mark.parametrize(
    ("more", "said"),
    [
        ({"options": {"temperature": "warm"}}, 'option "temperature" must be of type float32'),
        ({"options": {"num_ctx": "8"}}, 'option "num_ctx" must be of type integer'),
        ({"options": {"stop": "x"}}, r'option "stop" must be of type \[\]string'),
        ({"keep_alive": "xx"}, 'time: invalid duration "xx"'),
        ({"format": "xml"}, "invalid format"),
        ({"think": "much"}, "invalid think value"),
        ({"messages": [{"role": "user", "content": "a", "images": ["!!"]}]}, "illegal base64 data"),
        ({"model": ""}, "model is required"),
    ],
)
def test_what_cannot_be_is_refused_in_ollamas_words(more: dict[str, Any], said: str) -> None:
    with pytest.raises(InvalidRequest, match=said):
        chat(**more)


def test_a_body_that_is_none() -> None:
    with pytest.raises(InvalidJson, match="missing request body"):
        read_chat(b"")
    with pytest.raises(UnknownModel, match="model '' not found"):
        read_generate(b"{}")
    with pytest.raises(InvalidRequest, match="raw mode does not support"):
        read_generate(b'{"model": "m", "prompt": "a", "raw": true, "system": "b"}')
    with pytest.raises(InvalidRequest, match="invalid input type"):
        embed_job(read_embed(b'{"model": "m", "input": 5}'))


@pytest.mark.parametrize("body", [{"model": "m"}, {"name": "m"}, {"model": "", "name": "m"}, {"model": "m", "name": ""}])
def test_a_model_is_named_by_either_field(body: dict[str, str]) -> None:
    assert read_chat(json.dumps(body).encode()).model == "m"


def test_a_prompt_keeps_what_goes_with_it() -> None:
    body = {"model": "m", "prompt": "a", "system": "s", "suffix": "z", "context": [1, 2], "raw": False, "template": ""}
    work = generate_job(read_generate(json.dumps(body).encode())).work
    assert (work.kind, work.prompt, work.system, work.suffix, work.context) == ("generate", "a", "s", "z", (1, 2))
    assert work.template is None
    assert not work.raw


def line(data: bytes) -> Any:
    return json.loads(data)


def test_the_end_has_ollamas_fields_in_ollamas_order() -> None:
    whole = Whole(
        choices=[Choice(text="Hi", finish_reason="length")], usage=Usage(prompt_tokens=2, completion_tokens=3), context=(1,)
    )
    whole.timings = Timings(load_seconds=0.5, prompt_seconds=0.25, generation_seconds=1)
    found = line(ChatWording("m").whole(whole))
    times = ["total_duration", "load_duration", "prompt_eval_count", "prompt_eval_duration", "eval_count", "eval_duration"]
    assert list(found) == ["model", "created_at", "message", "done_reason", "done", *times]
    assert (found["load_duration"], found["eval_duration"], found["done_reason"]) == (500_000_000, 10**9, "length")
    assert list(line(GenerateWording("m").whole(whole))) == [
        "model", "created_at", "response", "done", "done_reason", "context", *times
    ]  # fmt: skip


def test_a_call_is_told_when_it_is_whole() -> None:
    wording = ChatWording("m")

    def add(*calls: ToolCallDelta) -> bytes:
        return wording.stream_delta(Delta(number=1, offset=0, tool_calls=calls))

    assert add(ToolCallDelta(index=0, id="c", name="f", arguments='{"a"')) == b""
    [call] = line(add(ToolCallDelta(index=0, arguments=": 1}")))["message"]["tool_calls"]
    assert call == {"id": "c", "function": {"name": "f", "arguments": {"a": 1}}}
    assert add(ToolCallDelta(index=1, id="d", name="g", arguments="{}")) == b""
    late, end = map(line, wording.stream_end(Whole(choices=[Choice(finish_reason="tool_calls")])).splitlines())
    assert late["message"]["tool_calls"] == [{"id": "d", "function": {"index": 1, "name": "g", "arguments": {}}}]
    assert (end["done"], end["done_reason"]) == (True, "stop")


def test_thinking_and_calls_of_a_whole_answer() -> None:
    choice = Choice(thinking="hm", tool_calls=[ToolCall(name="f", arguments={"a": 1})], finish_reason="tool_calls")
    message = line(ChatWording("m").whole(Whole(choices=[choice])))["message"]
    assert message == {
        "role": "assistant",
        "content": "",
        "thinking": "hm",
        "tool_calls": [{"function": {"name": "f", "arguments": {"a": 1}}}],
    }


def test_every_line_is_json_and_a_failure_never_looks_like_an_end() -> None:
    wording = ChatWording("m")
    assert line(wording.stream_idle("queued"))["done"] is False
    assert line(wording.stream_error(StreamInterrupted("It broke."))) == {"error": "It broke."}


def test_errors_have_ollamas_form() -> None:
    full = respond(QueueFull("Full.", retry_after_seconds=7), "r")
    assert (full.status_code, full.headers["retry-after"], line(bytes(full.body))) == (503, "7", {"error": "Full."})
    assert respond(UnknownModel("x"), "r").status_code == 404
    assert respond(InvalidRequest("x"), "r").status_code == 400
    assert speaks("/api/chat")
    assert speaks("/api/blobs/sha256:0")
    assert not any(map(speaks, ("/api/models", "/api/tasks", "/api/models/pull", "/api/chat/")))


def test_numbers_of_a_vector_are_exact() -> None:
    given = pack("<4f", 0.1, -1e-30, 123456.789, 0.0)
    assert pack("<4f", *json.loads(numbers(b64encode(given).decode()))) == given


def agent(name: str, *found: ModelInfo, **more: Any) -> AgentRecord:
    return ACACIA.model_copy(update={"agent_id": name, "models": found, **more})


def test_models_are_those_of_all_hosts() -> None:
    small = ModelInfo(name="a:1b", loaded=True, memory_bytes=10, vram_bytes=4, size_bytes=8)
    fleet = [
        agent("oak", small),
        agent("elm", small, ModelInfo(name="b")),
        agent("ash", ModelInfo(name="c", loaded=True), status=AgentStatus.OFFLINE),
    ]
    there = fleet[:2]
    aliases = {"chat": ModelAlias(alias="chat", models=("c", "a:1b"))}
    everybody, one = Claims(sub="x", roles=()), Claims(sub="x", roles=(), models=("b",))
    assert [each["name"] for each in models.tags(there, {}, everybody)["models"]] == ["a:1b", "b:latest"]
    assert [each["name"] for each in models.tags(there, {}, one)["models"]] == ["b:latest"]
    assert {each["name"] for each in models.tags(there, aliases, everybody)["models"]} == {"a:1b", "b:latest"}
    [loaded] = models.ps(fleet, everybody)["models"]
    assert (loaded["size"], loaded["size_vram"]) == (20, 8)
    assert models.ps(fleet, one)["models"] == []
    assert pulled_to("b", fleet) == ("elm",)
    assert pulled_to("new", fleet) == ("oak",)
    assert pulled_to("new", [agent("far", backend="openai")]) == ()


def test_an_address_stands_for_a_key_only_where_none_is_shown_and_no_browser_asks() -> None:
    settings = GatewaySettings(address_keys=f"10.0.0.0/8=sha256:{HASH},10.1.0.0/16=sha256:{'cd' * 32}")  # type: ignore[arg-type]
    keys = settings.address_keys
    assert hash_for("10.2.0.1", Headers(), keys) == HASH
    assert hash_for("::ffff:10.1.0.1", Headers(), keys) == "cd" * 32
    for address in ("192.168.1.1", "::1", "testclient", None):
        assert hash_for(address, Headers(), keys) is None
    for shown in ("authorization", "x-api-key", "origin", "sec-fetch-site"):
        assert hash_for("10.2.0.1", Headers({shown: "x"}), keys) is None
    assert isinstance(keys[0], AddressKey)


@pytest.mark.parametrize("text", ["10.0.0.0/8", "10.0.0.1/8=sha256:" + HASH, "lan=sha256:" + HASH, "10.0.0.0/8=/nowhere/key"])
def test_a_range_that_is_none_is_refused(text: str) -> None:
    with pytest.raises(ValidationError):
        GatewaySettings(address_keys=text)  # type: ignore[arg-type]


def ollamas(**models: tuple[str, ...]) -> list[AgentRecord]:
    found = {name: tuple(ModelInfo(name=model) for model in having) for name, having in models.items()}
    return [
        ACACIA.model_copy(update={"agent_id": name, "backend": "ollama", "models": having}) for name, having in found.items()
    ]


def test_a_model_is_made_on_every_ollama_that_has_what_it_is_made_of() -> None:
    fleet = ollamas(oak=("a:latest",), elm=("a:latest", "b:latest"), ash=("c:1b",))
    assert made_on("b", "a", fleet) == ("oak", "elm")
    assert made_on("b", "nope", fleet) == ()
    assert made_on("new", "c:1b", [*fleet, fleet[2].model_copy(update={"agent_id": "fir", "backend": "openai"})]) == ("ash",)
    assert made_on("new", "c:1b", [fleet[2].model_copy(update={"status": AgentStatus.OFFLINE})]) == ()
    with pytest.raises(Conflict, match="b is on elm too"):
        made_on("b", "c:1b", fleet)


def test_a_definition_is_what_was_said_of_it() -> None:
    body = {"from": "a", "system": "s", "license": "MIT", "messages": [{"role": "user", "content": "x"}], "quantize": ""}
    asked = Create.model_validate({"model": "b", **body})
    found = definition_of(asked, source_of(asked))
    assert (found.source, found.system, found.license, found.quantize) == ("a", "s", ("MIT",), None)
    assert [(message.role, message.content) for message in found.messages] == [("user", "x")]
    for more in ({"files": {"a.gguf": "sha256:0"}}, {"modelfile": "FROM a"}, {"from": ""}):
        with pytest.raises(InvalidRequest):
            source_of(Create.model_validate({"model": "b", "from": "a", **more}))


def test_what_went_wrong_is_told_host_by_host_as_the_first_error() -> None:
    now = datetime.now(UTC)
    jobs = [
        ModelJob(
            id=uuid4(),
            agent_id=agent,
            instance="i",
            action=ModelAction.CREATE,
            model="b",
            created_at=now,
            updated_at=now,
            **ended,
        )
        for agent, ended in {
            "oak": {"status": JobStatus.COMPLETED},
            "elm": {"status": JobStatus.FAILED, "error": FailureInfo(code="backend_refused", message="No.")},
            "ash": {"status": JobStatus.FAILED, "error": FailureInfo(code="backend_error", message="Full.")},
            "fir": {"status": JobStatus.CANCELLED, "step": "anna cancelled it."},
        }.items()
    ]
    failure = failure_of(jobs)
    assert isinstance(failure, BackendRefused)
    assert failure.message == "elm: No. ash: Full. fir: anna cancelled it."
    assert failure_of(jobs[:1]) is None
    assert isinstance(failure_of(jobs[3:]), Conflict)
