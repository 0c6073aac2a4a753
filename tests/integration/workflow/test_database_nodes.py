"""An engine with real databases: sealed credentials let its nodes in, and a dump of everything afterwards has no password."""

import asyncio
import json
from pathlib import Path
from uuid import UUID

import asyncpg
import pytest
import redis.asyncio

from bus.nats_bus import NatsBus
from bus.vault import new_key
from tests.integration.workflow.databases import Line, tcp_postgres, tcp_valkey  # noqa: F401 - fixtures
from tests.integration.workflow.dumping import dump
from tests.integration.workflow.keeper import Keeper
from tests.integration.workflow.parts import EngineProcess, Workflows, chain, node
from tests.parts.nats import NatsServer

SECRET = "correct-horse/battery+staple"


async def test_a_workflow_that_writes_to_databases_and_a_file(
    nats_bus: NatsBus,
    nats_server: NatsServer,
    database_url: str,
    tcp_postgres: Line,  # noqa: F811
    tcp_valkey: Line,  # noqa: F811
    valkey_url: str,
    tmp_path: Path,
) -> None:
    files = tmp_path / "files"
    files.mkdir()
    allowed = {"HIVE_WORKFLOW_ALLOW_INTERNAL": '["127.0.0.1"]', "HIVE_WORKFLOW_FILES": json.dumps([str(files)])}
    keeper, workflows = Keeper(nats_bus), Workflows(nats_bus)
    with EngineProcess(nats_server, tmp_path, database_url, **allowed) as engine:
        await engine.ready(nats_bus)
        shop = await keeper.add("postgres", {**tcp_postgres.data, "password": SECRET}, name="shop", n8n_id="n8nsOwnId")
        cache = await keeper.add("redis", tcp_valkey.data, name="cache")
        for each in (shop, cache):
            tried = await keeper.test(each.id)
            assert (tried.ok, tried.tried) == (True, True), tried
        wrong = await keeper.add("postgres", {**tcp_postgres.data, "user": "nobody", "password": SECRET}, name="wrong")
        refused = await keeper.test(wrong.id)
        assert not refused.ok
        assert 'role "nobody" does not exist' in refused.message

        made = {"operation": "executeQuery", "query": "CREATE TABLE sold (n int); INSERT INTO sold VALUES (1), (2) RETURNING n"}
        set_ = {"operation": "set", "key": "=sold-{{ $json.n }}", "value": "={{ $json.n * 2 }}"}
        text = {"operation": "toText", "sourceProperty": "n"}
        write = {"operation": "write", "fileName": f"={files}/{{{{ $itemIndex }}}}.txt", "dataPropertyName": "data"}
        by_id, by_name = {"postgres": {"id": "n8nsOwnId", "name": "x"}}, {"redis": {"id": "unknown", "name": "cache"}}
        flow = chain(
            node("Start", "manualTrigger"),
            node("Make", "postgres", made, 2.5, credentials=by_id),
            node("Keep", "redis", set_, credentials=by_name),
            node("Text", "convertToFile", text, 1.1),
            node("Write", "readWriteFile", write),
        )
        record = await workflows.execute((await workflows.create(flow)).id, wait=60)
        assert record.status == "success", record.error_message
        again = {"operation": "executeQuery", "query": "SELECT nothing"}
        bad = chain(node("Start", "manualTrigger"), node("Ask", "postgres", again, 2.5, credentials=by_id))
        failed = await workflows.execute((await workflows.create(bad)).id, wait=60)
        assert failed.status == "error"
        log = engine.log.read_text()
    assert [(files / f"{n}.txt").read_text() for n in (0, 1)] == ["1", "2"]
    async with redis.asyncio.from_url(valkey_url, decode_responses=True) as client:
        assert await client.mget("sold-1", "sold-2") == ["2", "4"]
    connection = await asyncpg.connect(database_url)
    assert [row["n"] for row in await connection.fetch("SELECT n FROM sold ORDER BY n")] == [1, 2]
    await connection.close()
    everything = "\n".join([await dump(database_url), log, record.model_dump_json(), failed.model_dump_json(), refused.message])
    assert SECRET not in everything
    assert "correct-horse" not in everything


@pytest.mark.slow
async def test_what_was_under_way_when_an_engine_died(
    nats_bus: NatsBus,
    nats_server: NatsServer,
    database_url: str,
    tcp_valkey: Line,  # noqa: F811
    valkey_url: str,
    tmp_path: Path,
) -> None:
    """What would count twice is not repeated, and said to be unknown; what only writes the same again is."""
    allowed = {"HIVE_WORKFLOW_ALLOW_INTERNAL": '["127.0.0.1"]', "HIVE_CREDENTIALS_KEY": new_key()}
    keeper, workflows = Keeper(nats_bus), Workflows(nats_bus)
    running: dict[str, UUID] = {}
    with EngineProcess(nats_server, tmp_path, database_url, "first", **allowed) as engine:
        await engine.ready(nats_bus)
        await keeper.add("redis", tcp_valkey.data, name="cache")
        tcp_valkey.proxy.freeze()
        for operation in ("incr", "set"):
            wish = node(
                "Do",
                "redis",
                {"operation": operation, "key": operation, "value": "x"},
                credentials={"redis": {"name": "cache"}},
            )
            made = await workflows.create(chain(node("Start", "manualTrigger"), wish))
            running[operation] = (await workflows.execute(made.id)).id
        async with asyncio.timeout(60):
            while tcp_valkey.proxy.connections < 2:
                await asyncio.sleep(0.02)
        engine.kill()
    tcp_valkey.proxy.cut()
    tcp_valkey.proxy.heal()
    with EngineProcess(nats_server, tmp_path, database_url, "second", **allowed) as engine:
        await engine.ready(nats_bus)
        counted, written = await workflows.ended(running["incr"]), await workflows.ended(running["set"])
    assert counted.data is not None
    assert counted.data["resultData"]["runData"]["Do"][0]["error"]["code"] == "outcome_unknown"
    assert written.status == "success", written.error_message
    async with redis.asyncio.from_url(valkey_url, decode_responses=True) as client:
        assert await client.mget("incr", "set") == [None, "x"]
