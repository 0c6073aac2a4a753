"""A call of a tool of a registered MCP server, as nodes make it: what is known of the tool, what it is given, and what its answer is as items.

What a server said of its tools when they were last listed is asked once in a run: a tool that may be called twice is, after a crash; any other
call that was under way then ends as `outcome_unknown`.
"""

import json
from collections.abc import Generator, Iterable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import Any, Final

from workflow.core.effects import CallMcp
from workflow.core.execution import Reply
from workflow.core.failure import NodeError
from workflow.core.items import Item
from workflow.n8n.document import Node, OnInterrupt, ToolUse
from workflow.nodes import binary
from workflow.nodes.ai.mcp import part_text
from workflow.nodes.contract import value_of
from workflow.nodes.values import number_of

TIMEOUT: Final = "timeoutSeconds"
"""A field of the node, beside `onError`: Hive's own."""
_TIMEOUT_SECONDS: Final = 60.0
_MOST_SECONDS: Final = 3600.0
_NAMED: Final = 20
"""Tools that a message names."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Known:
    """A tool as its server declares it. `repeatable`: whether a call of it may be made twice."""

    use: ToolUse
    schema: Mapping[str, Any]
    repeatable: bool
    timeout_seconds: float

    @property
    def declared(self) -> Mapping[str, Any]:
        """Its arguments; empty where it takes what comes."""
        found = self.schema.get("properties")
        return found if isinstance(found, Mapping) else {}

    def call(self, arguments: Mapping[str, Any], timeout_seconds: float | None = None) -> CallMcp:
        return CallMcp(
            server=self.use.server,
            tool=self.use.tool,
            arguments=dict(arguments),
            repeatable=self.repeatable,
            timeout_seconds=min(timeout_seconds or self.timeout_seconds, _MOST_SECONDS),
        )

    def fitting(self, arguments: Mapping[str, Any], needless: Iterable[str]) -> dict[str, Any]:
        """The arguments that the tool takes. NodeError where it does not take one that is not `needless`: what is left out must change nothing."""
        if not self.declared:
            return dict(arguments)
        lost = [name for name in arguments if name not in self.declared and name not in needless]
        if lost:
            raise NodeError(
                f"The tool {self.use.tool} of {self.use.server} takes no {', '.join(lost)}, which the node would give it",
                description=f"It takes {', '.join(self.declared)}",
            )
        return {name: value for name, value in arguments.items() if name in self.declared}


def known(node: Node, use: ToolUse) -> Generator[CallMcp, Reply, Known]:
    """NodeError for a tool that its server does not have; what the server fails with."""
    seconds = _seconds(node)
    listed = value_of((yield CallMcp(server=use.server, operation="known", tool=use.tool, timeout_seconds=seconds)))
    found = next((tool for tool in listed if tool["name"] == use.tool), None)
    if found is None:
        names = ", ".join(str(tool["name"]) for tool in listed[:_NAMED])
        raise NodeError(f"The MCP server {use.server} has no tool {use.tool}", description=f"It has {names or 'none'}")
    hints = found.get("annotations") or {}
    declared = hints.get("readOnlyHint") is True or hints.get("idempotentHint") is True
    said = node.document.get("onInterrupt") == OnInterrupt.REPEAT
    return Known(use=use, schema=found.get("inputSchema") or {}, repeatable=declared or said, timeout_seconds=seconds)


def _seconds(node: Node) -> float:
    given = number_of(node.document.get(TIMEOUT))
    return min(max(float(given), 1.0), _MOST_SECONDS) if given else _TIMEOUT_SECONDS


def require_success(known: Known, answer: Mapping[str, Any]) -> None:
    """NodeError with the tool's own words."""
    if answer.get("isError"):
        text = "\n".join(part_text(part) for part in answer.get("content") or ())
        raise NodeError(text or f"The tool {known.use.tool} failed")


def value_in(answer: Mapping[str, Any]) -> Any:
    """What a tool answered, as a value: its structured content, else its texts, those that are JSON as what they say. None for files alone."""
    structured = answer.get("structuredContent")
    if structured is not None:
        # how the official packages wrap what is no object
        alone = isinstance(structured, Mapping) and set(structured) == {"result"}
        return structured["result"] if alone else structured
    texts = [_read(part) for part in answer.get("content") or () if not is_file(part)]
    return texts[0] if len(texts) == 1 else texts or None


def _read(part: Mapping[str, Any]) -> Any:
    if part.get("type") == "resource_link":
        return {name: part[name] for name in ("uri", "name", "description", "mimeType") if name in part}
    text = part_text(part)
    with suppress(ValueError, RecursionError):
        found = json.loads(text)
        if isinstance(found, dict | list):
            return found
    return text


def is_file(part: Mapping[str, Any]) -> bool:
    return part.get("type") in ("image", "audio") or "blob" in (part.get("resource") or {})


def file_of(part: Mapping[str, Any]) -> tuple[str, str, str]:
    """Its content as base64, its type, and a name."""
    resource = part.get("resource") or {}
    kind = str(part.get("mimeType") or resource.get("mimeType") or "application/octet-stream")
    name = str(resource.get("uri") or part.get("type") or "file").rstrip("/").rpartition("/")[2]
    return str(part.get("data") or resource.get("blob") or ""), kind, name or "file"


def files_in(answer: Mapping[str, Any]) -> Sequence[Mapping[str, Any]]:
    return [part for part in answer.get("content") or () if is_file(part)]


def items_of(answer: Mapping[str, Any]) -> list[Item]:
    """A list as an item each, an object as one, anything else as `data`. Files are binary data of the first: `data`, `data_1` …"""
    value = value_in(answer)
    values = [] if value is None else value if isinstance(value, list) else [value]
    items: list[Item] = [{"json": each if isinstance(each, dict) else {"data": each}} for each in values]
    files = files_in(answer)
    if not files:
        return items
    made = [binary.make(binary.decode(data, 0), name=name, mime_type=kind) for data, kind, name in map(file_of, files)]
    first = items[0] if items else {"json": {}}
    named = {"data" if number == 0 else f"data_{number}": each for number, each in enumerate(made)}
    return [{**first, "binary": named}, *items[1:]]
