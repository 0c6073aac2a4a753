"""The Postgres node on a real PostgreSQL: its operations, batching, values of all types, and what it may not reach."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any

import asyncpg
import pytest

from tests.integration.workflow.databases import Line, driver, pool, tcp_postgres  # noqa: F401 - fixtures
from tests.unit.workflow.nodes.case import Case, Fails, check, outputs
from workflow.core.driver import Driver
from workflow.core.effects import Effect, RunSql, effect_from_json
from workflow.core.execution import Execution, Reply
from workflow.outside import sql_calls
from workflow.outside.guard import Guard
from workflow.outside.sql_calls import SqlCalls
from workflow.running.fence import Fence, now

CHOSEN = {"credentials": {"postgres": {"id": "1", "name": "mine"}}}
TABLE = """
CREATE TABLE things (id serial PRIMARY KEY, name text UNIQUE, price numeric, big bigint, tags text[], facts jsonb,
    made timestamptz DEFAULT '2024-01-02 03:04:05.678+00', day date DEFAULT '2024-01-02', raw bytea, ok boolean);
INSERT INTO things (name, price, big, tags, facts, raw, ok) VALUES
    ('one', 1.50, 9007199254740993, '{a,"b c"}', '{"n": [1]}', '\\x0102', true), ('two', NULL, NULL, NULL, NULL, NULL, false);
"""
MAX_BYTES = 1_000_000
Run = Callable[..., Awaitable[Execution]]


@pytest.fixture
async def line(tcp_postgres: Line, database_url: str) -> Line:  # noqa: F811
    connection = await asyncpg.connect(database_url)
    await connection.execute(TABLE)
    await connection.close()
    return tcp_postgres


@pytest.fixture
async def node(line: Line, driver: Driver) -> Run:  # noqa: F811
    """Runs a case through the driver, in a thread, whose effects are carried out here."""
    calls, loop = SqlCalls(Guard.of(["127.0.0.1"]), MAX_BYTES), asyncio.get_running_loop()

    def carry_out(effect: Effect) -> Reply:
        stored = effect_from_json(effect.to_json())
        assert isinstance(stored, RunSql)
        return asyncio.run_coroutine_threadsafe(calls.carry_out(stored, line.data), loop).result(60)

    async def run(
        parameters: dict[str, Any], gives: Any = (), *, items: Any = ({},), version: float = 2.5, **settings: Any
    ) -> Execution:
        case = Case(
            name="",
            kind="postgres",
            version=version,
            parameters=parameters,
            items=items,
            gives=gives,
            settings={**CHOSEN, **settings},
        )
        return await asyncio.to_thread(check, driver, case, carry_out)

    return run


def located(name: str) -> dict[str, Any]:
    return {"__rl": True, "mode": "list", "value": name}


def on(operation: str, **more: Any) -> dict[str, Any]:
    return {"operation": operation, "schema": located("public"), "table": located("things"), **more}


def query(text: str, **options: Any) -> dict[str, Any]:
    return {"operation": "executeQuery", "query": text, "options": options}


def columns(value: dict[str, Any], *matching: str) -> dict[str, Any]:
    return {"columns": {"mappingMode": "defineBelow", "value": value, "matchingColumns": list(matching)}}


ONE = {
    "id": 1,
    "name": "one",
    "price": "1.50",
    "big": "9007199254740993",
    "tags": ["a", "b c"],
    "facts": {"n": [1]},
    "made": "2024-01-02T03:04:05.678Z",
    "day": "2024-01-02T00:00:00.000Z",
    "raw": {"type": "Buffer", "data": [1, 2]},
    "ok": True,
}


async def test_queries(node: Run) -> None:
    await node(query("SELECT * FROM things WHERE id = $1", queryReplacement="1"), [[ONE]])
    found = await node(
        query("SELECT price, big FROM things WHERE id = 1", largeNumbersOutput="numbers"),
        [[{"price": 1.5, "big": 9007199254740992}]],
    )
    effect = found.runs["Node"][0]
    assert effect.failure is None
    injected = "x'; DROP TABLE things; --"
    await node(
        query("SELECT $1::text AS said, $2 AS n", queryReplacement="={{ [$json.a, $json.n] }}"),
        [[{"said": injected, "n": 3}]],
        items=[{"a": injected, "n": 3}],
    )
    await node(query("UPDATE things SET ok = true WHERE false"), [[{"success": True}]])
    await node(query("CREATE TABLE other (a int); INSERT INTO other VALUES (1), (2) RETURNING a"), [[{"a": 1}, {"a": 2}]])
    await node(query("SELECT $2", queryReplacement="1"), Fails("out of range"))
    await node(query("SELECT nothing FROM things"), Fails('column "nothing" does not exist'))
    await node(query(" "), Fails("empty"))
    older = {"operation": "executeQuery", "query": "SELECT $1::text AS a", "additionalFields": {"queryParams": "x"}}
    await node(older, [[{"a": "y"}]], items=[{"x": "y"}], version=1)


async def test_selecting(node: Run) -> None:
    names = {"outputColumns": ["name"]}
    await node(on("select", options=names), [[{"name": "one"}, {"name": "two"}]])
    down = {"values": [{"column": "id", "direction": "DESC"}]}
    await node(on("select", limit=1, sort=down, options=names), [[{"name": "two"}]])
    rules = {
        "values": [{"column": "name", "condition": "LIKE", "value": "o%"}, {"column": "price", "condition": "IS NOT NULL"}]
    }
    await node(on("select", where=rules, options=names, returnAll=True), [[{"name": "one"}]])
    either = {"values": [{"column": "id", "condition": "equal", "value": 1}, {"column": "id", "condition": ">", "value": 1}]}
    await node(on("select", where=either, combineConditions="OR", options=names), [[{"name": "one"}, {"name": "two"}]])
    await node(
        on("select", where={"values": [{"column": 'id" = 1; --', "condition": "equal", "value": 1}]}), Fails("does not exist")
    )
    await node(on("select", limit="1; DROP TABLE things"), Fails("whole number"))


async def test_writing(node: Run) -> None:
    values = {"name": "three", "tags": ["x", 'y"z'], "facts": ["a", {"b": "it's"}], "price": 2}
    shown = {"outputColumns": ["name", "tags", "facts", "price"]}
    await node(on("insert", **columns(values), options=shown), [[{**values, "price": "2"}]])
    await node(on("insert", **columns({"name": "three"})), Fails("duplicate key"))
    await node(on("insert", **columns({"name": "three"}), options={"skipOnConflict": True}), [])
    auto = {
        "columns": {"mappingMode": "autoMapInputData", "matchingColumns": ["name"]},
        "options": {"outputColumns": ["name", "ok"]},
    }
    rows = [{"name": "three", "ok": True}, {"name": "four", "ok": False}]
    await node(on("upsert", **auto), [rows], items=rows)
    await node(
        on("update", **columns({"name": "four", "ok": True}, "name"), options={"outputColumns": ["ok"]}), [[{"ok": True}]]
    )
    await node(on("update", **columns({"ok": True})), Fails("No column to match on"))
    await node(on("insert", **columns({})), Fails("nothing to write"))
    older = on(
        "insert",
        dataMode="defineBelow",
        valuesToSend={"values": [{"column": "name", "value": "five"}]},
        options={"outputColumns": ["name"]},
    )
    await node(older, [[{"name": "five"}]], version=2)
    first = {"operation": "insert", "schema": "public", "table": "things", "columns": "name, ok", "returnFields": "name"}
    await node(first, [[{"name": "six"}]], items=[{"name": "six", "ok": True, "more": 1}], version=1)


async def test_deleting(node: Run) -> None:
    rule = {"values": [{"column": "name", "condition": "equal", "value": "one"}]}
    await node(on("deleteTable", deleteCommand="delete", where=rule), [[{"success": True}]])
    await node(query("SELECT count(*)::int AS n FROM things"), [[{"n": 1}]])
    await node(on("deleteTable", deleteCommand="truncate", restartSequences=True), [[{"success": True}]])
    await node(on("deleteTable", deleteCommand="drop"), [[{"success": True}]])
    await node(query("SELECT 1 FROM things"), Fails("does not exist"))


@pytest.mark.parametrize(("batching", "left"), [("single", 2), ("transaction", 2), ("independently", 3)])
async def test_a_failure_in_the_middle(node: Run, batching: str, left: int) -> None:
    """`single` and `transaction` do all or nothing."""
    items = [{"name": "a"}, {"name": "one"}, {"name": "b"}]
    wish = query("INSERT INTO things (name) VALUES ($1)", queryBatching=batching, queryReplacement="={{ $json.name }}")
    found = await node(wish, Fails("duplicate key"), items=items)
    assert found.failure is not None
    assert found.failure.item == 1
    await node(query("SELECT count(*)::int AS n FROM things"), [[{"n": left}]])


async def test_items_that_fail_go_on_as_errors(node: Run) -> None:
    items = [{"name": "a"}, {"name": "one"}, {"name": "b"}]
    wish = query(
        "INSERT INTO things (name) VALUES ($1) RETURNING name",
        queryBatching="independently",
        queryReplacement="={{ $json.name }}",
    )
    error = {"error": 'duplicate key value violates unique constraint "things_name_key"'}
    found = await node(wish, [[{"name": "a"}, error, {"name": "b"}]], items=items, onError="continueRegularOutput")
    assert [item["pairedItem"] for item in outputs(found)[0]] == [{"item": 0}, {"item": 1}, {"item": 2}]


async def test_what_only_writes_the_same_again_may_be_repeated(node: Run, driver: Driver) -> None:  # noqa: F811
    name = {"outputColumns": ["name"]}
    for wish, gives, may in [
        (query("SELECT 1 AS a"), [[{"a": 1}]], False),
        (on("insert", **columns({"name": "x"}), options=name), [[{"name": "x"}]], False),
        (on("insert", **columns({"name": "x"}), options={"skipOnConflict": True}), [], False),
        (on("upsert", **columns({"name": "x", "ok": True}, "name"), options=name), [[{"name": "x"}]], True),
        (on("select", limit=1, options=name), [[{"name": "one"}]], True),
    ]:
        driver.effects.clear()
        await node(wish, gives)
        assert [effect.repeatable for effect in driver.effects if isinstance(effect, RunSql)] == [may]


async def test_more_than_there_is_room_for_is_refused_before_it_is_there(
    node: Run, line: Line, monkeypatch: pytest.MonkeyPatch
) -> None:
    calls = SqlCalls(Guard.of(["127.0.0.1"]), MAX_BYTES)

    async def refused(*queries: str, batching: str = "single") -> str:
        before = line.proxy.bytes_back
        reply = await calls.carry_out(RunSql(credentials={}, queries=list(queries), batching=batching), line.data)
        assert reply.failure is not None
        assert line.proxy.bytes_back - before < 4 * MAX_BYTES  # of 40 to 400 MB
        return reply.failure.message

    large = "SELECT repeat('x', 10000) AS a FROM generate_series(1, 40000)"
    assert "HIVE_WORKFLOW_MAX_ANSWER_BYTES" in await refused(large)
    assert "HIVE_WORKFLOW_MAX_ANSWER_BYTES" in await refused("BEGIN", large, batching="independently")
    each = "SELECT repeat('x', 300000) AS a"
    assert "HIVE_WORKFLOW_MAX_ANSWER_BYTES" in await refused(each, each, each, each)
    monkeypatch.setattr(sql_calls, "MAX_ROWS", 100)
    assert "100 rows" in await refused("SELECT a FROM generate_series(1, 10000000) AS a")
    assert "100 rows" in await refused("INSERT INTO things (big) SELECT generate_series(1, 200) RETURNING big")
    await node(query("SELECT count(*)::int AS n FROM things"), [[{"n": 2}]])


async def test_a_query_waits_until_the_lease_is_proven_again(line: Line) -> None:
    fence, guard = Fence(), Guard.of(["127.0.0.1"])
    fence.proven(now() - 0.001)
    probe = SqlCalls(guard, MAX_BYTES)
    count = RunSql(credentials={}, queries=["SELECT count(*)::int AS n FROM things WHERE name = 'fenced'"])
    async with asyncio.timeout(30):
        effect = RunSql(credentials={}, queries=["INSERT INTO things (name) VALUES ('fenced')"])
        waiting = asyncio.create_task(SqlCalls(guard, MAX_BYTES, fence).carry_out(effect, line.data))
        for _ in range(3):  # so that what would have left at once has had the time to arrive
            assert (await probe.carry_out(count, line.data)).value == [{"rows": [{"n": 0}]}]
        assert not waiting.done()
        fence.proven(now() + 60)
        assert (await waiting).failure is None
        assert (await probe.carry_out(count, line.data)).value == [{"rows": [{"n": 1}]}]


async def test_queries_that_end_transactions_themselves(node: Run) -> None:
    both = "BEGIN; INSERT INTO things (name) VALUES ('kept'); COMMIT; SELECT name FROM things ORDER BY id LIMIT 100"
    for batching in ("single", "independently"):
        await node(query("DELETE FROM things WHERE name = 'kept'"), [[{"success": True}]])
        await node(query(both, queryBatching=batching), [[{"name": "one"}, {"name": "two"}, {"name": "kept"}]])
    await node(query("VACUUM things"), [[{"success": True}]])
    await node(
        query(
            "CREATE PROCEDURE keep(INOUT n int) LANGUAGE plpgsql AS $f$ BEGIN INSERT INTO things (big) VALUES (n); COMMIT; n := n + 1; END $f$"
        ),
        [[{"success": True}]],
    )
    await node(query("/* of one row */ CALL keep(1)"), [[{"n": 2}]])


async def test_internal_hosts_and_sockets_and_wrong_doors_are_refused(line: Line, database_url: str) -> None:
    effect = RunSql(credentials={}, queries=["SELECT 1"], timeout_seconds=20)
    closed, open_ = SqlCalls(Guard(), MAX_BYTES), SqlCalls(Guard.of(["127.0.0.1"]), MAX_BYTES)
    refused = await closed.carry_out(effect, line.data)
    assert refused.failure is not None
    assert refused.failure.code == "request_refused"
    by_socket = await open_.carry_out(effect, {**line.data, "host": database_url.rpartition("host=")[2]})
    assert by_socket.failure is not None
    assert "no unix sockets" in by_socket.failure.message
    for wrong in (
        {"port": 1},
        {"port": "x"},
        {"database": "nowhere"},
        {"user": "nobody"},
        {"ssl": "require"},
        {"ssl": "verify-full"},
    ):
        found = await open_.carry_out(effect, {**line.data, **wrong, "password": "correct-horse"})
        assert found.failure is not None, wrong
        assert "correct-horse" not in str(found)
        assert ("may be disable, allow, require" in found.failure.message) is (wrong == {"ssl": "verify-full"})
    assert (await open_.test(line.data)).startswith("It is PostgreSQL")
