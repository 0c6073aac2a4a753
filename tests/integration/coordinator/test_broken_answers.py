"""What nobody can go on with, when its host dies: calls of tools, answers of a given form, logprobs and several answers, at every door that has them.

Where nothing of it was shown it is written anew, unseen; else it ends in the protocol's own error. All kinds die with one host.
"""

import asyncio
import json
from collections.abc import AsyncIterator
from typing import Any

import pytest
from httpx import AsyncClient, Response

from bus import auth, subjects
from bus.messages import (
    Claims,
    DispatchOffer,
    Output,
    OutputChunk,
    Role,
    TokenLogprob,
    ToolCall,
    ToolCallDelta,
    Usage,
)
from bus.messages.dispatch import OutcomeStatus
from coordinator.gateway.gateway import open_gateway
from coordinator.gateway.settings import GatewaySettings
from tests.integration.coordinator.conftest import Hive
from tests.parts.scripted_sidecar import MODEL, ScriptedSidecar
from tests.unit.gateway.conftest import client_of

KEY = "sk-hive-broken-0123456789abcdef0123456789abcdef"
PATHS = {"openai": "/v1/chat/completions", "ollama": "/api/chat", "anthropic": "/v1/messages"}
SCHEMA = {"type": "object", "properties": {"at": {"type": "string"}}}
FUNCTION = {"type": "function", "function": {"name": "look", "parameters": SCHEMA}}
ASKED: dict[str, dict[str, Any]] = {
    "openai tools": {"tools": [FUNCTION]},
    "openai format": {"response_format": {"type": "json_object"}},
    "openai logprobs": {"logprobs": True},
    "openai n": {"n": 2},
    "ollama tools": {"tools": [FUNCTION]},
    "ollama format": {"format": "json"},
    "ollama schema": {"format": SCHEMA},
    "anthropic tools": {"tools": [{"name": "look", "input_schema": SCHEMA}], "max_tokens": 99},
}
BROKEN = '{"at": "the fi'
WHOLE = '{"at": "the second"}'
CALL = ToolCall(id="call_2", name="look", arguments={"at": "the second"}, written=WHOLE)


def begun(kind: str, number: int) -> OutputChunk:
    """What the dying host says of it: text, or a call."""
    if kind.endswith("tools"):
        call = ToolCallDelta(index=0, id="call_1", name="look", arguments=BROKEN)
        return OutputChunk(number=number, offset=0, tool_calls=(call,), tokens=3)
    logprobs = (TokenLogprob(token=BROKEN, logprob=-0.1),) if kind.endswith("logprobs") else ()
    return OutputChunk(number=number, offset=0, text=BROKEN, logprobs=logprobs, tokens=3)


def whole(kind: str) -> Output:
    if kind.endswith("tools"):
        return Output(tool_calls=(CALL,), finish_reason="tool_calls")
    logprobs = (TokenLogprob(token=WHOLE, logprob=-0.2),) if kind.endswith("logprobs") else None
    others = (Output(text=WHOLE, finish_reason="stop"),) if kind.endswith(" n") else ()
    return Output(text=WHOLE, logprobs=logprobs, others=others, finish_reason="stop")


class Crowd:
    """Every kind is asked for, and `acacia` has them all in hand."""

    def __init__(self, hive: Hive, client: AsyncClient) -> None:
        self._hive, self._client = hive, client
        self.asking: dict[str, asyncio.Task[Response]] = {}
        self.offers: dict[str, DispatchOffer] = {}

    async def ask(self, *, stream: bool) -> ScriptedSidecar:
        dying = await self._hive.distant_sidecar("acacia", slots=len(ASKED))
        await self._hive.model_is_known(MODEL.name)
        for kind, more in ASKED.items():
            known = {"model": MODEL.name, "messages": [{"role": "user", "content": kind}], "stream": stream}
            self.asking[kind] = asyncio.create_task(self._client.post(PATHS[kind.split()[0]], json=known | more))
        for _ in ASKED:
            offer = await dying.offered()
            self.offers[kind_of(offer)] = offer
        return dying

    async def say(self, dying: ScriptedSidecar) -> None:
        for kind, offer in self.offers.items():
            subject = subjects.output("acacia", offer.task_id, offer.attempt_id)
            await dying.bus.publish(subject, begun(kind, offer.number))
        await dying.bus.flush()

    async def answers(self) -> dict[str, Response]:
        async with asyncio.timeout(30):
            return {kind: await asking for kind, asking in self.asking.items()}

    async def completed_by(self, other: ScriptedSidecar) -> None:
        for _ in ASKED:
            offer = await other.offered()
            kind = kind_of(offer)
            assert (offer.number, offer.continue_from) == (2, None), kind
            usage = Usage(prompt_tokens=3, completion_tokens=5)
            await other.report(offer, OutcomeStatus.COMPLETED, output=whole(kind), usage=usage)


def kind_of(offer: DispatchOffer) -> str:
    assert offer.messages is not None
    return offer.messages[-1].content


@pytest.fixture
async def crowd(hive: Hive) -> AsyncIterator[Crowd]:
    """At a gateway of its own."""
    await hive.leading()
    await hive.bus.put(subjects.KV_KEYS, auth.hash_key(KEY), Claims(sub="anna", roles=(Role.DEVELOPER,)))
    async with open_gateway(hive.bus, GatewaySettings()) as gateway, client_of(gateway, KEY) as client:
        yield Crowd(hive, client)


@pytest.mark.parametrize("said", [False, True], ids=["before a word", "after some words"])
async def test_what_nobody_has_seen_is_written_anew(hive: Hive, crowd: Crowd, *, said: bool) -> None:
    dying = await crowd.ask(stream=False)
    if said:
        await crowd.say(dying)
    other = await hive.sidecar("birch", slots=len(ASKED))
    await dying.lose_connection()
    await crowd.completed_by(other)
    for kind, answer in (await crowd.answers()).items():
        assert answer.status_code == 200, (kind, answer.text)
        found = answer.text.replace("\\", "")
        assert ("the fi" in found, found.count("the second")) == (
            False,
            2 if kind.endswith(" n") else 1 + found.count('"token"'),
        ), kind


async def test_a_stream_that_has_not_begun_is_written_anew(hive: Hive, crowd: Crowd) -> None:
    dying = await crowd.ask(stream=True)
    other = await hive.sidecar("birch", slots=len(ASKED))
    await dying.lose_connection()
    await crowd.completed_by(other)
    for kind, answer in (await crowd.answers()).items():
        assert error_of(kind, answer.text) is None, kind
        assert "the second" in answer.text, kind


async def test_a_stream_that_has_begun_ends_in_the_protocols_error(hive: Hive, crowd: Crowd) -> None:
    dying = await crowd.ask(stream=True)
    await crowd.say(dying)
    other = await hive.sidecar("birch", slots=len(ASKED))
    await dying.lose_connection()
    for kind, answer in (await crowd.answers()).items():
        message = error_of(kind, answer.text)
        assert message is not None, (kind, answer.text)
        assert "cannot be gone on with" in message, kind
        record = await hive.ended(crowd.offers[kind].task_id)
        assert (record.status, record.error and record.error.code) == ("failed", "stream_interrupted"), kind
    assert other.offers.empty()


def error_of(kind: str, stream: str) -> str | None:
    """What the stream ends with, if that is an error of its protocol and nothing in it says that the answer is whole."""
    last = stream.rstrip("\n").split("\n")[-1]
    match kind.split()[0]:
        case "openai":
            if last == "data: [DONE]":
                return None
            assert "[DONE]" not in stream
            assert not any(choice["finish_reason"] for data in chunks(stream) for choice in data.get("choices", ()))
            message = json.loads(last.removeprefix("data: "))["error"]["message"]
        case "ollama":
            lines = [json.loads(line) for line in stream.splitlines()]
            if lines[-1].get("done"):
                return None
            assert not any(line.get("done") for line in lines)
            message = lines[-1]["error"]
        case _:
            types = [data["type"] for data in chunks(stream)]
            if types[-1] == "message_stop":
                return None
            assert not {"message_stop", "message_delta"} & set(types)
            assert types[-1] == "error"
            message = json.loads(last.removeprefix("data: "))["error"]["message"]
    return str(message)


def chunks(stream: str) -> list[dict[str, Any]]:
    return [json.loads(line[6:]) for line in stream.splitlines() if line.startswith("data: {")]
