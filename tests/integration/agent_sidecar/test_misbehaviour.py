"""Every way in which a backend can fail an attempt: with which code, that the agent is degraded, and that it comes back by itself."""

import asyncio
import gzip
import re
import socket
import struct
from collections.abc import Callable

import pytest

from agent_sidecar.backends.ollama import OllamaBackend
from bus.messages import AgentRegistration, AgentStatus, ControlAction, DispatchOffer, OfferVerdict, OutcomeStatus
from tests.integration.agent_sidecar.conftest import StartAgent
from tests.integration.agent_sidecar.leader import Leader, offer
from tests.integration.agent_sidecar.misbehaving import STREAM, Exchange, Misbehaving, Script, well

Make = Callable[..., Misbehaving]

FAST = {"heartbeat_seconds": 0.05, "probe_seconds": 0.1, "models_seconds": 0.2}
IMPATIENT = {"first_token_seconds": 0.6, "stall_seconds": 0.6}
DEADLINE_SECONDS = 20


async def hangs_at_once(exchange: Exchange) -> None:
    await exchange.left()


async def hangs_after_its_head(exchange: Exchange) -> None:
    await exchange.raw(STREAM)
    await exchange.left()


async def hangs_midway(exchange: Exchange) -> None:
    await exchange.raw(STREAM)
    await exchange.say("Hel")
    await exchange.left()


async def _for_ever(exchange: Exchange, data: bytes) -> None:
    while True:
        await exchange.raw(data)
        await asyncio.sleep(0.02)


async def drips_bytes(exchange: Exchange) -> None:
    await exchange.raw(STREAM)
    await _for_ever(exchange, b"1\r\nx\r\n")


async def drips_empty_words(exchange: Exchange) -> None:
    line = b'{"message":{"role":"assistant","content":""},"done":false}\n'
    await exchange.raw(STREAM)
    await _for_ever(exchange, b"%x\r\n%s\r\n" % (len(line), line))


async def drips_a_head(exchange: Exchange) -> None:
    await exchange.raw(b"HTTP/1.1 200 OK\r\nX: ")
    await _for_ever(exchange, b"x")


async def promises_for_ever(exchange: Exchange) -> None:
    await _for_ever(exchange, b"HTTP/1.1 102 Processing\r\n\r\n")


async def floods_its_head(exchange: Exchange) -> None:
    await exchange.raw(b"HTTP/1.1 200 OK\r\n" + b"X-Filler: 0123456789abcdef\r\n" * 100_000)
    await exchange.left()


async def resets_midway(exchange: Exchange) -> None:
    await exchange.raw(STREAM)
    await exchange.say("Hel")
    await asyncio.sleep(0.2)  # a reset overtakes what was sent and not yet read
    sock: socket.socket = exchange.writer.get_extra_info("socket")
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    exchange.writer.transport.abort()


async def closes_without_a_word(exchange: Exchange) -> None:
    return


async def ends_before_its_length(exchange: Exchange) -> None:
    await exchange.raw(b"HTTP/1.1 200 OK\r\nContent-Length: 5000\r\n\r\n")
    await exchange.raw(b'{"message":{"role":"assistant","content":"Hel"},"done":false}\n')


async def speaks_something_else(exchange: Exchange) -> None:
    await exchange.raw(b"220 mail.example ESMTP\r\n")


async def ends_early(exchange: Exchange) -> None:
    await exchange.raw(STREAM)
    await exchange.say("Hel")
    await exchange.raw(b"0\r\n\r\n")


def replies(status: str, body: bytes, *headers: str) -> Script:
    async def script(exchange: Exchange) -> None:
        await exchange.answer(status, body, *headers)

    return script


def streams(*lines: bytes) -> Script:
    async def script(exchange: Exchange) -> None:
        await exchange.raw(STREAM)
        await exchange.say("Hel")
        for line in lines:
            await exchange.chunk(line + b"\n")
        await exchange.left()

    return script


async def sends_a_line_without_end(exchange: Exchange) -> None:
    await exchange.raw(STREAM)
    for _ in range(20):
        await exchange.chunk(b"x" * 2**20)
    await exchange.left()


CASES: dict[str, tuple[Script, str, str, str]] = {
    "hangs before its first token": (hangs_at_once, "backend_stalled", "no first token", ""),
    "hangs after its head": (hangs_after_its_head, "backend_stalled", "no first token", ""),
    "hangs midway": (hangs_midway, "backend_stalled", "no token", "Hel"),
    "drips bytes": (drips_bytes, "backend_stalled", "no first token", ""),
    "drips empty words": (drips_empty_words, "backend_stalled", "no first token", ""),
    "drips a head": (drips_a_head, "backend_stalled", "no first token", ""),
    "promises for ever": (promises_for_ever, "backend_stalled", "no first token", ""),
    "floods its head": (floods_its_head, "backend_unreachable", "broke", ""),
    "resets midway": (resets_midway, "backend_unreachable", "broke", "Hel"),
    "closes without a word": (closes_without_a_word, "backend_unreachable", "broke: it was closed without an answer", ""),
    "ends before its length": (ends_before_its_length, "backend_unreachable", "broke: it was closed in the middle", "Hel"),
    "speaks something else": (speaks_something_else, "backend_unreachable", "broke", ""),
    "ends early": (ends_early, "backend_error", "without its final message", "Hel"),
    "answers nothing": (replies("200 OK", b""), "backend_error", "without its final message", ""),
    "answers a web page": (replies("200 OK", b"<html>\x1b[2J\x00hello</html>"), "backend_error", "cannot be read", ""),
    "answers JSON of another shape": (replies("200 OK", b'{"jobs":[]}'), "backend_error", "cannot be read", ""),
    "answers JSON that is no object": (replies("200 OK", b"[1,2]"), "backend_error", "cannot be read", ""),
    "counts below zero": (streams(b'{"done":true,"eval_count":-5}'), "backend_error", "cannot be read", "Hel"),
    "counts beyond all bounds": (streams(b'{"done":true,"eval_count":99999999999}'), "backend_error", "cannot be read", "Hel"),
    "nests without end": (streams(b"[" * 100_000), "backend_error", "cannot be read", "Hel"),
    "breaks off into nonsense": (streams(b"\xff\xfe\x00"), "backend_error", "cannot be read", "Hel"),
    "fails midway": (streams(b'{"error":"CUDA error: out of memory"}'), "backend_error", "out of memory", "Hel"),
    "calls a tool with what cannot be stored": (
        streams(b'{"message":{"tool_calls":[{"function":{"name":"f","arguments":{"a":"\\u0000"}}}]}}'),
        "backend_error",
        "cannot be stored",
        "Hel",
    ),
    "sends a line without end": (sends_a_line_without_end, "backend_error", "more than", ""),
    "sends what is packed": (
        replies("200 OK", gzip.compress(b" " * 50_000_000), "Content-Encoding: gzip"),
        "backend_error",
        "cannot be read",
        "",
    ),
    "answers 500": (replies("500 Internal Server Error", b"\x00oops"), "backend_error", "answered 500: oops", ""),
    "is busy": (replies("503 Service Unavailable", b'{"error":"server busy"}'), "backend_error", "server busy", ""),
    "sends elsewhere": (replies("302 Found", b"", "Location: http://127.0.0.1:1/"), "backend_error", "answered 302", ""),
    "asks for a key": (replies("401 Unauthorized", b""), "backend_error", "Check the key", ""),
    "cannot load the model": (
        replies("500 Internal Server Error", b'{"error":"llama runner process has terminated: exit status 2"}'),
        "backend_error",
        "runner process has terminated",
        "",
    ),
    "lists a model that it does not have": (
        replies("404 Not Found", b'{"error":"model \\"llama3\\" not found"}'),
        "model_not_on_agent",
        "not found",
        "",
    ),
}


async def runs(leader: Leader, agent: AgentRegistration, what: DispatchOffer) -> None:
    assert (await leader.offer(agent, what)).verdict is OfferVerdict.ACCEPTED


async def is_(leader: Leader, status: AgentStatus) -> str:
    """The reason that comes with it."""
    return (await leader.heartbeat("acacia", lambda h: h.status is status, DEADLINE_SECONDS)).reason or ""


@pytest.mark.parametrize(("script", "code", "words", "text"), CASES.values(), ids=CASES.keys())
async def test_a_backend_that(
    leader: Leader, start_agent: StartAgent, misbehaving: Make, script: Script, code: str, words: str, text: str
) -> None:
    server = misbehaving("llama3")
    limits = IMPATIENT if code == "backend_stalled" else {}
    await start_agent(OllamaBackend(await server.start()), **FAST, **limits)
    agent = await leader.registered("acacia")
    server.chat = script
    what = offer(model="llama3")
    await runs(leader, agent, what)
    outcome = await leader.outcome(what, DEADLINE_SECONDS)
    assert outcome.error is not None
    assert (outcome.status, outcome.error.code, outcome.retryable) == (OutcomeStatus.FAILED, code, True)
    assert outcome.output.text == text
    assert re.search(words, outcome.error.message), outcome.error.message
    assert outcome.error.message.isprintable()
    assert await is_(leader, AgentStatus.DEGRADED) == outcome.error.message
    assert (await leader.offer(agent, offer(model="llama3"))).verdict is OfferVerdict.UNABLE
    tried = server.asked
    async with asyncio.timeout(DEADLINE_SECONDS):
        while server.asked < tried + 1:  # it is asked again, and is no better
            await asyncio.sleep(0.01)
    assert await is_(leader, AgentStatus.DEGRADED)
    server.chat = well
    await is_(leader, AgentStatus.ONLINE)
    again = offer(model="llama3")
    await runs(leader, agent, again)
    assert (await leader.outcome(again, DEADLINE_SECONDS)).status is OutcomeStatus.COMPLETED


async def test_a_cancel_takes_what_a_hanging_backend_said_so_far_and_is_no_fault(
    leader: Leader, start_agent: StartAgent, misbehaving: Make
) -> None:
    server = misbehaving("llama3")
    server.chat = hangs_midway
    await start_agent(OllamaBackend(await server.start()), **FAST)
    agent = await leader.registered("acacia")
    what = offer(model="llama3")
    await runs(leader, agent, what)
    await leader.first_words(what)
    await leader.control("acacia", ControlAction.CANCEL, attempt_id=what.attempt_id)
    outcome = await leader.outcome(what, DEADLINE_SECONDS)
    assert (outcome.status, outcome.error, outcome.output.text) == (OutcomeStatus.CANCELLED, None, "Hel")
    heard = await leader.heartbeat("acacia", lambda h: not h.running)
    assert heard.status is AgentStatus.ONLINE
