"""Combining inputs by SQL: each input is a table `input1`, `input2` …; the dialect is AlaSQL's, which n8n documents as its own."""

import re
from typing import Any, Final

from workflow.core.failure import NodeError
from workflow.core.items import Item, paired
from workflow.expressions.parameters import Parameters
from workflow.nodes.contract import NodeCall

_SELECT: Final = re.compile(r"^\s*(select\s+(?!distinct\b|top\b|value\b))(.+?)(\s+from\s+)", re.IGNORECASE | re.DOTALL)
_AGGREGATES: Final = re.compile(r"\b(group\s+by|union|count|sum|avg|min|max|array|aggr)\b", re.IGNORECASE)
_ROW: Final = "__row"


def by_sql(call: NodeCall, parameters: Parameters) -> list[Item]:
    query = parameters.text("query", "SELECT * FROM input1")
    if not query.strip():
        raise NodeError("The query is empty")
    tables = {
        f"input{n + 1}": [{**item["json"], _ROW: place} for place, item in enumerate(items)]
        for n, items in enumerate(call.inputs)
    }
    rows = call.scripts.library(call, "alasql", "sql", {"tables": tables, "query": _with_rows(query, len(call.inputs))})
    if not isinstance(rows, list):
        return [{"json": {"success": True, "result": rows}, "pairedItem": {"item": 0}}]
    every = [{"item": place, "input": n} for n, items in enumerate(call.inputs) for place in range(len(items))]
    return [_item(row, len(call.inputs), every) for row in rows]


def _with_rows(query: str, inputs: int) -> str:
    """The query, asking also which rows a result was made of; a grouped one has no single answer."""
    found = _SELECT.match(query)
    if found is None or _AGGREGATES.search(query):
        return query
    used = [n for n in range(1, inputs + 1) if re.search(rf"\binput{n}\b", query[found.end(2) :])]
    aliased = [
        n
        for n in used
        if re.search(rf"\binput{n}\s+(?:as\s+)?(?!join|left|right|inner|outer|on|where|order|limit|cross|full)\w", query, re.I)
    ]
    columns = "".join(f", input{n}.{_ROW} AS {_ROW}{n}" for n in used if n not in aliased)
    return f"{query[: found.end(2)]}{columns}{query[found.end(2) :]}"


def _item(row: Any, inputs: int, every: list[dict[str, int]]) -> Item:
    """One that does not say what it was made of is made of all."""
    if not isinstance(row, dict):
        return {"json": {"value": row}}
    pairs = [paired(int(place), n) for n in range(inputs) if isinstance(place := row.get(f"{_ROW}{n + 1}"), int)]
    made: Item = {"json": {name: value for name, value in row.items() if not name.startswith(_ROW)}}
    return {**made, "pairedItem": pairs or every}
