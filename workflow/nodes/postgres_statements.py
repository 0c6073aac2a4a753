"""The statement that a Postgres node makes of one item. Pure."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from workflow.core.failure import NodeError
from workflow.core.items import Item
from workflow.expressions.parameters import Parameters
from workflow.nodes.sql_text import array, filled, literal, name, names
from workflow.nodes.values import number_of

_CONDITIONS: Final = {"equal": "=", "=": "=", "!=": "<>", "LIKE": "LIKE", ">": ">", "<": "<", ">=": ">=", "<=": "<="}


@dataclass(frozen=True, slots=True)
class Table:
    schema: str
    name: str

    @property
    def sql(self) -> str:
        return f"{name(self.schema)}.{name(self.name)}"


def table_of(parameters: Parameters) -> Table:
    """Raises NodeError where none is chosen."""
    found = Table(_located(parameters.get("schema", "public")) or "public", _located(parameters.get("table", "")))
    if not found.name:
        raise NodeError("No table is chosen")
    return found


def _located(given: Any) -> str:
    """A resource locator, or a plain text."""
    return str((given.get("value") if isinstance(given, Mapping) else given) or "")


def query_of(parameters: Parameters) -> str:
    query = parameters.text("query")
    if not query.strip():
        raise NodeError("The query is empty")
    return filled(query, replacements(parameters))


def replacements(parameters: Parameters) -> list[Any]:
    """A list as it is; a text is split at its commas, as n8n does."""
    given = parameters.get("options.queryReplacement")
    if given is None or given == "":
        return []
    if isinstance(given, list):
        return given
    return [part.strip() for part in given.split(",")] if isinstance(given, str) else [given]


@dataclass(frozen=True, slots=True)
class Values:
    """`matched`: the columns by which rows are found."""

    columns: Mapping[str, Any]
    matched: Sequence[str] = ()

    @property
    def has_lists(self) -> bool:
        return any(isinstance(value, list) for value in self.columns.values())


def values_of(parameters: Parameters, item: Item, version: float) -> Values:
    """By the node's columns, or all fields of the item."""
    found = _newer(parameters, item) if version >= 2.2 else _older(parameters, item)
    if parameters.get("options.replaceEmptyStrings") is True:
        return Values({key: None if value == "" else value for key, value in found.columns.items()}, found.matched)
    return found


def _newer(parameters: Parameters, item: Item) -> Values:
    given = parameters.get("columns") or {}
    matched = [str(each) for each in given.get("matchingColumns") or []]
    if given.get("mappingMode", "defineBelow") == "autoMapInputData":
        return Values(dict(item["json"]), matched)
    return Values(dict(given.get("value") or {}), matched)


def _older(parameters: Parameters, item: Item) -> Values:
    """Before 2.2: `dataMode` and `valuesToSend`, with one column to match on; in version 1 `columns` names fields of the item."""
    match_on = _located(parameters.get("columnToMatchOn", parameters.get("updateKey", "")))
    if isinstance(columns := parameters.get("columns"), str):
        wanted = [each.partition(":")[0].strip() for each in columns.split(",") if each.strip()]
        keys = [each.partition(":")[0].strip() for each in match_on.split(",") if each.strip()]
        return Values({each: item["json"].get(each) for each in dict.fromkeys([*wanted, *keys])}, keys)
    if parameters.get("dataMode", "defineBelow") == "autoMapInputData":
        return Values(dict(item["json"]), [match_on] if match_on else [])
    pairs = {str(each.get("column", "")): each.get("value") for each in parameters.get("valuesToSend.values", [])}
    if match_on:
        pairs[match_on] = parameters.get("valueToMatchOn")
    return Values(pairs, [match_on] if match_on else [])


def insert(table: Table, values: Values, parameters: Parameters, arrays: frozenset[str]) -> str:
    given = _required(values.columns)
    skips = " ON CONFLICT DO NOTHING" if parameters.get("options.skipOnConflict") is True else ""
    return f"{_into(table, given, arrays)}{skips} RETURNING {_returning(parameters)}"


def upsert(table: Table, values: Values, parameters: Parameters, arrays: frozenset[str]) -> str:
    given, matched = _required(values.columns), _matched(values)
    changed = [each for each in given if each not in matched]
    does = "UPDATE SET " + ", ".join(f"{name(each)} = EXCLUDED.{name(each)}" for each in changed) if changed else "NOTHING"
    return f"{_into(table, given, arrays)} ON CONFLICT ({names(matched)}) DO {does} RETURNING {_returning(parameters)}"


def update(table: Table, values: Values, parameters: Parameters, arrays: frozenset[str]) -> str:
    matched = _matched(values)
    changed = _required({each: value for each, value in values.columns.items() if each not in matched})
    sets = ", ".join(f"{name(each)} = {_value(each, value, arrays)}" for each, value in changed.items())
    where = " AND ".join(f"{name(each)} = {literal(values.columns[each])}" for each in matched)
    return f"UPDATE {table.sql} SET {sets} WHERE {where} RETURNING {_returning(parameters)}"  # noqa: S608 - literals and names are quoted


def _into(table: Table, given: Mapping[str, Any], arrays: frozenset[str]) -> str:
    values = ", ".join(_value(each, value, arrays) for each, value in given.items())
    return f"INSERT INTO {table.sql} ({names(list(given))}) VALUES ({values})"  # noqa: S608 - literals and names are quoted


def _value(column: str, value: Any, arrays: frozenset[str]) -> str:
    return array(value) if isinstance(value, list) and column in arrays else literal(value)


def _required(given: Mapping[str, Any]) -> Mapping[str, Any]:
    if not given:
        raise NodeError("There is nothing to write: no column has a value")
    return given


def _matched(values: Values) -> Sequence[str]:
    if not values.matched:
        raise NodeError("No column to match on is chosen")
    for each in values.matched:
        if values.columns.get(each) is None:
            raise NodeError(f"The column to match on, {each!r}, has no value")
    return values.matched


def _returning(parameters: Parameters) -> str:
    older = parameters.get("returnFields")
    if isinstance(older, str) and older.strip():
        return names([each.strip() for each in older.split(",")])
    return names(parameters.get("options.outputColumns") or "*")


def select(table: Table, parameters: Parameters) -> str:
    limit = "" if parameters.get("returnAll") is True else f" LIMIT {_count(parameters.get('limit', 50))}"
    columns = names(parameters.get("options.outputColumns") or "*")
    return f"SELECT {columns} FROM {table.sql}{_where(parameters)}{_sorted(parameters)}{limit}"  # noqa: S608 - literals and names are quoted


def _count(given: Any) -> int:
    found = number_of(given)
    if found is None or found < 0 or found != int(found):
        raise NodeError(f"The limit must be a whole number, not {given!r}")
    return int(found)


def _sorted(parameters: Parameters) -> str:
    rules = parameters.get("sort.values") or []
    parts = [
        f"{name(str(each.get('column', '')))} {'DESC' if str(each.get('direction', '')).upper() == 'DESC' else 'ASC'}"
        for each in rules
    ]
    return f" ORDER BY {', '.join(parts)}" if parts else ""


def _where(parameters: Parameters) -> str:
    rules = parameters.get("where.values") or []
    joiner = " OR " if str(parameters.get("combineConditions", "AND")).upper() == "OR" else " AND "
    return f" WHERE {joiner.join(_rule(each) for each in rules)}" if rules else ""


def _rule(rule: Mapping[str, Any]) -> str:
    column, how = name(str(rule.get("column", ""))), str(rule.get("condition", "equal")).strip()
    if how.upper() in ("IS NULL", "IS NOT NULL"):
        return f"{column} {how.upper()}"
    operator = _CONDITIONS.get(how, _CONDITIONS.get(how.upper()))
    if operator is None:
        raise NodeError(f"The condition {how!r} is not known")
    return f"{column} {operator} {literal(rule.get('value'))}"


def delete(table: Table, parameters: Parameters) -> str:
    command = parameters.get("deleteCommand", "truncate")
    cascade = " CASCADE" if parameters.get("options.cascade") is True else ""
    if command == "drop":
        return f"DROP TABLE IF EXISTS {table.sql}{cascade}"
    if command == "truncate":
        restart = " RESTART IDENTITY" if parameters.get("restartSequences") is True else ""
        return f"TRUNCATE TABLE {table.sql}{restart}{cascade}"
    return f"DELETE FROM {table.sql}{_where(parameters)}"  # noqa: S608 - literals and names are quoted
