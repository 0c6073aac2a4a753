"""Every kind of work, as the built-in llama.cpp and a real Ollama do it, or say that they cannot."""

import json
import struct
from base64 import b64decode
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from agent_sidecar.addresses import Address, parse_address
from agent_sidecar.answer import Answer
from agent_sidecar.backends.backend import Ask, Backend, Piece, Result
from agent_sidecar.backends.builtin import BuiltinBackend, installed, weights
from agent_sidecar.backends.ollama import OllamaBackend
from agent_sidecar.backends.openai import OpenAIBackend
from bus.errors import UnsupportedByBackend
from bus.messages import ChatMessage, OutcomeStatus, Output, TaskKind, Tool, ToolCall, Work
from tests.integration.agent_sidecar.conftest import StartAgent
from tests.integration.agent_sidecar.leader import Leader, offer
from tests.parts.ollama import MODEL, Ollama

TOOLS = (
    Tool(
        name="weather",
        description="Tells the weather of a town.",
        parameters={
            "type": "object",
            "properties": {"town": {"type": "string", "enum": ["Ulm", "Bonn"]}},
            "required": ["town"],
        },
    ),
)
CALLING = """{%- if tools %}<|im_start|>system
{% for tool in tools %}{{ tool | tojson }}
{% endfor %}For each call return <tool_call>
{"name": <name>, "arguments": <arguments>}
</tool_call><|im_end|>
{% endif %}{%- for message in messages %}<|im_start|>{{ message.role }}
{{ message.content }}{%- for call in message.tool_calls or [] %}<tool_call>
{"name": "{{ call.function.name }}", "arguments": {{ call.function.arguments | tojson }}}
</tool_call>{% endfor %}<|im_end|>
{% endfor %}{%- if add_generation_prompt %}<|im_start|>assistant
{% endif %}"""
"""A template with tools, as those of larger models are: the server's grammar then makes even a small one call."""


@pytest.fixture(params=["llama.cpp", "ollama"])
def backend(request: pytest.FixtureRequest) -> Backend:
    if request.param == "ollama":
        ollama: Ollama = request.getfixturevalue("ollama")
        return OllamaBackend(parse_address(ollama.url))
    address: Address = request.getfixturevalue("builtin_server")
    return OpenAIBackend(address)


async def answered(backend: Backend, ask: Ask) -> tuple[Output, Result]:
    answer = Answer(Output())
    async for item in backend.generate(ask):
        if isinstance(item, Result):
            return answer.output(item.finish_reason), item
        answer.add(item)
    raise AssertionError("no result")


def asking(kind: TaskKind, prompt: str = "", *, tokens: int = 8, **work: object) -> Ask:
    options = {"num_predict": tokens, "temperature": 0}
    return Ask(model=MODEL, kind=kind, prompt=prompt, options=options, work=Work.model_validate(work))


async def test_raw_text_is_written_on(backend: Backend) -> None:
    output, result = await answered(backend, asking(TaskKind.GENERATE, "One, two, three, four,", tokens=3, raw=True))
    assert "five" in output.text
    assert (result.finish_reason, result.usage.completion_tokens, result.context) == ("length", 3, None)


async def test_a_prompt_with_a_system_has_the_models_template(backend: Backend) -> None:
    raw, _ = await answered(backend, asking(TaskKind.GENERATE, "Say hello.", raw=True))
    output, result = await answered(backend, asking(TaskKind.GENERATE, "Say hello.", system="You are brief."))
    assert output.text
    assert output.text != raw.text
    assert result.usage.prompt_tokens > 5
    assert bool(result.context) is isinstance(backend, OllamaBackend)


async def test_a_generation_goes_on_from_its_context(ollama: Ollama) -> None:
    backend = OllamaBackend(parse_address(ollama.url))
    _, first = await answered(backend, asking(TaskKind.GENERATE, "Say hello."))
    assert first.context is not None
    _, second = await answered(backend, asking(TaskKind.GENERATE, "Again.", context=first.context))
    assert second.usage.prompt_tokens > len(first.context)


async def test_texts_become_vectors(backend: Backend) -> None:
    output, result = await answered(backend, asking(TaskKind.EMBED, input=["a cat", "a dog", "a cat"]))
    assert output.embeddings is not None
    one, other, same = (struct.unpack(f"<{len(data) // 4}f", data) for data in map(b64decode, output.embeddings))
    assert len(one) == 576
    assert one == pytest.approx(same, abs=1e-3)
    assert one != pytest.approx(other, abs=1e-3)
    assert result.usage.prompt_tokens >= 3


async def test_a_length_that_the_model_does_not_make_is_refused(backend: Backend) -> None:
    with pytest.raises(UnsupportedByBackend, match="dimensions"):
        await answered(backend, asking(TaskKind.EMBED, input=["a"], dimensions=7))


async def test_an_answer_follows_a_schema(backend: Backend) -> None:
    schema = {"type": "object", "properties": {"town": {"type": "string", "enum": ["Ulm", "Bonn"]}}, "required": ["town"]}
    work = Work(format=schema)
    ask = Ask(model=MODEL, messages=(ChatMessage(role="user", content="Name a town."),), options={"num_predict": 60}, work=work)
    output, _ = await answered(backend, ask)
    assert json.loads(output.text)["town"] in ("Ulm", "Bonn")


async def test_logprobs_are_told_or_refused_before_a_word(backend: Backend) -> None:
    ask = Ask(
        model=MODEL,
        messages=(ChatMessage(role="user", content="Hi"),),
        options={"num_predict": 4, "temperature": 0},
        work=Work(logprobs=True, top_logprobs=1),
    )
    if isinstance(backend, OllamaBackend):  # of the version that is tested with
        with pytest.raises(UnsupportedByBackend, match="logprobs"):
            await answered(backend, ask)
        return
    output, result = await answered(backend, ask)
    assert len(output.logprobs or ()) == result.usage.completion_tokens


@pytest.fixture(scope="module")
def calling_server() -> Iterator[Address]:
    """llama.cpp with a template that knows tools."""
    if not installed():
        pytest.skip("the built-in model is not installed (extra `embedded`)")

    class Calling(BuiltinBackend):
        def _parameters(self, found: Any, path: Path, key: str, pooling: Any) -> Any:
            found = super()._parameters(found, path, key, pooling)
            found.chat_template, found.use_jinja = CALLING, True
            return found

    assert weights() is not None
    backend = Calling(slots=1)
    backend.start()
    yield backend.address
    backend.stop()


async def test_a_call_of_a_tool_comes_in_parts(calling_server: Address) -> None:
    """A model that small calls a tool when it has seen itself do so."""
    talk: list[ChatMessage] = []
    for town in ("Bonn", "Ulm", "Bonn"):
        call = ToolCall(name="weather", arguments={"town": town}, id=f"call-{town}")
        talk += [ChatMessage(role="user", content=f"Weather in {town}?"), ChatMessage(role="assistant", tool_calls=(call,))]
    messages = (*talk, ChatMessage(role="user", content="Weather in Ulm?"))
    ask = Ask(model=MODEL, messages=messages, options={"num_predict": 60, "temperature": 0}, work=Work(tools=TOOLS))
    parts, answer = list[Piece](), Answer(Output())
    async for item in OpenAIBackend(calling_server).generate(ask):
        if isinstance(item, Piece):
            parts.append(item)
            answer.add(item)
        else:
            assert item.finish_reason == "tool_calls"
    [call, *_] = answer.output("tool_calls").tool_calls
    assert (call.name, call.arguments["town"] in ("Ulm", "Bonn"), bool(call.id)) == ("weather", True, True)
    assert sum(bool(part.tool_calls) for part in parts) > 1


async def test_who_cannot_be_made_to_call_says_so_and_is_not_blamed(
    leader: Leader, start_agent: StartAgent, ollama: Ollama
) -> None:
    await start_agent(OllamaBackend(parse_address(ollama.url)))
    agent = await leader.registered("acacia")
    what = offer(model=MODEL, tools=TOOLS, tool_choice="required")
    await leader.offer(agent, what)
    outcome = await leader.outcome(what)
    assert outcome.error is not None
    assert (outcome.status, outcome.error.code, outcome.retryable) == (OutcomeStatus.FAILED, "unsupported_by_backend", True)
    assert (await leader.ended(what))[-1].ending.error.code == "unsupported_by_backend"  # type: ignore[union-attr]


async def test_several_answers_are_one_attempt(leader: Leader, start_agent: StartAgent, builtin_server: Address) -> None:
    await start_agent(OpenAIBackend(builtin_server))
    agent = await leader.registered("acacia")
    what = offer(n=2, options={"num_predict": 4, "temperature": 1, "seed": 3})
    await leader.offer(agent, what)
    chunks, outcome = await leader.ended(what), await leader.outcome(what)
    [other] = outcome.output.others
    said = ["".join(chunk.text for chunk in chunks if chunk.choice == choice) for choice in (0, 1)]
    assert said == [outcome.output.text, other.text]
    assert outcome.usage.completion_tokens == 8
    assert chunks[-1].ending is not None
    assert (chunks[-1].offset, chunks[-1].ending.finish_reasons) == (len("".join(said)), ("length", "length"))
