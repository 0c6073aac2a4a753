"""The names and values that an HTTP Request lists, or gives as JSON, for its query, headers and body."""

from typing import Any, Final

from workflow.core.failure import NodeError
from workflow.expressions.parameters import Parameters
from workflow.nodes.http_query import Pairs
from workflow.nodes.values import read_json

_GROUPS: Final = {"Query": "queryParameters", "Headers": "headerParameters", "Body": "bodyParameters"}
_TITLES: Final = {"Query": "JSON Query Parameters", "Headers": "JSON Headers", "Body": "JSON Body"}


def pairs_of(parameters: Parameters, kind: str, switch: str) -> Pairs:
    """`kind`: Query, Headers or Body. Raises `NodeError` for JSON that is none."""
    if parameters.get(switch) is not True:
        return []
    if kind != "Body" and parameters.get(f"specify{kind}", "keypair") == "json":
        found = json_of(parameters.get(f"json{kind}"), _TITLES[kind])
        return list(found.items()) if isinstance(found, dict) else _by_place(found)
    return listed(parameters, f"{_GROUPS[kind]}.parameters", named=kind != "Headers")


def json_of(given: Any, title: str) -> Any:
    """What the text of a JSON field says; it is a text, also where an expression gives it."""
    try:
        return read_json(given) if isinstance(given, str) else _refused(given)
    except ValueError as error:
        raise NodeError(f'The value in the "{title}" field is not valid JSON', description=str(error)) from None


def listed(parameters: Parameters, path: str, *, named: bool = False) -> Pairs:
    """Without those whose value is undefined. `named`: an empty name is one too."""
    rows = parameters.get(path, [])
    return [
        (str(row.get("name", "")), row.get("value"))
        for number, row in enumerate(rows if isinstance(rows, list) else [])
        if (row.get("name") or named) and not parameters.is_undefined(f"{path}[{number}].value")
    ]


def _refused(given: Any) -> Any:
    raise ValueError("It is no text" if given is not None else "It is empty")


def _by_place(found: Any) -> Pairs:
    return [(str(index), each) for index, each in enumerate(found)] if isinstance(found, list) else []
