"""What an HTTP Request of version 1 or 2 sends: its parameters are named otherwise, and its body is less."""

from typing import Any, Final

from workflow.core.failure import NodeError
from workflow.expressions.parameters import Parameters
from workflow.nodes.contract import NodeCall
from workflow.nodes.http_bodies import FORM, MULTIPART, Body, Part, file_of, multipart
from workflow.nodes.http_pairs import listed
from workflow.nodes.http_query import Pairs, last_of_each, query_text
from workflow.nodes.values import json_text, read_json, text_of

_TITLES: Final = {"query": "Query Parameters", "header": "Headers", "body": "Body Parameters"}
_NO_BODY: Final[Body] = (None, None, False)


def older_pairs(parameters: Parameters, kind: str) -> Pairs:
    """`kind`: query, header or body."""
    if parameters.get("jsonParameters") is not True:
        return listed(parameters, f"{kind}ParametersUi.parameter")
    found = _json(parameters, kind)
    return list(found.items()) if isinstance(found, dict) else []


def _json(parameters: Parameters, kind: str) -> Any:
    given = parameters.get(f"{kind}ParametersJson", "")
    try:
        return (read_json(given) if given.strip() else {}) if isinstance(given, str) else given
    except ValueError:
        raise NodeError(
            f'The data in "{_TITLES[kind]}" is no valid JSON. Set Body Content Type to "RAW/Custom" for XML or other types of payloads'
        ) from None


def older_body(call: NodeCall, parameters: Parameters, index: int, extra: Pairs) -> Body:
    if parameters.text("requestMethod", "GET").upper() in ("GET", "HEAD", "OPTIONS"):
        return _NO_BODY
    kind = parameters.text("options.bodyContentType", "json")
    if parameters.get("sendBinaryData") is True:
        return _binary_body(call, parameters, index, kind)
    if kind == "raw":
        text = text_of(parameters.get("bodyParametersJson", ""))
        return text.encode(), parameters.text("options.bodyContentCustomMimeType") or None, False
    in_json = parameters.get("jsonParameters") is True
    fields = _json(parameters, "body") if in_json else last_of_each(older_pairs(parameters, "body"))
    if isinstance(fields, dict):
        fields = {**fields, **last_of_each(extra)}
    if not fields:
        return _NO_BODY
    if kind == "form-urlencoded":
        return query_text(fields).encode(), FORM, False
    if kind == "multipart-form-data" and isinstance(fields, dict):
        return multipart((name, text_of(value).encode(), None) for name, value in fields.items()), MULTIPART, True
    return json_text(fields).encode(), "application/json", False


def _binary_body(call: NodeCall, parameters: Parameters, index: int, kind: str) -> Body:
    """`name:field,name:field` of parts; the field alone is a part named `file`, or all of a raw body."""
    fields = [each.strip() for each in parameters.text("binaryPropertyName", "data").split(",")]
    if kind == "raw":
        content, facts = file_of(call, fields[0].rpartition(":")[2], index)
        own = parameters.text("options.bodyContentCustomMimeType")
        return content, own or str(facts.get("mimeType", "application/octet-stream")), False
    if kind != "multipart-form-data":
        raise NodeError(
            'Sending binary data is only supported when option "Body Content Type" is set to "RAW/CUSTOM" or "FORM-DATA/MULTIPART"!'
        )
    parts: list[Part] = []
    for each in fields:
        name, _, field = each.rpartition(":")
        parts.append((name or "file", *file_of(call, field, index)))
    return multipart(parts), MULTIPART, True
