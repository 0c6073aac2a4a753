"""Ollama's protocol, byte for byte: the same request to a real Ollama and to a hive in front of it; and its own clients."""

import asyncio
import json
import subprocess
from collections.abc import Callable, Iterator
from typing import Any

import httpx
import pytest
from ollama import Client, ResponseError

from bus import auth
from tests.integration.gateway.parts import ADMIN_KEY, GatewayProcess
from tests.integration.llm.conftest import LlmHive
from tests.parts.ollama import MODEL, Ollama, ollama_binary
from tests.parts.registry import Registry

HI = [{"role": "user", "content": "Say hi"}]
FEW = {"num_predict": 3, "temperature": 0, "seed": 1}
TIMES = ("created_at", "modified_at", "expires_at")
DIFFERS = ("total_duration", "load_duration", "prompt_eval_duration", "eval_duration")
"""Of these the type is compared; `size` in /api/ps and the like are the host's own and the same."""


@pytest.fixture(scope="module")
def ollama_hive(start_hive: Callable[..., LlmHive], ollama: Ollama, registry: Registry) -> LlmHive:
    return start_hive(f"oak={ollama.url}?slots=2", models=1, HIVE_INSECURE_REGISTRIES=registry.address)


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


def test_a_model_is_shown_as_its_host_shows_it(both: Callable[..., Any], ollama_hive: LlmHive) -> None:
    ollama_hive.until("/api/tags", lambda answer: bool(answer.json()["models"]))
    direct, through = (answer.json() for answer in both("POST", "/api/show", {"model": MODEL}))
    assert list(through) == list(direct)
    for shown in (direct, through):  # Ollama tells its parameters in an order of the moment
        shown |= {name: sorted(shown[name].splitlines()) for name in ("parameters", "modelfile")}
    assert through == direct


@pytest.fixture
def own_client(ollama_hive: LlmHive) -> Iterator[Client]:
    with Client(host=ollama_hive.gateway.url, headers={"Authorization": f"Bearer {ADMIN_KEY}"}) as found:
        yield found


def test_ollamas_own_python_client(ollama_hive: LlmHive, own_client: Client) -> None:
    whole = own_client.chat(MODEL, HI, options=FEW)
    assert (whole.done, whole.done_reason, whole.eval_count) == (True, "length", 3)
    parts = list(own_client.chat(MODEL, HI, options=FEW, stream=True))
    assert "".join(part.message.content or "" for part in parts) == whole.message.content
    assert own_client.generate(MODEL, "Say hi", options=FEW).response == whole.message.content
    assert len(own_client.embed(MODEL, ["a", "b"]).embeddings) == 2
    assert [found.model for found in own_client.list().models] == [MODEL]
    assert own_client.show(MODEL).capabilities
    with pytest.raises(ResponseError) as unknown:
        own_client.chat("nope", HI)
    assert (unknown.value.status_code, unknown.value.error) == (404, 'model "nope" not found, try pulling it first')
    own_client.generate(MODEL, keep_alive=0)
    ollama_hive.until("/api/ps", lambda answer: not answer.json()["models"])
    assert own_client.generate(MODEL).done_reason == "load"
    ollama_hive.until("/api/ps", lambda answer: bool(answer.json()["models"]))


@pytest.fixture(scope="module")
def registry(ollama: Ollama) -> Iterator[Registry]:
    found = Registry(ollama.store)
    found.start()
    yield found
    found.stop()


@pytest.fixture(scope="module")
def keyless(ollama_hive: LlmHive, tmp_path_factory: pytest.TempPathFactory) -> Iterator[GatewayProcess]:
    """A gateway that gives whoever comes from this machine the admin's key."""
    keys = f"127.0.0.0/8=sha256:{auth.hash_key(ADMIN_KEY)}"
    with GatewayProcess(ollama_hive.server, tmp_path_factory.mktemp("keyless"), HIVE_ADDRESS_KEYS=keys) as gateway:
        asyncio.run(gateway.answers())
        yield gateway


def test_an_address_opens_the_doors_of_these_clients_alone(keyless: GatewayProcess) -> None:
    assert httpx.get(f"{keyless.url}/api/tags").status_code == 200
    assert httpx.get(f"{keyless.url}/v1/models").status_code == 200
    assert httpx.get(f"{keyless.url}/api/keys").status_code == 401
    assert httpx.get(f"{keyless.url}/api/tags", headers={"Authorization": "Bearer sk-wrong"}).status_code == 401
    assert httpx.get(f"{keyless.url}/api/tags", headers={"Origin": "http://elsewhere.example"}).status_code == 401


def test_ollamas_own_command_line(keyless: GatewayProcess, ollama_hive: LlmHive, registry: Registry) -> None:
    binary = ollama_binary()

    def run(*arguments: str) -> str:
        env = {"PATH": "/usr/bin:/bin", "HOME": str(registry.store), "OLLAMA_HOST": keyless.url}
        done = subprocess.run(
            [binary, *arguments], env=env, capture_output=True, text=True, timeout=60, stdin=subprocess.DEVNULL
        )
        assert done.returncode == 0, done.stderr
        return done.stdout

    assert run("run", MODEL, "Say hi").strip()
    ollama_hive.until("/api/ps", lambda answer: bool(answer.json()["models"]))
    assert MODEL in run("list")
    assert MODEL in run("ps")
    assert "134.52M" in run("show", MODEL)
    name = registry.name(MODEL)
    run("pull", name, "--insecure")
    ollama_hive.until("/api/tags", lambda answer: name in answer.text)
    run("rm", name)
    ollama_hive.until("/api/tags", lambda answer: name not in answer.text)
