"""Ollama's protocol, byte for byte: the same request to a real Ollama and to a hive in front of it; and its own clients."""

import json
from collections.abc import Callable
from typing import Any

import httpx
import pytest

from tests.integration.gateway.parts import ADMIN_KEY
from tests.integration.llm.conftest import LlmHive
from tests.parts.ollama import MODEL, Ollama

HI = [{"role": "user", "content": "Say hi"}]
FEW = {"num_predict": 3, "temperature": 0, "seed": 1}
TIMES = ("created_at", "modified_at", "expires_at")
DIFFERS = ("total_duration", "load_duration", "prompt_eval_duration", "eval_duration")
"""Of these the type is compared; `size` in /api/ps and the like are the host's own and the same."""


@pytest.fixture(scope="module")
def ollama_hive(start_hive: Callable[..., LlmHive], ollama: Ollama) -> LlmHive:
    return start_hive(f"oak={ollama.url}?slots=2", models=1)


@pytest.fixture
def both(ollama_hive: LlmHive, ollama: Ollama) -> Callable[..., tuple[httpx.Response, httpx.Response]]:
    """The same request to both: the Ollama's answer, and Hive's."""

    def ask(method: str, path: str, body: object = None) -> tuple[httpx.Response, httpx.Response]:
        content = body if isinstance(body, bytes) else None if body is None else json.dumps(body).encode()
        direct = httpx.request(method, f"{ollama.url}{path}", content=content, timeout=60)
        return direct, ollama_hive.client.request(method, path, content=content)

    return ask


def shape(value: Any, name: str = "") -> Any:
    """Fields in their order, and values: but for times, durations and numbers behind the point, whose type is what counts."""
    if isinstance(value, dict):
        return [(key, shape(each, key)) for key, each in value.items()]
    if isinstance(value, list):
        return [shape(each, name) for each in value]
    if isinstance(value, float):
        return round(value, 3)
    return type(value).__name__ if name in TIMES or name in DIFFERS else value


def lines(response: httpx.Response) -> list[Any]:
    return [json.loads(line) for line in response.text.splitlines()]


def kind(response: httpx.Response) -> tuple[int, str]:
    return response.status_code, response.headers["content-type"].partition(";")[0]


@pytest.mark.parametrize(
    ("path", "body"),
    [
        ("/api/chat", {"messages": HI, "options": FEW}),
        ("/api/chat", {"messages": [{"role": "system", "content": "Be brief."}, *HI], "options": FEW}),
        ("/api/chat", {"messages": HI, "options": FEW, "format": {"type": "object", "properties": {"a": {"type": "integer"}}, "required": ["a"]}}),
        ("/api/chat", {"messages": []}),
        ("/api/generate", {"prompt": "Say hi", "options": FEW}),
        ("/api/generate", {"prompt": "Rome is", "options": FEW, "raw": True}),
        ("/api/generate", {"prompt": "Say hi", "options": FEW, "system": "Be brief.", "context": [1, 4093, 198]}),
        ("/api/generate", {}),
        ("/api/embed", {"input": "a"}),
        ("/api/embed", {"input": ["a", "b"]}),
        ("/api/embed", {"input": []}),
        ("/api/embeddings", {"prompt": ""}),
    ],
)  # fmt: skip
def test_an_answer_at_once_has_the_same_fields(both: Callable[..., Any], path: str, body: dict[str, Any]) -> None:
    both("POST", path, {"model": MODEL, **body, "stream": False})  # so that both find it in memory, and its prompt read
    direct, through = both("POST", path, {"model": MODEL, **body, "stream": False})
    assert kind(through) == kind(direct) == (200, "application/json")
    assert shape(through.json()) == shape(direct.json())


def one_text(found: list[Any]) -> list[Any]:
    """The pieces of a stream as one: Hive may send two tokens in one line."""
    said = [(line.get("message") or line).get("content", line.get("response")) for line in found[:-1]]
    keys = {json.dumps(shape({**line, "message": None, "response": None})) for line in found[:-1]}
    assert len(keys) == 1
    return ["".join(said), *keys, shape(found[-1])]


@pytest.mark.parametrize(
    ("path", "body"),
    [
        ("/api/chat", {"messages": HI, "options": FEW}),
        ("/api/generate", {"prompt": "Say hi", "options": FEW}),
        ("/api/generate", {"prompt": "Rome is", "options": FEW, "raw": True}),
    ],
)
def test_a_stream_has_the_same_lines(both: Callable[..., Any], path: str, body: dict[str, Any]) -> None:
    both("POST", path, {"model": MODEL, **body})
    direct, through = both("POST", path, {"model": MODEL, **body})
    assert kind(through) == kind(direct) == (200, "application/x-ndjson")
    assert [list(line) for line in lines(through)[:1]] == [list(line) for line in lines(direct)[:1]]
    assert one_text(lines(through)) == one_text(lines(direct))


@pytest.mark.parametrize("path", ["/api/version", "/api/tags", "/api/ps", "/"])
def test_what_is_looked_at(both: Callable[..., Any], ollama_hive: LlmHive, path: str) -> None:
    both("POST", "/api/generate", {"model": MODEL})
    ollama_hive.until("/api/ps", lambda answer: bool(answer.json()["models"]))
    direct, through = both("GET", path)
    assert kind(through) == kind(direct)
    if path == "/":
        assert through.text == direct.text
    elif path == "/api/version":
        assert list(through.json()) == list(direct.json())
    else:
        assert shape(through.json()) == shape(direct.json())
    assert both("HEAD", path)[1].status_code == 200


@pytest.mark.parametrize("path", ["chat", "generate", "embed", "embeddings", "show"])
@pytest.mark.parametrize(
    "body", [b"", {}, {"model": "nope", "messages": HI, "prompt": "x", "input": "x"}, b'{"a', {"model": 5}]
)
def test_errors_have_the_same_status_and_form(both: Callable[..., Any], path: str, body: object) -> None:
    direct, through = both("POST", f"/api/{path}", body)
    assert kind(through) == kind(direct)
    assert list(through.json()) == list(direct.json()) == ["error"]
    if body in (b"", {}) or (isinstance(body, dict) and body["model"] == "nope"):
        assert through.json() == direct.json()


def test_a_key_is_needed_and_an_unknown_path_says_so(ollama_hive: LlmHive) -> None:
    stranger = httpx.get(f"{ollama_hive.gateway.url}/api/tags")
    assert (stranger.status_code, list(stranger.json())) == (401, ["error"])
    wrong = ollama_hive.client.get("/api/chat")
    assert (wrong.status_code, list(wrong.json())) == (405, ["error"])
    assert ADMIN_KEY not in stranger.text
