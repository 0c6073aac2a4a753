"""Small workflows for tests: nodes in a row or a net, without the coordinates and ids that nobody reads."""

from itertools import pairwise
from typing import Any

from workflow.n8n.document import Workflow
from workflow.n8n.parse import parse


def node(name: str, kind: str, parameters: dict[str, Any] | None = None, *, version: float = 1, **more: Any) -> dict[str, Any]:
    full = kind if "." in kind else f"n8n-nodes-base.{kind}"
    return {"name": name, "type": full, "typeVersion": version, "parameters": parameters or {}, **more}


def code(name: str, source: str, *, each: bool = False, **more: Any) -> dict[str, Any]:
    mode = {"mode": "runOnceForEachItem"} if each else {}
    return node(name, "code", {"jsCode": source, **mode}, version=2, **more)


def workflow(*nodes: dict[str, Any], links: list[str], settings: dict[str, Any] | None = None, **more: Any) -> Workflow:
    """`links`: `"A → B"`, `"A:1 → B:0"` from output 1 to input 0, `"A → B → C"`. Nodes without a position stand in a row."""
    placed = [{"position": [200 * n, 0], **each} for n, each in enumerate(nodes)]
    connections: dict[str, Any] = {}
    for link in links:
        names = [part.strip() for part in link.split("→")]
        for source, target in pairwise(names):
            _connect(connections, source, target)
    return parse(
        {
            "id": "w",
            "name": "w",
            "nodes": placed,
            "connections": connections,
            "settings": {"executionOrder": "v1", **(settings or {})},
            **more,
        }
    )


def _connect(connections: dict[str, Any], source: str, target: str) -> None:
    name, _, output = source.partition(":")
    other, _, number = target.partition(":")
    outputs = connections.setdefault(name, {"main": []})["main"]
    outputs.extend([] for _ in range(int(output or 0) + 1 - len(outputs)))
    outputs[int(output or 0)].append({"node": other, "type": "main", "index": int(number or 0)})
