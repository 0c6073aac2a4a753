"""MCP Client Tool, whose server's tools an agent may call, and MCP Client, which calls one for each item.

Which tools there are is asked once in a run of the agent. A call that was under way when an engine died is made again only where the server
says that its tool may be called twice; any other ends as `outcome_unknown`, since MCP knows no idempotency keys.
"""

import json
from collections.abc import Generator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import Any, Final
from urllib.parse import urlsplit

from workflow.core.effects import CallMcp
from workflow.core.execution import Reply
from workflow.core.failure import NodeError
from workflow.core.items import Item, paired
from workflow.credentials.needed import chosen, needed
from workflow.expressions.parameters import Parameters
from workflow.n8n.document import Node
from workflow.nodes.ai.models import attached
from workflow.nodes.contract import EffectRun, NodeCall, NodeType, error_item, value_of
from workflow.nodes.values import number_of

CLIENT_TOOL: Final = "mcpClientTool"
_STREAMABLE_BY_DEFAULT: Final = 1.2
_MOST_LETTERS: Final = 20_000
"""Of an answer that a model is shown: more than a small one reads."""
Asking = Generator[CallMcp, Reply, Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class McpTool:
    """A tool of a server, and the node that brings it."""

    node: Node
    name: str
    description: str
    schema: Mapping[str, Any]
    repeatable: bool


def listed(call: NodeCall, until_ms: int | None = None) -> Generator[CallMcp, Reply, dict[str, McpTool]]:
    """The tools of all MCP servers that are attached to the node; of those with one name the first. Raises what a server fails with.
    `until_ms`: when there is no more time."""
    found: dict[str, McpTool] = {}
    for node in call.helpers.get("ai_tool", ()):
        if node.short_type != CLIENT_TOOL:
            continue
        helper = call.of_helper(node)
        parameters = helper.scripts.parameters(helper, (0,))[0]
        try:
            tools = value_of((yield _effect(node, parameters, operation="list", until_ms=until_ms)))
        except NodeError as error:
            raise NodeError(f"{node.name!r}: {error.message}", description=error.description) from None
        for tool in tools:
            if _wanted(str(tool.get("name")), parameters):
                found.setdefault(tool["name"], _tool(node, tool))
    return found


def _tool(node: Node, given: Mapping[str, Any]) -> McpTool:
    hints = given.get("annotations") or {}
    return McpTool(
        node=node,
        name=given["name"],
        description=str(given.get("description") or given.get("title") or "no description"),
        schema=given.get("inputSchema") or {},
        repeatable=hints.get("readOnlyHint") is True or hints.get("idempotentHint") is True,
    )


def _wanted(name: str, parameters: Parameters) -> bool:
    """`include` and its lists."""
    how = parameters.text("include", "all")
    if how == "selected":
        return name in _names(parameters, "includeTools")
    return how != "except" or name not in _names(parameters, "excludeTools")


def _names(parameters: Parameters, name: str) -> Sequence[str]:
    given = parameters.get(name, [])
    return [each.strip() for each in given.split(",")] if isinstance(given, str) else list(given or ())


def input_of(tool: McpTool) -> Mapping[str, Any]:
    """The tool's own schema, unless it refers to parts of itself: it stands within another one."""
    plain = tool.schema.get("type") == "object" and '"$ref"' not in json.dumps(tool.schema)
    return {key: value for key, value in tool.schema.items() if key != "$schema"} if plain else {"type": "object"}


def description(tool: McpTool) -> str:
    """With what it takes, a word for each field."""
    told = " ".join(tool.description.split())
    return f"{told}{fields_in_words(tool.schema) or ' Its input is an empty object.'}"


def fields_in_words(schema: Mapping[str, Any]) -> str:
    """Empty where the schema has no fields."""
    needed_ones = schema.get("required") or ()
    fields = [
        f'"{name}" ({_kind(about)}{"" if name in needed_ones else ", may be left out"}{_about(about)})'
        for name, about in (schema.get("properties") or {}).items()
    ]
    return f" Its input is an object with {', '.join(fields)}." if fields else ""


def _kind(about: Any) -> str:
    if not isinstance(about, Mapping):
        return "any"
    return " or ".join(map(json.dumps, about["enum"])) if isinstance(about.get("enum"), list) else str(about.get("type", "any"))


def _about(about: Any) -> str:
    return f": {about['description']}" if isinstance(about, Mapping) and about.get("description") else ""


def use(call: NodeCall, tool: McpTool, given: Any, until_ms: int | None = None) -> Generator[CallMcp, Reply, str]:
    """What the tool answers, as a text for the model. `call`: as the tool's node sees it; `until_ms`: when there is no more time."""
    parameters = call.scripts.parameters(call, (0,))[0]
    arguments = _arguments(tool.schema, given)
    effect = _effect(call.node, parameters, tool=tool.name, arguments=arguments, repeatable=tool.repeatable, until_ms=until_ms)
    answer = value_of((yield effect))
    text = "\n".join(part_text(part) for part in answer.get("content") or ()) or json.dumps(answer.get("structuredContent"))
    shown = text if len(text) <= _MOST_LETTERS else f"{text[:_MOST_LETTERS]}… (cut)"
    return f"The tool failed: {shown}" if answer.get("isError") else shown


def _arguments(schema: Mapping[str, Any], given: Any) -> dict[str, Any]:
    """Small models write the one field that there is without its name."""
    if isinstance(given, Mapping):
        return dict(given)
    fields = list(schema.get("properties") or {})
    if given in (None, "") or not fields:
        return {}
    if len(fields) == 1:
        return {fields[0]: given}
    raise NodeError(f"The input must be an object with {', '.join(fields)}")


def part_text(part: Mapping[str, Any]) -> str:
    kind = part.get("type")
    if kind == "text":
        return str(part.get("text", ""))
    if kind == "resource":
        resource = part.get("resource") or {}
        return str(resource.get("text") or f"[{resource.get('uri')}]")
    return f"[{kind} {part.get('mimeType') or part.get('uri') or ''}]".replace(" ]", "]")


def run(call: NodeCall) -> EffectRun:
    made: list[Item] = []
    for index in range(len(call.items)):
        try:
            fields = yield from _called(call, call.each()[index])
            made.append({"json": fields, "pairedItem": paired(index)})
        except NodeError as error:
            error.item = index if error.item is None else error.item
            if not call.continues:
                raise
            made.append(error_item(error, index))
    return [made]


def _called(call: NodeCall, parameters: Parameters) -> Asking:
    given = parameters.get("tool", "")
    tool = str((given.get("value") if isinstance(given, Mapping) else given) or "")
    if not tool:
        raise NodeError("No tool is chosen")
    arguments = (
        _json(parameters.get("jsonInput", {})) if parameters.get("inputMode") == "json" else parameters.get("parameters.value")
    )
    answer = value_of((yield _effect(call.node, parameters, tool=tool, arguments=arguments or {}, repeatable=False)))
    if answer.get("isError"):
        raise NodeError("\n".join(part_text(part) for part in answer.get("content") or ()) or f"The tool {tool} failed")
    content = [_read(part) for part in answer.get("content") or ()]
    structured = answer.get("structuredContent")
    return {"content": content, **({"structuredContent": structured} if structured is not None else {})}


def _json(given: Any) -> dict[str, Any]:
    with suppress(ValueError):
        found = json.loads(given) if isinstance(given, str) else given
        if isinstance(found, dict):
            return found
    raise NodeError("The input of the tool is no JSON object")


def _read(part: Mapping[str, Any]) -> dict[str, Any]:
    """JSON in a text as what it says."""
    if part.get("type") == "text":
        with suppress(ValueError, RecursionError):
            found = json.loads(str(part.get("text")))
            if isinstance(found, dict | list):
                return {**part, "text": found}
    return dict(part)


def _effect(node: Node, parameters: Parameters, **more: Any) -> CallMcp:
    """Of the server that `server` names, which is Hive's own parameter, or else of that at the endpoint."""
    timeout_ms = number_of(parameters.get("options.timeout", 60_000)) or 60_000
    timeout_seconds = min(max(timeout_ms / 1000, 1), 3600)
    if name := parameters.text("server").strip():
        return CallMcp(server=name, timeout_seconds=timeout_seconds, **more)
    url = parameters.text("endpointUrl") or parameters.text("sseEndpoint")
    if urlsplit(url).scheme not in ("http", "https"):
        raise NodeError("The endpoint of the MCP server must be a URL that begins with http:// or https://")
    streamable = node.version >= _STREAMABLE_BY_DEFAULT or node.short_type != CLIENT_TOOL
    transport = parameters.text("serverTransport") or ("httpStreamable" if streamable else "sse")
    kinds = needed(node)
    return CallMcp(
        url=url,
        sse=transport == "sse",
        credentials=chosen(node, kinds[0]) if kinds else {},
        timeout_seconds=timeout_seconds,
        **more,
    )


_NOTE: Final = (
    "Servers at internal addresses are refused unless the administrator allows them; authentication by OAuth is not done"
)
TYPES = (
    attached(CLIENT_TOOL, (1, 1.1, 1.2), "ai_tool", _NOTE),
    NodeType(name="@n8n/n8n-nodes-langchain.mcpClient", versions=(1,), run=run, effect=True, note=_NOTE),
)
