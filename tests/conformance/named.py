"""What the suite asks for by name, beside what Hive has: tools, resources and prompts that show each form of the protocol.

Hive's own handlers answer everything else, so that what is tried is the server as it is.
"""

import asyncio
import json
from collections.abc import Awaitable, Callable, Mapping
from typing import Any, Final

import mcp_types as types
from mcp.server.lowlevel import Server

from coordinator.gateway.mcp.context import Context

PNG: Final = "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mP8z8DwHwAFBQIAX8jx0gAAAABJRU5ErkJggg=="
WAV: Final = "UklGRiYAAABXQVZFZm10IBAAAAABAAEAQB8AAAB9AAACABAAZGF0YQIAAAA="
BETWEEN_SECONDS: Final = 0.05
_NOTHING: Final[Mapping[str, Any]] = {"type": "object", "properties": {}}


def text(words: str) -> types.TextContent:
    return types.TextContent(text=words)


def image() -> types.ImageContent:
    return types.ImageContent(data=PNG, mime_type="image/png")


def embedded(uri: str, mime_type: str, words: str) -> types.EmbeddedResource:
    return types.EmbeddedResource(resource=types.TextResourceContents(uri=uri, mime_type=mime_type, text=words))


async def _logging(context: Context, _: Mapping[str, Any]) -> list[types.ContentBlock]:
    for words in ("Tool execution started", "Tool processing data", "Tool execution completed"):
        await context.session.send_log_message("info", words, related_request_id=context.request_id)
        await asyncio.sleep(BETWEEN_SECONDS)
    return [text("Logged.")]


async def _progress(context: Context, _: Mapping[str, Any]) -> list[types.ContentBlock]:
    for done in (0, 50, 100):
        await context.session.report_progress(done, 100)
        await asyncio.sleep(BETWEEN_SECONDS)
    return [text("Done.")]


async def _sampling(context: Context, given: Mapping[str, Any]) -> list[types.ContentBlock]:
    said = types.SamplingMessage(role="user", content=text(given["prompt"]))
    answer = await context.session.create_message([said], max_tokens=100, related_request_id=context.request_id)
    return [text(f"LLM response: {getattr(answer.content, 'text', '')}")]


async def _elicit(context: Context, message: str, properties: dict[str, Any], required: list[str]) -> types.ElicitResult:
    schema = {"type": "object", "properties": properties, "required": required}
    return await context.session.elicit_form(message, schema, related_request_id=context.request_id)


async def _elicitation(context: Context, given: Mapping[str, Any]) -> list[types.ContentBlock]:
    words = {"username": "User's response", "email": "User's email address"}
    fields = {name: {"type": "string", "description": told} for name, told in words.items()}
    answer = await _elicit(context, given["message"], fields, list(fields))
    return [text(f"User response: <action: {answer.action}, content: {json.dumps(answer.content)}>")]


async def _defaults(context: Context, _: Mapping[str, Any]) -> list[types.ContentBlock]:
    fields = {
        "name": {"type": "string", "default": "John Doe"},
        "age": {"type": "integer", "default": 30},
        "score": {"type": "number", "default": 95.5},
        "status": {"type": "string", "enum": ["active", "inactive", "pending"], "default": "active"},
        "verified": {"type": "boolean", "default": True},
    }
    answer = await _elicit(context, "Please look these over.", fields, [])
    return [text(f"Elicitation completed: action={answer.action}, content={json.dumps(answer.content)}")]


async def _enums(context: Context, _: Mapping[str, Any]) -> list[types.ContentBlock]:
    titled = [{"const": f"value{n}", "title": f"{word} Option"} for n, word in enumerate(("First", "Second", "Third"), 1)]
    choices = [{"const": f"value{n}", "title": f"{word} Choice"} for n, word in enumerate(("First", "Second", "Third"), 1)]
    options = [f"option{n}" for n in (1, 2, 3)]
    fields = {
        "untitledSingle": {"type": "string", "enum": options},
        "titledSingle": {"type": "string", "oneOf": titled},
        "legacyEnum": {
            "type": "string",
            "enum": ["opt1", "opt2", "opt3"],
            "enumNames": ["Option One", "Option Two", "Option Three"],
        },
        "untitledMulti": {"type": "array", "items": {"type": "string", "enum": options}},
        "titledMulti": {"type": "array", "items": {"anyOf": choices}},
    }
    answer = await _elicit(context, "Please choose.", fields, [])
    return [text(f"Elicitation completed: action={answer.action}, content={json.dumps(answer.content)}")]


async def _reconnection(context: Context, _: Mapping[str, Any]) -> list[types.ContentBlock]:
    if context.close_sse_stream is not None:
        await context.close_sse_stream()
    await asyncio.sleep(BETWEEN_SECONDS)
    return [text("Reconnection test completed successfully")]


def _giving(*content: types.ContentBlock) -> "Do":
    async def do(_: Context, __: Mapping[str, Any]) -> list[types.ContentBlock]:
        return [*content]

    return do


Do = Callable[[Context, Mapping[str, Any]], Awaitable[list[types.ContentBlock]]]


def _taking(name: str) -> Mapping[str, Any]:
    return {"type": "object", "properties": {name: {"type": "string"}}, "required": [name]}


_DRAFT: Final = {
    "$schema": "https://json-schema.org/draft/2020-12/schema",
    "type": "object",
    "$defs": {"address": {"type": "object", "properties": {"street": {"type": "string"}, "city": {"type": "string"}}}},
    "properties": {"name": {"type": "string"}, "address": {"$ref": "#/$defs/address"}},
    "additionalProperties": False,
}
_MIXED: Final = embedded("test://mixed-content-resource", "application/json", '{"test":"data","value":123}')
TOOLS: Final[Mapping[str, tuple[Mapping[str, Any], Do]]] = {
    "test_simple_text": (_NOTHING, _giving(text("This is a simple text response for testing."))),
    "test_image_content": (_NOTHING, _giving(image())),
    "test_audio_content": (_NOTHING, _giving(types.AudioContent(data=WAV, mime_type="audio/wav"))),
    "test_embedded_resource": (
        _NOTHING,
        _giving(embedded("test://embedded-resource", "text/plain", "This is an embedded resource content.")),
    ),
    "test_multiple_content_types": (_NOTHING, _giving(text("Multiple content types test:"), image(), _MIXED)),
    "test_tool_with_logging": (_NOTHING, _logging),
    "test_tool_with_progress": (_NOTHING, _progress),
    "test_sampling": (_taking("prompt"), _sampling),
    "test_elicitation": (_taking("message"), _elicitation),
    "test_elicitation_sep1034_defaults": (_NOTHING, _defaults),
    "test_elicitation_sep1330_enums": (_NOTHING, _enums),
    "test_reconnection": (_NOTHING, _reconnection),
    "json_schema_2020_12_tool": (_DRAFT, _giving(text("Done."))),
}
ERROR: Final = "test_error_handling"

_ARGUMENTS: Final = ("arg1", "arg2")
PROMPTS: Final[Mapping[str, tuple[str, ...]]] = {
    "test_simple_prompt": (),
    "test_prompt_with_arguments": _ARGUMENTS,
    "test_prompt_with_embedded_resource": ("resourceUri",),
    "test_prompt_with_image": (),
}


def _prompted(name: str, given: Mapping[str, str]) -> list[types.ContentBlock]:
    match name:
        case "test_simple_prompt":
            return [text("This is a simple prompt for testing.")]
        case "test_prompt_with_arguments":
            return [text(f"Prompt with arguments: arg1='{given['arg1']}', arg2='{given['arg2']}'")]
        case "test_prompt_with_embedded_resource":
            shown = embedded(given["resourceUri"], "text/plain", "Embedded resource content for testing.")
            return [shown, text("Please process the embedded resource above.")]
    return [image(), text("Please analyze the image above.")]


_RESOURCES: Final = ("test://static-text", "test://static-binary", "test://watched-resource")
_TEMPLATE: Final = "test://template/{id}/data"


def _contents(uri: str) -> types.TextResourceContents | types.BlobResourceContents:
    if uri == "test://static-binary":
        return types.BlobResourceContents(uri=uri, mime_type="image/png", blob=PNG)
    if uri.startswith("test://template/"):
        found = uri.split("/")[3]
        data = {"id": found, "templateTest": True, "data": f"Data for ID: {found}"}
        return types.TextResourceContents(uri=uri, mime_type="application/json", text=json.dumps(data))
    return types.TextResourceContents(uri=uri, mime_type="text/plain", text="This is the content of the static text resource.")


def add_named(server: Server[Any]) -> None:
    """Every handler answers what the suite names, and hands all else to Hive's."""
    _add_tools(server)
    _add_resources(server)
    _add_prompts(server)

    async def set_level(_: Context, __: types.SetLevelRequestParams) -> types.EmptyResult:
        return types.EmptyResult()

    server.add_request_handler("logging/setLevel", types.SetLevelRequestParams, set_level)


def _hives(server: Server[Any], method: str) -> Callable[[Context, Any], Awaitable[Any]]:
    entry = server.get_request_handler(method)
    assert entry is not None, method
    return entry.handler


def _add_tools(server: Server[Any]) -> None:
    listed, called = _hives(server, "tools/list"), _hives(server, "tools/call")

    async def list_tools(context: Context, params: types.PaginatedRequestParams) -> types.ListToolsResult:
        schemas = {name: schema for name, (schema, _) in TOOLS.items()} | {ERROR: _NOTHING}
        own = [types.Tool(name=name, description="Of the suite.", input_schema={**each}) for name, each in schemas.items()]
        return types.ListToolsResult(tools=[*(await listed(context, params)).tools, *own])

    async def call_tool(context: Context, params: types.CallToolRequestParams) -> types.CallToolResult:
        if params.name == ERROR:
            return types.CallToolResult(content=[text("This tool intentionally returns an error for testing")], is_error=True)
        if params.name in TOOLS:
            return types.CallToolResult(content=await TOOLS[params.name][1](context, params.arguments or {}))
        result: types.CallToolResult = await called(context, params)
        return result

    server.add_request_handler("tools/list", types.PaginatedRequestParams, list_tools)
    server.add_request_handler("tools/call", types.CallToolRequestParams, call_tool)


def _add_resources(server: Server[Any]) -> None:
    listed, templates, read = (_hives(server, f"resources/{verb}") for verb in ("list", "templates/list", "read"))

    async def list_resources(context: Context, params: types.PaginatedRequestParams) -> types.ListResourcesResult:
        own = [types.Resource(uri=uri, name=uri, description="Of the suite.") for uri in _RESOURCES]
        return types.ListResourcesResult(resources=[*(await listed(context, params)).resources, *own])

    async def list_templates(context: Context, params: types.PaginatedRequestParams) -> types.ListResourceTemplatesResult:
        own = types.ResourceTemplate(uri_template=_TEMPLATE, name="template", description="Of the suite.")
        found = (await templates(context, params)).resource_templates
        return types.ListResourceTemplatesResult(resource_templates=[*found, own])

    async def read_resource(context: Context, params: types.ReadResourceRequestParams) -> types.ReadResourceResult:
        if params.uri.startswith("test://"):
            return types.ReadResourceResult(contents=[_contents(params.uri)])
        result: types.ReadResourceResult = await read(context, params)
        return result

    server.add_request_handler("resources/list", types.PaginatedRequestParams, list_resources)
    server.add_request_handler("resources/templates/list", types.PaginatedRequestParams, list_templates)
    server.add_request_handler("resources/read", types.ReadResourceRequestParams, read_resource)
    for verb, kind in (("subscribe", types.SubscribeRequestParams), ("unsubscribe", types.UnsubscribeRequestParams)):
        _add_watching(server, f"resources/{verb}", kind)


def _add_watching(server: Server[Any], method: str, kind: Any) -> None:
    watched = _hives(server, method)

    async def watch(context: Context, params: Any) -> types.EmptyResult:
        if params.uri.startswith("test://"):
            return types.EmptyResult()
        result: types.EmptyResult = await watched(context, params)
        return result

    server.add_request_handler(method, kind, watch)


def _add_prompts(server: Server[Any]) -> None:
    listed, got, completed = (_hives(server, method) for method in ("prompts/list", "prompts/get", "completion/complete"))

    async def list_prompts(context: Context, params: types.PaginatedRequestParams) -> types.ListPromptsResult:
        own = [
            types.Prompt(
                name=name,
                description="Of the suite.",
                arguments=[types.PromptArgument(name=each, description="Of the suite.", required=True) for each in arguments],
            )
            for name, arguments in PROMPTS.items()
        ]
        return types.ListPromptsResult(prompts=[*(await listed(context, params)).prompts, *own])

    async def get_prompt(context: Context, params: types.GetPromptRequestParams) -> types.GetPromptResult:
        if params.name not in PROMPTS:
            result: types.GetPromptResult = await got(context, params)
            return result
        content = _prompted(params.name, params.arguments or {})
        return types.GetPromptResult(messages=[types.PromptMessage(role="user", content=each) for each in content])

    async def complete(context: Context, params: types.CompleteRequestParams) -> types.CompleteResult:
        if isinstance(params.ref, types.PromptReference) and params.ref.name in PROMPTS:
            return types.CompleteResult(completion=types.Completion(values=["paris", "park", "party"], total=3))
        result: types.CompleteResult = await completed(context, params)
        return result

    server.add_request_handler("prompts/list", types.PaginatedRequestParams, list_prompts)
    server.add_request_handler("prompts/get", types.GetPromptRequestParams, get_prompt)
    server.add_request_handler("completion/complete", types.CompleteRequestParams, complete)
