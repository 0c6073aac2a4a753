"""The words of Ollama and of OpenAI's API, and what they mean here."""

import struct
from base64 import b64decode
from typing import Any

import pytest

from agent_sidecar.backends import ollama_answer as answers
from agent_sidecar.backends import ollama_wire as ollama
from agent_sidecar.backends import openai_request as openai
from agent_sidecar.backends.backend import Ask, Piece, PullStep
from agent_sidecar.backends.ollama_create import create_body, step_of
from agent_sidecar.backends.ollama_pull import PullProgress
from agent_sidecar.backends.openai_answer import Answer
from agent_sidecar.backends.openai_answer import embedded as openai_embedded
from agent_sidecar.backends.refusal import reason, refusal
from agent_sidecar.backends.residence import Footing
from agent_sidecar.backends.vectors import packed
from bus.errors import BackendError, BackendRefused, HiveError, ModelNotOnAgent, UnsupportedByBackend
from bus.messages import ChatMessage, NamedTool, TaskKind, Tool, ToolCall, ToolCallDelta, Work
from bus.messages.definitions import ModelDefinition

PNG = "iVBORw0KGgo="
CALL = ToolCall(name="weather", arguments={"town": "Ulm"})
HELLO = Ask(model="m", messages=(ChatMessage(role="user", content="Hi"),))
WEATHER = Tool(
    name="weather", description="Tells it.", parameters={"type": "object", "properties": {"town": {"type": "string"}}}
)
TALK = (
    ChatMessage(role="user", content="Weather?", images=(PNG,)),
    ChatMessage(role="assistant", tool_calls=(CALL,)),
    ChatMessage(role="tool", content="rain", tool_name="weather"),
)


def test_ollama_takes_what_stands_beside_its_options() -> None:
    ask = Ask(model="m", messages=TALK, options={"num_predict": 5, "think": False, "keep_alive": "5m", "format": "json"})
    body: Any = ollama.chat_body(ask, Footing())
    assert body["options"] == {"num_predict": 5}
    assert (body["think"], body["format"], body["stream"]) == (False, "json", True)
    assert body["messages"][0]["images"] == [PNG]
    assert body["messages"][1]["tool_calls"] == [{"function": {"name": "weather", "arguments": {"town": "Ulm"}}}]
    assert body["messages"][2]["tool_name"] == "weather"


def test_what_a_model_is_loaded_with_is_not_the_requests() -> None:
    ask = Ask(model="m", messages=TALK, options={"num_ctx": 512, "num_thread": 3, "num_gpu": 1, "keep_alive": 0, "top_k": 4})
    body: Any = ollama.chat_body(ask, Footing(num_ctx=4096, keep_alive=-1.0))
    assert body["options"] == {"num_ctx": 4096, "top_k": 4}
    assert body["keep_alive"] == -1
    assert "keep_alive" not in ollama.chat_body(ask, Footing(num_ctx=4096))


def test_what_an_ollama_tells_of_its_models() -> None:
    tags = ollama.Tags.model_validate({"models": [{"name": "a:1b", "size": 7, "digest": "d1"}, {"name": "b:1b", "size": 8}]})
    loaded = ollama.Loaded.model_validate({"models": [{"name": "a:1b", "size": 20, "size_vram": 12, "context_length": 4096}]})
    warm, cold = ollama.model_infos(tags, loaded, {"d1": 8192})
    assert (warm.loaded, warm.memory_bytes, warm.vram_bytes, warm.context_length) == (True, 20, 12, 4096)
    assert (warm.context_limit, warm.digest, warm.size_bytes) == (8192, "d1", 7)
    assert (cold.loaded, cold.memory_bytes, cold.context_limit) == (False, None, None)


def test_the_context_that_a_model_was_made_for_stands_under_its_architecture() -> None:
    told = {"general.architecture": "llama", "llama.context_length": 8192, "qwen2.context_length": 1}
    assert ollama.Shown(model_info=told).context_limit == 8192
    assert ollama.Shown().context_limit is None


def test_a_pull_adds_up_its_layers() -> None:
    progress = PullProgress()
    assert progress.take(b'{"status":"pulling manifest"}') == PullStep(said="pulling manifest")
    assert progress.take(b'{"status":"pulling aa","digest":"aa","total":100}') == PullStep(
        said="pulling aa", bytes_done=0, bytes_total=100
    )
    progress.take(b'{"status":"pulling aa","digest":"aa","total":100,"completed":100}')
    step = progress.take(b'{"status":"pulling bb","digest":"bb","total":10,"completed":5}')
    assert (step.bytes_done, step.bytes_total) == (105, 110)


@pytest.mark.parametrize("line", [b'{"error":"no space left on device"}', b"<html>"])
def test_a_pull_that_fails_says_why(line: bytes) -> None:
    with pytest.raises(BackendError, match=r"no space left|cannot be read"):
        PullProgress().take(line)


def test_ollamas_last_line_holds_counts_and_nanoseconds() -> None:
    line = answers.line_of(
        b'{"model":"m","message":{"role":"assistant","content":""},"done_reason":"stop","done":true,"total_duration":4000000000,'
        b'"load_duration":1500000000,"prompt_eval_count":10,"prompt_eval_duration":500000000,"eval_count":40,"eval_duration":2000000000}'
    )
    result = answers.Reading(HELLO).result(line)
    assert (result.usage.prompt_tokens, result.usage.completion_tokens, result.finish_reason) == (10, 40, "stop")
    assert (result.timings.load_seconds, result.timings.generation_seconds) == (1.5, 2)
    assert (result.timings.prompt_tokens_per_second, result.timings.generation_tokens_per_second) == (20, 20)


def test_ollamas_thinking_and_tool_calls() -> None:
    line = answers.line_of(
        b'{"message":{"role":"assistant","content":"","thinking":"hm",'
        b'"tool_calls":[{"function":{"name":"weather","arguments":{"town":"Ulm"}}}]},"done":false}'
    )
    piece = answers.Reading(HELLO).piece(line)
    [call] = piece.tool_calls
    assert (piece.thinking, call.index, call.name, call.arguments) == ("hm", 0, "weather", '{"town":"Ulm"}')
    assert (call.id or "").startswith("call_")


@pytest.mark.parametrize("line", [b'{"error":"CUDA out of memory"}', b"<html>", b'{"message":5}'])
def test_an_error_in_ollamas_stream_is_one(line: bytes) -> None:
    with pytest.raises(BackendError, match="See its log"):
        answers.line_of(line)


def test_a_prompt_cache_hit_without_counts_is_no_rate() -> None:
    result = answers.Reading(HELLO).result(answers.line_of(b'{"done":true,"eval_count":1,"eval_duration":0}'))
    assert result.usage.prompt_tokens == 0
    assert result.timings.generation_tokens_per_second is None


def test_ollamas_options_in_openais_words() -> None:
    found = openai.chat_options(
        {"num_predict": 5, "num_ctx": 4096, "keep_alive": 0, "temperature": 0.5, "top_k": 3, "format": "json", "think": False}
    )
    assert found == {
        "max_tokens": 5,
        "temperature": 0.5,
        "top_k": 3,
        "response_format": {"type": "json_object"},
        "chat_template_kwargs": {"enable_thinking": False},
    }
    assert "max_tokens" not in openai.chat_options({"num_predict": -1})
    form: Any = openai.chat_options({"format": {"type": "object"}})["response_format"]
    assert form["json_schema"]["schema"] == {"type": "object"}


def test_no_option_says_otherwise_than_the_task() -> None:
    """A key that may use one model would reach another, and an answer that is not streamed counts as a host's failure."""
    options: Any = {
        "model": "forbidden",
        "messages": [],
        "prompt": "other",
        "stream": False,
        "stream_options": {},
        "n": 9,
        "top_p": 0.5,
    }
    chat: Any = openai.chat_body(Ask(model="allowed", messages=TALK, options=options))
    assert (chat["model"], chat["stream"], chat["top_p"]) == ("allowed", True, 0.5)
    assert chat["messages"]
    assert "n" not in chat
    plain: Any = openai.completion_body(Ask(model="allowed", kind=TaskKind.GENERATE, prompt="mine", options=options))
    assert (plain["model"], plain["prompt"], plain["stream"]) == ("allowed", "mine", True)


def test_a_conversation_with_tools_and_images_in_openais_words() -> None:
    asked, called, answered = list(openai.chat_messages(TALK))
    content: Any = asked["content"]
    assert content[0] == {"type": "text", "text": "Weather?"}
    assert content[1]["image_url"]["url"] == f"data:image/png;base64,{PNG}"
    calls: Any = called["tool_calls"]
    assert calls[0]["function"] == {"name": "weather", "arguments": '{"town":"Ulm"}'}
    assert answered["tool_call_id"] == calls[0]["id"]


def test_two_answers_of_one_tool_are_told_apart() -> None:
    talk = (
        ChatMessage(role="assistant", tool_calls=(CALL, CALL)),
        ChatMessage(role="tool", content="1", tool_name="weather"),
        ChatMessage(role="tool", content="2", tool_name="weather"),
    )
    called, first, second = list(openai.chat_messages(talk))
    calls: Any = called["tool_calls"]
    assert [first["tool_call_id"], second["tool_call_id"]] == [call["id"] for call in calls]


def test_an_answer_put_together_from_its_chunks() -> None:
    answer = Answer()
    chunks = [
        b'{"choices":[{"delta":{"role":"assistant","content":null},"finish_reason":null}]}',
        b'{"choices":[{"delta":{"reasoning_content":"hm"}}]}',
        b'{"choices":[{"delta":{"content":"Hi"}}]}',
        b'{"choices":[{"delta":{"tool_calls":[{"index":0,"id":"c1","function":{"name":"weather","arguments":"{\\"to"}}]}}]}',
        b'{"choices":[{"delta":{"tool_calls":[{"index":0,"function":{"arguments":"wn\\":\\"Ulm\\"}"}}]}}]}',
        b'{"choices":[{"delta":{},"finish_reason":"tool_calls"}]}',
        b'{"choices":[],"usage":{"prompt_tokens":7,"completion_tokens":5}}',
    ]
    pieces = [answer.take(chunk, now) for now, chunk in enumerate(chunks)]
    calls = [piece.tool_calls for piece in pieces if piece is not None and piece.tool_calls]
    assert [pieces[0], pieces[1], pieces[2], pieces[5], pieces[6]] == [None, Piece(thinking="hm"), Piece(text="Hi"), None, None]
    assert calls == [
        (ToolCallDelta(index=0, id="c1", name="weather", arguments='{"to'),),
        (ToolCallDelta(index=0, arguments='wn":"Ulm"}'),),
    ]
    result = answer.result()
    assert (result.usage.prompt_tokens, result.usage.completion_tokens, result.finish_reason) == (7, 5, "tool_calls")
    assert result.timings.generation_tokens_per_second == pytest.approx(4 / 3)


def test_a_stream_that_breaks_off_is_no_answer() -> None:
    answer = Answer()
    answer.take(b'{"choices":[{"delta":{"content":"Hi"}}]}', 0)
    with pytest.raises(BackendError, match="in the middle"):
        answer.result()


def test_an_error_in_the_stream_is_one() -> None:
    with pytest.raises(BackendError, match="out of memory"):
        Answer().take(b'{"error":{"message":"out of memory","code":500}}', 0)
    with pytest.raises(BackendError, match="cannot be read"):
        Answer().take(b"<html>", 0)


@pytest.mark.parametrize(
    ("status", "body", "error"),
    [
        (400, b'{"error":{"message":"too long"}}', BackendRefused),
        (413, b"", BackendRefused),
        (404, b'{"error":"model not found"}', ModelNotOnAgent),
        (400, b'{"error":"a:1b does not support tools"}', UnsupportedByBackend),
        (500, b'{"error":{"message":"image input is not supported - hint: you may need mmproj"}}', UnsupportedByBackend),
        (501, b'{"error":{"message":"no embeddings"}}', UnsupportedByBackend),
        (500, b'{"error":{"message":"input (1501 tokens) is too large to process"}}', BackendRefused),
        (401, b"", BackendError),
        (429, b"", BackendError),
        (500, b"", BackendError),
        (503, b"loading", BackendError),
        (302, b"", BackendError),
        (500, b'{"error":"option \\"num_predict\\" must be of type integer"}', BackendRefused),
    ],
)
def test_only_what_every_host_would_refuse_is_refused_for_good(status: int, body: bytes, error: type[HiveError]) -> None:
    found = refusal(status, body, "http://a:1")
    assert type(found) is error
    assert found.message.startswith(f"http://a:1 answered {status}: {reason(body)}")


@pytest.mark.parametrize(
    "data",
    [
        b"<html>",
        b"[]",
        b'{"jobs":[]}',
        b'{"object":"error","message":"out of memory"}',
        b'{"choices":[],"error":{"message":"out of memory"}}',
        b'{"choices":[],"usage":{"prompt_tokens":-1}}',
        b'{"choices":[],"usage":{"prompt_tokens":99999999999}}',
        b'{"choices":[],"timings":{"prompt_ms":1e999}}',
    ],
)
def test_a_chunk_that_is_none_is_an_error(data: bytes) -> None:
    with pytest.raises(BackendError, match="See its log"):
        Answer().take(data, 0.0)


def test_a_backends_words_are_made_fit_to_show_and_to_store() -> None:
    assert reason(b'{"error":"\\u001b[2Jout\\u0000 of\\n\\nmemory."}') == "[2Jout of memory"
    assert reason(b"\x00\xff\x1b") == "\ufffd"


def test_what_stands_beside_a_conversation_in_ollamas_words() -> None:
    work = Work(tools=(WEATHER,), format={"type": "object"}, think="low", logprobs=True, top_logprobs=2)
    body: Any = ollama.chat_body(Ask(model="m", messages=TALK, work=work), Footing())
    function = {"name": "weather", "description": "Tells it.", "parameters": WEATHER.parameters}
    assert body["tools"] == [{"type": "function", "function": function}]
    assert (body["format"], body["think"], body["logprobs"], body["top_logprobs"]) == ({"type": "object"}, "low", True, 2)
    without = ollama.chat_body(Ask(model="m", messages=TALK, work=Work(tools=(WEATHER,), tool_choice="none")), Footing())
    assert "tools" not in without


def test_a_call_is_answered_by_its_id_or_by_its_tool() -> None:
    talk = (
        ChatMessage(role="assistant", thinking="hm", tool_calls=(CALL.model_copy(update={"id": "c7"}),)),
        ChatMessage(role="tool", content="rain", tool_call_id="c7"),
    )
    body: Any = ollama.chat_body(Ask(model="m", messages=talk), Footing())
    assert body["messages"][0] == {
        "role": "assistant",
        "content": "",
        "thinking": "hm",
        "tool_calls": [{"id": "c7", "function": {"name": "weather", "arguments": {"town": "Ulm"}}}],
    }
    assert body["messages"][1] == {"role": "tool", "content": "rain", "tool_name": "weather", "tool_call_id": "c7"}
    called, answered = list(openai.chat_messages(talk))
    assert (called["reasoning_content"], answered["tool_call_id"]) == ("hm", "c7")


def test_a_prompt_without_a_conversation() -> None:
    work = Work(system="Be brief.", images=(PNG,), context=(1, 2), suffix="}", template="{{ .Prompt }}")
    body: Any = ollama.generate_body(Ask(model="m", kind=TaskKind.GENERATE, prompt="Hi", work=work), Footing())
    assert {key: body[key] for key in ("prompt", "system", "images", "context", "suffix", "template")} == {
        "prompt": "Hi",
        "system": "Be brief.",
        "images": [PNG],
        "context": [1, 2],
        "suffix": "}",
        "template": "{{ .Prompt }}",
    }
    assert "raw" not in body
    raw = Ask(model="m", kind=TaskKind.GENERATE, prompt="Hi", work=Work(raw=True, logprobs=True))
    assert ollama.generate_body(raw, Footing())["raw"] is True
    assert openai.completion_body(raw)["prompt"] == "Hi"
    assert openai.completion_body(raw)["logprobs"] == 1
    asked: Any = openai.chat_body(Ask(model="m", kind=TaskKind.GENERATE, prompt="Hi", work=Work(system="Be brief.")))
    assert [message["role"] for message in asked["messages"]] == ["system", "user"]


@pytest.mark.parametrize(
    "work", [Work(suffix="}"), Work(template="{{ .Prompt }}"), Work(context=(1,)), Work(raw=True, images=(PNG,))]
)
def test_what_is_ollamas_alone_is_refused_elsewhere_before_it_begins(work: Work) -> None:
    with pytest.raises(UnsupportedByBackend):
        openai.check(Ask(model="m", kind=TaskKind.GENERATE, prompt="Hi", work=work))


@pytest.mark.parametrize("choice", ["required", NamedTool(name="weather")])
def test_an_ollama_cannot_be_made_to_call_a_tool(choice: Any) -> None:
    with pytest.raises(UnsupportedByBackend, match="tool_choice"):
        ollama.check(Ask(model="m", messages=TALK, work=Work(tools=(WEATHER,), tool_choice=choice)))


def test_tools_and_forms_in_openais_words() -> None:
    work = Work(tools=(WEATHER,), tool_choice=NamedTool(name="weather"), format="json", think="high", parallel_tool_calls=False)
    body: Any = openai.chat_body(Ask(model="m", messages=TALK, work=work))
    assert body["tools"][0]["function"]["parameters"] == WEATHER.parameters
    assert body["tool_choice"] == {"type": "function", "function": {"name": "weather"}}
    assert (body["response_format"], body["parallel_tool_calls"]) == ({"type": "json_object"}, False)
    assert (body["reasoning_effort"], body["chat_template_kwargs"]) == ("high", {"enable_thinking": True})


def test_a_generation_of_ollama_ends_with_its_context() -> None:
    reading = answers.Reading(HELLO)
    assert reading.piece(answers.line_of(b'{"response":"Hi","done":false}')) == Piece(text="Hi")
    result = reading.result(answers.line_of(b'{"response":"","done":true,"done_reason":"length","context":[1,2]}'))
    assert (result.finish_reason, result.context) == ("length", (1, 2))


def test_who_tells_no_logprobs_says_so_before_a_word_is_sent() -> None:
    ask = Ask(model="m", messages=HELLO.messages, work=Work(logprobs=True))
    with pytest.raises(UnsupportedByBackend, match="logprobs"):
        answers.Reading(ask).piece(answers.line_of(b'{"message":{"content":"Hi"},"done":false}'))
    with pytest.raises(UnsupportedByBackend, match="logprobs"):
        Answer(logprobs=True).take(b'{"choices":[{"delta":{"content":"Hi"}}]}', 0)


def test_logprobs_come_with_as_many_of_the_likeliest_as_were_asked_for() -> None:
    said = (
        b'{"choices":[{"delta":{"content":"B"},"logprobs":{"content":[{"id":50,"token":"B","bytes":[66],"logprob":-4.5,'
        b'"top_logprobs":[{"token":"H","bytes":[72],"logprob":-2},{"token":"I","bytes":[73],"logprob":-3}]}]}}]}'
    )
    for top in (0, 1):
        piece = Answer(logprobs=True, top=top).take(said, 0)
        assert piece is not None
        [token] = piece.logprobs
        assert (token.token, token.logprob, len(token.top_logprobs)) == ("B", -4.5, top)


def test_vectors_are_packed_whatever_the_server_sends() -> None:
    ask = Ask(model="m", kind=TaskKind.EMBED, work=Work(input=("a", "b")))
    wanted = (packed((0.5, -1.0)), packed((2.0, 0.25)))
    assert struct.unpack("<2f", b64decode(wanted[0])) == (0.5, -1.0)
    piece, result = answers.embedded(b'{"embeddings":[[0.5,-1],[2,0.25]],"prompt_eval_count":2}', ask)
    assert (piece.embeddings, result.usage.prompt_tokens) == (wanted, 2)
    entries = f'{{"index":1,"embedding":"{wanted[1]}"}},{{"index":0,"embedding":[0.5,-1]}}'
    piece, _ = openai_embedded(f'{{"data":[{entries}],"usage":{{"prompt_tokens":2}}}}'.encode(), ask)
    assert piece.embeddings == wanted


def test_vectors_that_are_missing_or_of_another_length_are_no_answer() -> None:
    data = b'{"embeddings":[[0.5,-1]]}'
    with pytest.raises(BackendError, match="1 vectors of 2"):
        answers.embedded(data, Ask(model="m", kind=TaskKind.EMBED, work=Work(input=("a", "b"))))
    with pytest.raises(UnsupportedByBackend, match="dimensions"):
        answers.embedded(data, Ask(model="m", kind=TaskKind.EMBED, work=Work(input=("a",), dimensions=3)))


def test_a_model_is_made_in_ollamas_words() -> None:
    made_of = ModelDefinition(source="a", system="Be brief.", parameters={"temperature": 0.5}, license=("MIT",))
    assert create_body("b", made_of) == {
        "model": "b", "from": "a", "stream": True, "system": "Be brief.", "parameters": {"temperature": 0.5}, "license": ["MIT"]
    }  # fmt: skip
    assert create_body("b", ModelDefinition(source="a")) == {"model": "b", "from": "a", "stream": True}


def test_the_lines_of_a_create() -> None:
    assert step_of(b'{"status":"writing manifest"}') == PullStep(said="writing manifest")
    with pytest.raises(BackendRefused, match="unclosed action"):
        step_of(b'{"error":"template error: unclosed action","status":400}')
    with pytest.raises(BackendError, match="no such file"):
        step_of(b'{"error":"open: no such file"}')
    with pytest.raises(BackendError, match="cannot be read"):
        step_of(b"<html>")
