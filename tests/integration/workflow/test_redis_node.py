"""The Redis node on a real Valkey: its operations, values of all types, and what it may not reach."""

import asyncio
import socket
import ssl
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import pytest
import redis.asyncio

from bus.errors import RequestRefused
from tests.integration.workflow.certificates import self_signed
from tests.integration.workflow.databases import Line, driver, pool, tcp_valkey  # noqa: F401 - fixtures
from tests.unit.workflow.nodes.case import Case, Fails, check, outputs
from tests.unit.workflow.nodes.case import run as run_case
from workflow.core.driver import Driver
from workflow.core.effects import CallRedis, Effect, effect_from_json
from workflow.core.execution import Execution, Reply
from workflow.nodes.redis import info_of
from workflow.outside.guard import Guard
from workflow.outside.redis_calls import RedisCalls
from workflow.running.fence import Fence, now

CHOSEN = {"credentials": {"redis": {"id": "1", "name": "mine"}}}
MAX_BYTES = 1_000_000
Run = Callable[..., Awaitable[Execution]]


@pytest.fixture
async def node(tcp_valkey: Line, driver: Driver) -> Run:  # noqa: F811
    """Runs a case through the driver, in a thread, whose effects are carried out here."""
    calls, loop = RedisCalls(Guard.of(["127.0.0.1"]), MAX_BYTES), asyncio.get_running_loop()

    def carry_out(effect: Effect) -> Reply:
        stored = effect_from_json(effect.to_json())
        assert isinstance(stored, CallRedis)
        return asyncio.run_coroutine_threadsafe(calls.carry_out(stored, tcp_valkey.data), loop).result(60)

    async def run(
        operation: str, gives: Any = None, *, items: Any = ({},), settings: Any = None, **parameters: Any
    ) -> Execution:
        given = {"operation": operation, **parameters}
        case = Case(name="", kind="redis", parameters=given, items=items, gives=gives, settings={**CHOSEN, **(settings or {})})
        return await asyncio.to_thread(run_case if gives is None else check, driver, case, carry_out)

    return run


async def test_texts(node: Run, valkey_url: str) -> None:
    items = [{"k": "a", "v": "it's"}, {"k": "b", "v": "two"}]
    await node("set", [items], items=items, key="={{ $json.k }}", value="={{ $json.v }}", keyType="string")
    await node("get", [[{"found": "it's"}, {"found": "two"}]], items=items, key="={{ $json.k }}", propertyName="found")
    await node("get", [[{"x": {"y": None}}]], key="nothing", propertyName="x.y")
    await node("get", [[{"x.y": "two"}]], key="b", propertyName="x.y", options={"dotNotation": False})
    await node("set", [[{}]], key="c", value="x", expire=True, ttl=100)
    async with redis.asyncio.from_url(valkey_url) as client:
        assert 0 < await client.ttl("c") <= 100
    await node("delete", [[{}]], key="a")
    await node("get", [[{"propertyName": None}]], key="a")
    await node("delete", Fails("key is empty"), key="")


async def test_values_of_other_types(node: Run) -> None:
    await node("set", [[{}]], key="h", value='{"a": 1, "b": "x"}', keyType="hash")
    await node("set", [[{}]], key="l", value="={{ [1, 'b'] }}")
    await node("set", [[{}]], key="l", value="={{ [2, 'c'] }}")
    await node("set", [[{}]], key="s", value='["one"]', keyType="sets")
    await node("get", [[{"v": {"a": "1", "b": "x"}}]], key="h", propertyName="v")
    await node("get", [[{"v": ["2", "c"]}]], key="l", propertyName="v")
    await node("get", [[{"v": ["one"]}]], key="s", propertyName="v", keyType="sets")
    await node("get", Fails("WRONGTYPE"), key="h", propertyName="v", keyType="string")
    await node("set", Fails("not valid JSON"), key="h", value="{", keyType="hash")
    found = outputs(await node("keys", keyPattern="*"))[0][0]["json"]
    assert found == {"h": {"a": "1", "b": "x"}, "l": ["2", "c"], "s": ["one"]}
    names = outputs(await node("keys", keyPattern="?", getValues=False))[0][0]["json"]
    assert sorted(names["keys"]) == ["h", "l", "s"]
    await node("keys", [[{}]], keyPattern="nothing*")


async def test_counting_and_queues(node: Run) -> None:
    await node("incr", [[{"n": 1}, {"n": 2}, {"n": 3}]], items=[{}, {}, {}], key="n")
    await node("push", [[{"a": 1}]], items=[{"a": 1}], list="q", messageData='{"deep": [1]}')
    await node("push", [[{}]], list="q", messageData="last", tail=True)
    await node("pop", [[{"m": "last"}]], list="q", propertyName="m", tail=True)
    await node("pop", [[{"m": {"deep": [1]}}]], list="q", propertyName="m")
    await node("pop", [[{"m": None}]], list="q", propertyName="m")
    await node("incr", [[{"e": 1}]], key="e", expire=True, ttl=50)
    await node("incr", Fails("time to live"), key="e", expire=True, ttl=0)


async def test_what_is_published_is_heard(node: Run, valkey_url: str) -> None:
    async with redis.asyncio.from_url(valkey_url, decode_responses=True) as client, client.pubsub() as heard:
        await heard.subscribe("news")
        assert await heard.get_message(timeout=10)
        await node("publish", [[{"a": 1}]], items=[{"a": 1}], channel="news", messageData="={{ $json.a }} bee")
        message = await heard.get_message(timeout=10)
        assert message is not None
        assert message["data"] == "1 bee"


async def test_info(node: Run) -> None:
    found = outputs(await node("info"))[0][0]["json"]
    assert isinstance(found["uptime_in_seconds"], int)
    assert info_of("# A\r\nx:1\r\nv:1.2.3\r\nr:1.5\r\nn:-2\r\ndb0:keys=1,expires=0\r\n") == {
        "x": 1, "v": "1.2.3", "r": 1.5, "n": -2, "db0": {"keys": 1, "expires": 0},
    }  # fmt: skip


async def test_items_that_fail(node: Run) -> None:
    await node("set", [[{}]], key="text", value="x")
    items = [{"k": "n"}, {"k": "text"}, {"k": "n"}]
    failed = await node("incr", Fails("not an integer"), items=items, key="={{ $json.k }}")
    assert failed.failure is not None
    assert failed.failure.item == 1
    found = outputs(await node("incr", items=items, key="={{ $json.k }}", settings={"onError": "continueRegularOutput"}))[0]
    assert [list(item["json"]) for item in found] == [["n"], ["error"], ["n"]]
    assert found[2]["json"] == {"n": 3}


async def test_what_adds_to_what_is_there_is_not_repeated(node: Run, driver: Driver) -> None:  # noqa: F811
    for operation, may in (
        ("incr", False),
        ("push", False),
        ("pop", False),
        ("publish", False),
        ("set", True),
        ("delete", True),
        ("info", True),
    ):
        driver.effects.clear()
        await node(operation, key="k", list="l", channel="c", value="1")
        assert {effect.repeatable for effect in driver.effects} == {may}, operation


async def test_internal_hosts_and_wrong_doors_are_refused(tcp_valkey: Line) -> None:  # noqa: F811
    effect = CallRedis(credentials={}, commands=[["PING"]], timeout_seconds=20)
    refused = await RedisCalls(Guard(), MAX_BYTES).carry_out(effect, tcp_valkey.data)
    assert refused.failure is not None
    assert refused.failure.code == "request_refused"
    calls = RedisCalls(Guard.of(["127.0.0.1"]), MAX_BYTES)
    for wrong in ({"port": 1}, {"port": "x"}, {"host": "/tmp/x"}, {"user": "nobody"}, {"database": 9999}):
        found = await calls.carry_out(effect, {**tcp_valkey.data, **wrong, "password": "correct-horse"})
        assert found.failure is not None, wrong
        assert "correct-horse" not in str(found)
    assert await calls.test(tcp_valkey.data) == "It answers."


async def test_a_command_waits_until_the_lease_is_proven_again(tcp_valkey: Line) -> None:  # noqa: F811
    fence, guard = Fence(), Guard.of(["127.0.0.1"])
    fence.proven(now() - 0.001)
    probe = RedisCalls(guard, MAX_BYTES)
    async with asyncio.timeout(30):
        effect = CallRedis(credentials={}, commands=[["SET", "fenced", "1"]])
        waiting = asyncio.create_task(RedisCalls(guard, MAX_BYTES, fence).carry_out(effect, tcp_valkey.data))
        for _ in range(3):  # so that what would have left at once has had the time to arrive
            found = await probe.carry_out(CallRedis(credentials={}, commands=[["GET", "fenced"]]), tcp_valkey.data)
            assert found.value == [{"value": None}]
        assert not waiting.done()
        fence.proven(now() + 60)
        assert (await waiting).value == [{"value": "OK"}]


async def test_more_than_there_is_room_for_is_refused_before_it_is_there(node: Run, tcp_valkey: Line, valkey_url: str) -> None:  # noqa: F811
    async with redis.asyncio.from_url(valkey_url) as client:
        await client.setrange("large", 100_000_000, "x")
        await client.set("half", "x" * 600_000)
        await client.rpush("many", *("x" * 1000 for _ in range(10_000)))
    calls = RedisCalls(Guard.of(["127.0.0.1"]), MAX_BYTES)
    for commands in ([["GET", "large"]], [["LRANGE", "many", "0", "-1"]], [["GET", "half"], ["GET", "half"]]):
        before = tcp_valkey.proxy.bytes_back
        found = await calls.carry_out(CallRedis(credentials={}, commands=commands), tcp_valkey.data)
        assert found.failure is not None
        assert found.failure.code == "request_refused"
        assert "HIVE_WORKFLOW_MAX_ANSWER_BYTES" in found.failure.message
        assert tcp_valkey.proxy.bytes_back - before < 40 * MAX_BYTES  # what the kernel's buffers take, and not all
    assert len(outputs(await node("get", key="half", propertyName="v"))[0][0]["json"]["v"]) == 600_000


async def test_tls_is_for_the_name_though_the_connection_is_to_an_address(
    valkey_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    certificate, secret = self_signed(tmp_path)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate, secret)

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        far_reader, far_writer = await asyncio.open_unix_connection(valkey_url.removeprefix("unix://"))
        try:
            while data := await reader.read(1024):
                far_writer.write(data)
                writer.write(await far_reader.read(65536))
        except OSError:
            pass
        finally:
            far_writer.close()
            writer.close()

    address = (await asyncio.get_running_loop().getaddrinfo("localhost", 0, type=socket.SOCK_STREAM))[0][4][0]
    server = await asyncio.start_server(serve, address, 0, ssl=context)
    calls = RedisCalls(Guard.of(["127.0.0.1", "::1"]), MAX_BYTES)
    async with server:
        data = {"host": "localhost", "port": server.sockets[0].getsockname()[1], "ssl": True}
        with pytest.raises(RequestRefused, match="certificate verify failed"):
            await calls.test(data)
        assert await calls.test({**data, "disableTlsVerification": True}) == "It answers."
        monkeypatch.setenv("SSL_CERT_FILE", str(certificate))
        assert await calls.test(data) == "It answers."
        with pytest.raises(RequestRefused, match="IP address mismatch"):
            await calls.test({**data, "host": address})
