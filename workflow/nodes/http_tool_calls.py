"""HTTP Request, carried out by a tool of an MCP server (`http_request`): the node stays as it is, and each of its requests is a call of the tool.

So batches, pages, options of the response and errors are the node's own. A tool that answers with `status` and `body` is read as a response; what
any other answers is the body of one.
"""

import base64
import json
from collections.abc import Generator, Mapping
from contextlib import suppress
from typing import Any, Final

from workflow.core.effects import CallHttp, Effect
from workflow.core.execution import Reply
from workflow.core.failure import Failure, NodeError
from workflow.core.items import Outputs
from workflow.nodes import http_request
from workflow.nodes.contract import EffectRun, NodeCall
from workflow.nodes.http_building import own_headers
from workflow.nodes.tool_calls import Known, file_of, files_in, known, require_success, value_in

_STATUSES: Final = ("status", "statusCode", "status_code")
_OK: Final = 200


def run(call: NodeCall) -> EffectRun:
    use = call.node.tool
    if use is None:
        raise TypeError("no tool carries the node out")
    tool = yield from known(call.node, use)
    inner = http_request.run(call)
    try:
        asked = next(inner)
        while True:
            effects = [asked] if isinstance(asked, Effect) else list(asked)
            replies = yield from _replies(tool, effects)
            asked = inner.send(replies[0] if isinstance(asked, Effect) else replies)
    except StopIteration as stop:
        outputs: Outputs = stop.value
        return outputs


def _replies(tool: Known, effects: list[Effect]) -> Generator[list[Effect], list[Reply], list[Reply]]:
    """In their order: what the tool gives for requests, and what the engine gives for anything else."""
    asked = [_through(tool, effect) for effect in effects]
    wanted = [each for each in asked if isinstance(each, Effect)]
    given = iter((yield wanted)) if wanted else iter(())
    made = [next(given) if isinstance(each, Effect) else each for each in asked]
    return [
        _response(tool, effect, reply) if isinstance(effect, CallHttp) else reply
        for effect, reply in zip(effects, made, strict=True)
    ]


def _through(tool: Known, effect: Effect) -> Effect | Reply:
    if not isinstance(effect, CallHttp):
        return effect
    try:
        return tool.call(tool.fitting(_arguments(tool, effect), _needless(effect)), effect.timeout_seconds)
    except NodeError as error:
        return Reply(failure=Failure.of(error, ""))


def _needless(effect: CallHttp) -> tuple[str, ...]:
    return ("method",) if effect.method == "GET" else ()


def _arguments(tool: Known, effect: CallHttp) -> dict[str, Any]:
    """`method` and `url`; what else is not as it is by itself. NodeError where the request needs a secret, which no server is given."""
    if effect.credentials:
        raise NodeError(
            f"The request is carried out by the MCP server {tool.use.server}, which is given no credentials",
            description="Take the node's authentication out, or let Hive carry the node out",
        )
    headers = own_headers(effect)
    found: dict[str, Any] = {"method": effect.method, "url": effect.url, **({"headers": headers} if headers else {})}
    found |= _body(tool, effect)
    if not effect.follow_redirects:
        found["follow_redirects"] = False
    if not effect.verify_tls:
        found["verify_tls"] = False
    return found | ({"proxy": effect.proxy} if effect.proxy else {})


def _body(tool: Known, effect: CallHttp) -> dict[str, Any]:
    """As text; as base64 what is none; as JSON where the tool takes no text."""
    if effect.body_base64 is None:
        return {}
    content = base64.b64decode(effect.body_base64)
    try:
        text = content.decode()
    except UnicodeDecodeError:
        return {"body_base64": effect.body_base64}
    declared = tool.declared.get("body")
    kind = declared.get("type") if isinstance(declared, Mapping) else None
    if kind in ("object", "array"):
        with suppress(ValueError):
            return {"body": json.loads(text)}
    return {"body": text}


def _response(tool: Known, effect: CallHttp, reply: Reply) -> Reply:
    """In the form of a reply to `CallHttp`."""
    if reply.failure is not None:
        return reply
    try:
        require_success(tool, reply.value)
    except NodeError as error:
        return Reply(failure=Failure.of(error, ""))
    found = value_in(reply.value)
    return Reply(value={"url": effect.url, **(_as_said(found) or _as_body(found, reply.value))})


def _as_said(found: Any) -> dict[str, Any] | None:
    """Of a tool that speaks of status and body."""
    if not isinstance(found, Mapping) or not ({"body", "body_base64"} & set(found)):
        return None
    status = next((found[name] for name in _STATUSES if isinstance(found.get(name), int)), None)
    if status is None:
        return None
    given = found.get("headers")
    headers = {str(name).lower(): str(value) for name, value in given.items()} if isinstance(given, Mapping) else {}
    if isinstance(encoded := found.get("body_base64"), str):
        return {"status": status, "headers": headers, "body_base64": encoded}
    body = found.get("body")
    return {"status": status, **_text(body, headers)}


def _as_body(found: Any, answer: Mapping[str, Any]) -> dict[str, Any]:
    files = files_in(answer)
    if found is None and files:
        data, kind, _ = file_of(files[0])
        return {"status": _OK, "headers": {"content-type": kind}, "body_base64": data}
    return {"status": _OK, **_text(found, {})}


def _text(body: Any, headers: Mapping[str, str]) -> dict[str, Any]:
    if isinstance(body, str):
        return {"headers": {"content-type": "text/plain", **headers}, "body": body}
    text = "" if body is None else json.dumps(body)
    return {"headers": {**headers, "content-type": "application/json"}, "body": text}
