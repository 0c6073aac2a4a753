"""The words of Ollama and of OpenAI's API, and what they mean here."""

from typing import Any

import pytest

from agent_sidecar.backends import ollama_wire as ollama
from agent_sidecar.backends import openai_request as openai
from agent_sidecar.backends.backend import Ask, Piece, PullStep
from agent_sidecar.backends.ollama_pull import PullProgress
from agent_sidecar.backends.openai_answer import Answer
from agent_sidecar.backends.refusal import reason, refusal
from agent_sidecar.backends.residence import Footing
from bus.errors import BackendError, BackendRefused, HiveError, ModelNotOnAgent
from bus.messages import ChatMessage, ToolCall

PNG = "iVBORw0KGgo="
CALL = ToolCall(name="weather", arguments={"town": "Ulm"})
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
    line = ollama.chat_line(
        b'{"model":"m","message":{"role":"assistant","content":""},"done_reason":"stop","done":true,"total_duration":4000000000,'
        b'"load_duration":1500000000,"prompt_eval_count":10,"prompt_eval_duration":500000000,"eval_count":40,"eval_duration":2000000000}'
    )
    result = ollama.result(line)
    assert (result.usage.prompt_tokens, result.usage.completion_tokens, result.finish_reason) == (10, 40, "stop")
    assert (result.timings.load_seconds, result.timings.generation_seconds) == (1.5, 2)
    assert (result.timings.prompt_tokens_per_second, result.timings.generation_tokens_per_second) == (20, 20)


def test_ollamas_thinking_and_tool_calls() -> None:
    line = ollama.chat_line(
        b'{"message":{"role":"assistant","content":"","thinking":"hm",'
        b'"tool_calls":[{"function":{"name":"weather","arguments":{"town":"Ulm"}}}]},"done":false}'
    )
    assert ollama.piece(line) == Piece(thinking="hm", tool_calls=(CALL,))


@pytest.mark.parametrize("line", [b'{"error":"CUDA out of memory"}', b"<html>", b'{"message":5}'])
def test_an_error_in_ollamas_stream_is_one(line: bytes) -> None:
    with pytest.raises(BackendError, match="See its log"):
        ollama.chat_line(line)


def test_a_prompt_cache_hit_without_counts_is_no_rate() -> None:
    result = ollama.result(ollama.chat_line(b'{"done":true,"eval_count":1,"eval_duration":0}'))
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
    growing = Piece()
    assert pieces == [None, Piece(thinking="hm"), Piece(text="Hi"), growing, growing, None, None]
    assert answer.calls() == (ToolCall(name="weather", arguments={"town": "Ulm"}, id="c1"),)
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


def test_arguments_that_are_no_object_are_an_error() -> None:
    answer = Answer()
    answer.take(b'{"choices":[{"delta":{"tool_calls":[{"index":0,"function":{"name":"w","arguments":"[1"}}]}}]}', 0)
    with pytest.raises(BackendError, match="no JSON object"):
        answer.calls()


@pytest.mark.parametrize(
    ("status", "body", "error"),
    [
        (400, b'{"error":{"message":"too long"}}', BackendRefused),
        (413, b"", BackendRefused),
        (404, b'{"error":"model not found"}', ModelNotOnAgent),
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
