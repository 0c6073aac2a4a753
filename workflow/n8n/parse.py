"""Any JSON that n8n has ever exported, to a `Workflow`.

Read are: an export, the clipboard's fragment (nodes and connections only), a list of one workflow (n8n's command line), what wraps a
workflow (`{"data": …}` of its API, `{"workflow": …}` of its templates), nodes without ids, versions or positions, and `continueOnFail`
of the time before `onError`. What has the wrong type is refused with its place; what only looks odd becomes a `Problem`.
"""

import json
from collections.abc import Mapping
from typing import Any, Final

from bus.errors import InvalidWorkflow, WorkflowTooLarge
from workflow.n8n.connections import read_connections
from workflow.n8n.document import Node, OnError, OnInterrupt, Problem, Severity, Workflow
from workflow.n8n.limits import MAX_NODES, check_depth, check_size
from workflow.n8n.tools import with_tools

_WRAPPERS: Final = ("data", "workflow", "workflowData", "n8n_data")
MAX_CONCURRENCY: Final = 1000
_DEFAULT_TRIES, _MOST_TRIES = 3, 5
_DEFAULT_RETRY_WAIT_MS, _LONGEST_RETRY_WAIT_MS = 1000, 5000


def parse_text(text: str | bytes) -> Workflow:
    """Raises `invalid_workflow` or `workflow_too_large`."""
    check_size(text)
    try:
        return parse(json.loads(text))
    except RecursionError as error:
        raise WorkflowTooLarge("The workflow nests deeper than can be read.") from error
    except ValueError as error:
        raise InvalidWorkflow(
            f"The workflow is not valid JSON: {error}. Copy it again from n8n, or download it there."
        ) from error


def parse(given: object) -> Workflow:
    """From JSON that was read already. Raises `invalid_workflow` or `workflow_too_large`."""
    check_depth(given)
    document = _unwrap(given)
    problems: list[Problem] = []
    settings = _read_settings(document)
    nodes = with_tools(_read_nodes(document, problems), settings, problems)
    return Workflow(
        id=str(document.get("id") or ""),
        name=str(document.get("name") or ""),
        active=document.get("active") is True,
        nodes=nodes,
        connections=read_connections(_object(document, "connections"), nodes, problems),
        settings=settings,
        pin_data=_read_pins(document),
        static_data=_read_static_data(document),
        problems=tuple(problems),
        document=document,
        by_name={node.name: node for node in nodes},
    )


def _unwrap(given: object) -> Mapping[str, Any]:
    """The object that has `nodes`, wherever the form hides it."""
    while True:
        if isinstance(given, list) and len(given) == 1:
            given = given[0]
        if not isinstance(given, dict):
            raise InvalidWorkflow(
                "A workflow is a JSON object with a list of `nodes`. Copy it from n8n's canvas, or download it there."
            )
        if "nodes" in given:
            return given
        inner = next((given[name] for name in _WRAPPERS if isinstance(given.get(name), dict | list)), None)
        if inner is None:
            raise InvalidWorkflow("The workflow has no `nodes`. Copy it from n8n's canvas, or download it there.")
        given = inner


def _object(document: Mapping[str, Any], name: str) -> Mapping[str, Any]:
    value = document.get(name)
    if value is None or value == []:  # PHP and old exports write an empty object so
        return {}
    if not isinstance(value, dict):
        raise InvalidWorkflow(f"`{name}` must be an object, not {_kind(value)}.")
    return value


def _read_settings(document: Mapping[str, Any]) -> Mapping[str, Any]:
    settings = _object(document, "settings")
    most = settings.get("maxConcurrency")
    if most is not None and (isinstance(most, bool) or not isinstance(most, int) or not 1 <= most <= MAX_CONCURRENCY):
        raise InvalidWorkflow(f"`settings.maxConcurrency` must be a number from 1 to {MAX_CONCURRENCY}, not {most!r}.")
    return settings


def _kind(value: object) -> str:
    names = {dict: "an object", list: "a list", str: "a string", bool: "a boolean", type(None): "null"}
    return names.get(type(value), "a number")


def _read_nodes(document: Mapping[str, Any], problems: list[Problem]) -> tuple[Node, ...]:
    given = document["nodes"]
    if not isinstance(given, list):
        raise InvalidWorkflow(f"`nodes` must be a list, not {_kind(given)}.")
    if len(given) > MAX_NODES:
        raise WorkflowTooLarge(
            f"The workflow has {len(given):,} nodes; one may have {MAX_NODES:,}. Move parts of it to sub-workflows."
        )
    nodes = tuple(_read_node(node, place) for place, node in enumerate(given))
    seen: set[str] = set()
    for node in nodes:
        if node.name in seen:
            raise InvalidWorkflow(f"Two nodes are called {node.name!r}; connections need each name once. Rename one of them.")
        seen.add(node.name)
    if not nodes:
        problems.append(Problem(code="no_nodes", message="The workflow has no nodes.", severity=Severity.ERROR))
    return nodes


def _read_node(given: object, place: int) -> Node:
    if not isinstance(given, dict):
        raise InvalidWorkflow(f"`nodes[{place}]` must be an object, not {_kind(given)}.")
    name, kind = given.get("name"), given.get("type")
    if not isinstance(kind, str) or not kind:
        raise InvalidWorkflow(f"`nodes[{place}].type` must be a string such as `n8n-nodes-base.set`, not {_kind(kind)}.")
    if not isinstance(name, str) or not name:
        raise InvalidWorkflow(f"`nodes[{place}].name` must be a string, not {_kind(name)}.")
    tries, wait = _read_retry(given)
    return Node(
        name=name,
        type=kind,
        id=str(given.get("id") or ""),
        version=_read_number(given.get("typeVersion"), f"nodes[{place}].typeVersion", 1),
        position=_read_position(given.get("position"), place),
        parameters=_object_at(given, "parameters", place),
        disabled=given.get("disabled") is True,
        on_error=_read_on_error(given, place),
        on_interrupt=_read_on_interrupt(given, place),
        tries=tries,
        retry_wait_ms=wait,
        execute_once=given.get("executeOnce") is True,
        always_output_data=given.get("alwaysOutputData") is True,
        credentials=_object_at(given, "credentials", place),
        webhook_id=given.get("webhookId") if isinstance(given.get("webhookId"), str) else None,
        document=given,
    )


def _object_at(given: Mapping[str, Any], name: str, place: int) -> Mapping[str, Any]:
    value = given.get(name)
    if value is None or value == []:
        return {}
    if not isinstance(value, dict):
        raise InvalidWorkflow(f"`nodes[{place}].{name}` must be an object, not {_kind(value)}.")
    return value


def _read_number(value: object, path: str, default: float) -> float:
    if value is None:
        return default
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise InvalidWorkflow(f"`{path}` must be a number, not {_kind(value)}.")
    return value


def _read_position(value: object, place: int) -> tuple[float, float]:
    """`[x, y]`, or `{"x": …, "y": …}` as some tools write it."""
    if isinstance(value, dict):
        value = [value.get("x"), value.get("y")]
    if value is None:
        return (0, 0)
    if not isinstance(value, list) or len(value) < 2:
        raise InvalidWorkflow(f"`nodes[{place}].position` must be a list of two numbers.")
    x, y = (_read_number(part, f"nodes[{place}].position", 0) for part in value[:2])
    return (x, y)


def _read_on_error(given: Mapping[str, Any], place: int) -> OnError:
    value = given.get("onError")
    if value in (None, OnError.STOP):
        return OnError.CONTINUE if given.get("continueOnFail") is True else OnError.STOP
    try:
        return OnError(value)
    except ValueError:
        raise InvalidWorkflow(f"`nodes[{place}].onError` must be one of {', '.join(OnError)}, not {value!r}.") from None


def _read_on_interrupt(given: Mapping[str, Any], place: int) -> OnInterrupt:
    value = given.get("onInterrupt")
    try:
        return OnInterrupt.REPEAT if value is None else OnInterrupt(value)
    except ValueError:
        raise InvalidWorkflow(f"`nodes[{place}].onInterrupt` must be one of {', '.join(OnInterrupt)}, not {value!r}.") from None


def _read_retry(given: Mapping[str, Any]) -> tuple[int, int]:
    """Tries in all (2–5) and the wait between them (0–5 s), bounded as n8n bounds them."""
    if given.get("retryOnFail") is not True:
        return 1, 0
    tries, wait = given.get("maxTries"), given.get("waitBetweenTries")
    tries = tries if isinstance(tries, int) else _DEFAULT_TRIES
    wait = wait if isinstance(wait, int | float) else _DEFAULT_RETRY_WAIT_MS
    return min(_MOST_TRIES, max(2, tries)), int(min(_LONGEST_RETRY_WAIT_MS, max(0, wait)))


def _read_pins(document: Mapping[str, Any]) -> Mapping[str, list[Any]]:
    """Items by node name; an item is `{"json": …}`, and old pins are the JSON alone."""
    pins = _object(document, "pinData")
    return {
        name: [item if isinstance(item, dict) and "json" in item else {"json": item} for item in items]
        for name, items in pins.items()
        if isinstance(items, list)
    }


def _read_static_data(document: Mapping[str, Any]) -> Mapping[str, Any]:
    """An object; old databases exported it as a JSON text."""
    value = document.get("staticData")
    if isinstance(value, str):
        try:
            value = json.loads(value)
        except ValueError:
            value = None
    return value if isinstance(value, dict) else {}
