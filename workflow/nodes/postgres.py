"""Postgres: a statement for each item, all in one effect. What only writes the same again may be repeated after a crash; the rest ends
as `outcome_unknown`, since a database knows no idempotency keys.
"""

from collections.abc import Generator, Mapping
from typing import Any, Final

from workflow.core.effects import RunSql
from workflow.core.execution import Reply
from workflow.core.failure import NodeError
from workflow.core.items import Item, paired
from workflow.credentials.needed import chosen
from workflow.expressions.parameters import Parameters
from workflow.nodes import postgres_statements as sql
from workflow.nodes.contract import EffectRun, NodeCall, NodeType, error_item, value_of
from workflow.nodes.sql_text import filled, literal

_WRITES: Final = {"insert": sql.insert, "update": sql.update, "upsert": sql.upsert}
_SUCCESS: Final = {"success": True}
_REPEATABLE: Final = frozenset({"select", "update", "upsert", "deleteTable"})
"""No insert, also where it skips conflicts: a row whose key the database makes conflicts with none."""


def run(call: NodeCall) -> EffectRun:
    made: list[list[Item]] = [[] for _ in call.items]
    arrays = yield from _array_columns(call)
    asked: dict[int, str] = {}
    for index in range(len(call.items)):
        try:
            asked[index] = _statement(call, index, arrays)
        except NodeError as error:
            made[index] = [_failed(call, error, index)]
    if asked:
        yield from _carried_out(call, asked, made)
    return [[item for items in made for item in items]]


def _carried_out(call: NodeCall, asked: Mapping[int, str], made: list[list[Item]]) -> Generator[RunSql, Reply, None]:
    places = list(asked)
    reply = yield _effect(call, list(asked.values()))
    try:
        found = value_of(reply)
    except NodeError as error:
        place = reply.failure.item if reply.failure is not None else None
        index = places[place] if place is not None and place < len(places) else places[0]
        made[index] = [_failed(call, error, index)]
        return
    for index, each in zip(places, found, strict=True):
        if "error" in each:
            made[index] = [_failed(call, NodeError(each["error"], description=each.get("detail")), index)]
        else:
            made[index] = _items(call, each["rows"], index)


def _effect(call: NodeCall, queries: list[str]) -> RunSql:
    options = call.once().get("options") or {}
    return RunSql(
        credentials=chosen(call.node, "postgres"),
        queries=queries,
        batching=str(options.get("queryBatching") or call.once().get("additionalFields.mode") or "single"),
        goes_on=call.continues,
        numbers_as_text=options.get("largeNumbersOutput", "text") != "numbers",
        repeatable=_operation(call) in _REPEATABLE,
    )


def _operation(call: NodeCall) -> str:
    return str(call.node.parameters.get("operation", "executeQuery" if call.node.version < 2 else "insert"))


def _statement(call: NodeCall, index: int, arrays: frozenset[str]) -> str:
    parameters, operation = call.each()[index], _operation(call)
    if operation == "executeQuery":
        return _query(call, parameters, index)
    table = sql.table_of(parameters)
    if operation == "select":
        return sql.select(table, parameters)
    if operation == "deleteTable":
        return sql.delete(table, parameters)
    if operation not in _WRITES:
        raise NodeError(f"The operation {operation!r} is not known")
    values = sql.values_of(parameters, call.items[index], call.node.version)
    return _WRITES[operation](table, values, parameters, arrays)


def _query(call: NodeCall, parameters: Parameters, index: int) -> str:
    """In version 1 fields of the item are named in the place of values."""
    fields = parameters.get("additionalFields.queryParams")
    if call.node.version >= 2 or not isinstance(fields, str) or not fields.strip():
        return sql.query_of(parameters)
    json = call.items[index]["json"]
    return filled(parameters.text("query"), [json.get(each.strip()) for each in fields.split(",")])


def _array_columns(call: NodeCall) -> Generator[RunSql, Reply, frozenset[str]]:
    """Which columns hold arrays: the database is asked only where a value is a list, which may be meant for a JSON column too."""
    if _operation(call) not in _WRITES or not _has_lists(call):
        return frozenset()
    table = sql.table_of(call.once())
    query = (
        "SELECT column_name FROM information_schema.columns WHERE data_type = 'ARRAY' "  # noqa: S608 - literals are quoted
        f"AND table_schema = {literal(table.schema)} AND table_name = {literal(table.name)}"
    )
    reply = yield RunSql(credentials=chosen(call.node, "postgres"), queries=[query])
    return frozenset(row["column_name"] for row in value_of(reply)[0]["rows"])


def _has_lists(call: NodeCall) -> bool:
    try:
        found = zip(call.each(), call.items, strict=True)
        return any(sql.values_of(parameters, item, call.node.version).has_lists for parameters, item in found)
    except NodeError:  # told where the item's own statement is made
        return False


def _items(call: NodeCall, rows: list[dict[str, Any]], index: int) -> list[Item]:
    if not rows and _operation(call) in ("executeQuery", "deleteTable"):
        rows = [dict(_SUCCESS)]
    return [{"json": row, "pairedItem": paired(index)} for row in rows]


def _failed(call: NodeCall, error: NodeError, index: int) -> Item:
    error.item = index if error.item is None else error.item
    if not call.continues:
        raise error
    return error_item(error, index)


_VERSIONS: Final = (1, 2, 2.1, 2.2, 2.3, 2.4, 2.5, 2.6)
TYPES = (NodeType(name="n8n-nodes-base.postgres", versions=_VERSIONS, run=run, effect=True),)
