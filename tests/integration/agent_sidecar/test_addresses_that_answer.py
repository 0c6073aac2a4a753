"""What answers at an address, and every way in which it can go wrong, over real sockets."""

from dataclasses import replace

import pytest

from agent_sidecar.addresses import Address, parse_address
from agent_sidecar.backends.backend import Ask, Piece, Result
from agent_sidecar.backends.detect import DetectedBackend, detect
from agent_sidecar.backends.ollama import OllamaBackend
from agent_sidecar.backends.openai import OpenAIBackend
from bus.errors import BackendError, BackendRefused, BackendUnreachable, InvalidRequest
from bus.messages import ChatMessage
from deploy.local.ports import free_port
from tests.integration.agent_sidecar.raw_server import Serve, answer

ASK = Ask(model="smollm2:135m", messages=(ChatMessage(role="user", content="Say hello."),), options={"num_predict": 8})


async def test_hive_itself_is_refused_with_or_without_a_key(serve: Serve) -> None:
    address = await serve(answer("401 Unauthorized", b'{"title":"no key"}', "X-Hive-Version: 0.1.0"))
    with pytest.raises(InvalidRequest, match="is Hive itself"):
        await detect(address)
    with pytest.raises(InvalidRequest, match="is Hive itself"):
        await OllamaBackend(address).models()


async def test_llama_cpp_is_found_out_and_told_apart_by_its_key(builtin_server: Address) -> None:
    assert await detect(builtin_server) == "openai"
    backend = DetectedBackend(builtin_server)
    assert [model.name for model in await backend.models()] == ["smollm2:135m"]
    assert (backend.kind, await backend.slots()) == ("openai", 2)
    assert "@" not in backend.endpoint
    items = [item async for item in backend.generate(ASK)]
    assert "".join(item.text for item in items if isinstance(item, Piece))
    assert isinstance(items[-1], Result)
    with pytest.raises(BackendRefused, match="cannot pull"):
        await backend.pull("llama3", lambda _step: None)


async def test_a_wrong_key_says_so(builtin_server: Address) -> None:
    wrong = replace(builtin_server, key="wrong")
    with pytest.raises(BackendError, match="Check the key"):
        _ = [item async for item in OpenAIBackend(wrong).generate(ASK)]
    with pytest.raises(BackendUnreachable, match="--key-file"):
        await detect(wrong)


async def test_a_web_server_is_no_backend(serve: Serve) -> None:
    with pytest.raises(BackendUnreachable, match="neither as Ollama"):
        await detect(await serve(answer("200 OK", b"<html>hello</html>")))


async def test_a_name_that_nobody_knows_and_a_port_where_nothing_listens() -> None:
    with pytest.raises(BackendUnreachable, match=r"nowhere\.invalid is not known"):
        await detect(parse_address("http://nowhere.invalid:11434"))
    for host in ("127.0.0.1", "localhost"):
        with pytest.raises(BackendUnreachable, match="nothing listens there"):
            await detect(parse_address(f"http://{host}:{free_port()}"))


async def test_a_server_that_says_nothing(serve: Serve) -> None:
    with pytest.raises(BackendUnreachable, match=r"did not answer /api/version within 0\.2 s"):
        await detect(await serve(b"", hang=True), timeout=0.2)
    with pytest.raises(BackendUnreachable, match=r"closed the connection|broke"):
        await detect(await serve(b""))


async def test_what_is_no_http_is_unreachable(serve: Serve) -> None:
    with pytest.raises(BackendUnreachable, match="broke"):
        await OllamaBackend(await serve(b"SSH-2.0-OpenSSH_9.6\r\n\r\n")).models()


async def test_an_answer_that_breaks_off_is_not_an_answer(serve: Serve) -> None:
    head = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"
    line = b'{"message":{"role":"assistant","content":"Hel"},"done":false}\n'
    cut = OllamaBackend(await serve(head + b"%x\r\n%s\r\n" % (len(line), line)))
    with pytest.raises(BackendUnreachable, match="broke"):
        _ = [item async for item in cut.generate(ASK)]
    ended = OllamaBackend(await serve(head + b"%x\r\n%s\r\n0\r\n\r\n" % (len(line), line)))
    items = [item async for item in ended.generate(ASK)]
    assert not any(isinstance(item, Result) for item in items)


async def test_comments_and_blank_lines_of_a_stream_are_passed_over(serve: Serve) -> None:
    body = (
        b': ping\n\ndata: {"choices":[{"delta":{"content":"Hi"},"finish_reason":null}]}\n\n'
        b'data: {"choices":[{"delta":{},"finish_reason":"stop"}]}\r\n\ndata: [DONE]\n\n'
    )
    items = [item async for item in OpenAIBackend(await serve(answer("200 OK", body))).generate(ASK)]
    assert [item.text for item in items if isinstance(item, Piece) and item.text] == ["Hi"]
    assert isinstance(items[-1], Result)


async def test_lm_studio_tells_what_is_loaded(serve: Serve) -> None:
    body = (
        b'{"data":[{"id":"qwen2.5-7b","type":"llm","state":"loaded","arch":"qwen2","max_context_length":32768},'
        b'{"id":"llama3","type":"llm","state":"not-loaded"},{"id":"nomic","type":"embeddings","state":"loaded"}]}'
    )
    models = await OpenAIBackend(await serve(answer("200 OK", body))).models()
    assert [(model.name, model.loaded) for model in models] == [("qwen2.5-7b", True), ("llama3", False)]
