"""Ollama's protocol, byte for byte: the same request to a real Ollama and to a hive in front of it; and its own clients."""

import asyncio
import json
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path
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
SECONDS = 110
"""For an answer of forty tokens where others use the machine too."""
PIXEL = "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAQAAAC1HAwCAAAAC0lEQVR42mNk+A8AAQUBAScY42YAAAAASUVORK5CYII="
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
        direct = httpx.request(method, f"{ollama.url}{path}", content=content, timeout=SECONDS)
        return direct, ollama_hive.client.request(method, path, content=content, timeout=SECONDS)

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
        ("/api/chat", {"messages": [{"role": "user", "content": "What is this?", "images": [PIXEL]}], "options": FEW}),
        ("/api/chat", {"messages": HI, "options": FEW, "think": True}),
        ("/api/chat", {"messages": []}),
        ("/api/generate", {"prompt": "Say hi", "options": FEW}),
        ("/api/generate", {"prompt": "Rome is", "options": FEW, "raw": True}),
        ("/api/generate", {"prompt": "What is this?", "images": [PIXEL], "options": FEW}),
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


TEMPLATE = """{{- if .Tools }}<|im_start|>system
{{ .Tools }}<|im_end|>
{{ end }}{{- range .Messages }}<|im_start|>{{ .Role }}
{{ .Content }}{{ range .ToolCalls }}{"name": "{{ .Function.Name }}", "arguments": {{ .Function.Arguments }}}{{ end }}<|im_end|>
{{ end }}<|im_start|>assistant
"""
"""Shows a model its tools, and Ollama the form of a call."""
TOWN = {"type": "object", "properties": {"town": {"type": "string"}}, "required": ["town"]}
WEATHER = {"type": "function", "function": {"name": "weather", "description": "", "parameters": TOWN}}
CALL = {
    "type": "object",
    "properties": {"name": {"type": "string", "enum": ["weather"]}, "arguments": TOWN},
    "required": ["name", "arguments"],
}
"""So small a model calls its tool when it can write nothing else; what it writes is a call all the same."""


@pytest.fixture
def with_tools(ollama: Ollama, ollama_hive: LlmHive) -> Iterator[str]:
    """The same model, by a template that knows tools. Its weights are in memory under one name at a time, so it leaves it again."""
    ollama.make_model("tools", template=TEMPLATE)
    ollama_hive.until("/api/tags", lambda answer: "tools:latest" in answer.text)
    yield "tools"
    ollama_hive.client.post("/api/generate", json={"model": "tools", "keep_alive": 0}).raise_for_status()
    ollama.remove_model("tools")
    ollama_hive.until("/api/tags", lambda answer: "tools:latest" not in answer.text)


def calling(response: httpx.Response) -> list[Any]:
    """Lines without what Hive adds: ids of calls, which older Ollamas do not give, and lines that only keep a stream alive."""
    found = [line for line in lines(response) if line["done"] or line["message"]["content"] or "tool_calls" in line["message"]]
    for call in (call for line in found for call in line["message"].get("tool_calls", ())):
        call.pop("id", None)
    return found


@pytest.mark.slow
def test_a_tool_is_called_and_its_result_taken(both: Callable[..., Any], with_tools: str) -> None:
    asked = [{"role": "user", "content": "Weather in Ulm?"}]
    body = {"model": with_tools, "tools": [WEATHER], "messages": asked, "options": {**FEW, "num_predict": 40}}
    both("POST", "/api/chat", {**body, "options": {**FEW, "num_predict": 1}})
    direct, through = map(calling, both("POST", "/api/chat", {**body, "format": CALL}))
    [call] = direct[0]["message"]["tool_calls"]
    assert (call["function"]["name"], list(call["function"]["arguments"])) == ("weather", ["town"])
    assert shape(through) == shape(direct)
    history = [*asked, {"role": "assistant", "content": "", "tool_calls": [call]}, {"role": "tool", "content": "rain"}]
    answering = {**body, "messages": history, "stream": False, "options": FEW}
    both("POST", "/api/chat", answering)
    direct, through = both("POST", "/api/chat", answering)
    assert shape(through.json()) == shape(direct.json())


def test_a_tool_that_the_model_cannot_call_is_refused_as_ollama_does(both: Callable[..., Any]) -> None:
    direct, through = both("POST", "/api/chat", {"model": MODEL, "messages": HI, "tools": [WEATHER]})
    assert kind(through) == kind(direct) == (400, "application/json")
    assert "does not support tools" in direct.json()["error"]
    assert "does not support tools" in through.json()["error"]


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
    else:  # a model that another test has just removed is gone with its host's next heartbeat
        ollama_hive.until(path, lambda answer: shape(answer.json()) == shape(direct.json()))
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


@pytest.mark.slow
def test_ollamas_own_command_line(keyless: GatewayProcess, ollama_hive: LlmHive, registry: Registry, tmp_path: Path) -> None:
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
    modelfile = tmp_path / "Modelfile"
    modelfile.write_text(f'FROM {MODEL}\nSYSTEM "Be brief."\nPARAMETER temperature 0.5\n')
    run("create", "brief", "-f", str(modelfile))
    assert "Be brief." in run("show", "brief")
    run("cp", "brief", "short")
    assert "short:latest" in run("list")
    run("rm", "brief", "short")
    assert not {"brief:latest", "short:latest", name} & {line.split()[0] for line in run("list").splitlines() if line}


@pytest.mark.slow
def test_a_model_is_made_of_another_and_copied(both: Callable[..., Any], own_client: Client, ollama: Ollama) -> None:
    asked = {"from": MODEL, "system": "Be brief.", "template": "{{ .Prompt }}", "parameters": {"temperature": 0.5}}
    steps = list(own_client.create("brief", stream=True, from_=MODEL, system="Be brief.", parameters={"temperature": 0.5}))
    assert steps[-1].status == "success"
    assert own_client.generate("brief", "Say hi", options=FEW).response, "it can be asked as soon as it is made"
    direct, through = both("POST", "/api/create", {"model": "brief", **asked, "stream": False})
    assert (kind(through), through.json()) == (kind(direct), direct.json())
    assert "SYSTEM Be brief." in (own_client.show("brief").modelfile or "")
    direct, through = both("POST", "/api/copy", {"source": "brief", "destination": "short"})
    assert (through.status_code, through.content) == (direct.status_code, direct.content) == (200, b"")
    assert {"brief:latest", "short:latest"} <= ollama.on_disk()
    own_client.generate("brief", keep_alive=0)
    own_client.delete("brief")
    own_client.delete("short")
    assert not {"brief:latest", "short:latest"} & ollama.on_disk()
    listed = {model.model for model in own_client.list().models}
    assert not {"brief:latest", "short:latest"} & listed, "what was deleted is listed no more"


@pytest.mark.parametrize(
    ("path", "body", "same"),
    [
        ("create", {"model": "", "from": MODEL}, True),
        ("create", {"model": "bad name", "from": MODEL}, True),
        ("create", {"model": "b", "stream": False}, True),
        ("create", {"model": "b", "from": MODEL, "template": "{{ .Bad", "stream": False}, False),
        ("create", {"model": "b", "from": MODEL, "parameters": 5}, False),
        ("copy", {"source": "nope", "destination": "c"}, True),
        ("copy", {"source": "", "destination": "c"}, True),
        ("copy", {"source": "bad name", "destination": "c"}, True),
        ("copy", {"source": MODEL, "destination": ""}, True),
        ("copy", {}, True),
    ],
)
def test_a_model_that_cannot_be_made(both: Callable[..., Any], path: str, body: dict[str, Any], same: bool) -> None:
    direct, through = both("POST", f"/api/{path}", body)
    assert kind(through) == kind(direct)
    assert through.status_code >= 400
    assert "error" in through.json()
    assert "error" in direct.json()
    if same:
        assert through.json()["error"] == direct.json()["error"]


def test_what_a_model_cannot_be_made_of(ollama_hive: LlmHive) -> None:
    ask = ollama_hive.client.post
    missing = ask("/api/create", json={"model": "b", "from": "nope"})
    assert (missing.status_code, missing.json()["error"]) == (404, 'model "nope" not found, try pulling it first')
    of_files = ask("/api/create", json={"model": "b", "files": {"a.gguf": f"sha256:{'0' * 64}"}})
    assert of_files.status_code == 400
    assert "`files`" in of_files.json()["error"]
    said = ask("/api/create", json={"model": "b", "from": MODEL, "template": "{{ .Bad"}).text.splitlines()
    assert "template error" in json.loads(said[-1])["error"]
