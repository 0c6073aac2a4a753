"""Structured output: what a model is told of the form of its answer, and how the answer is read. Pure."""

import json
from collections.abc import Mapping, Sequence
from typing import Any

from workflow.core.failure import NodeError
from workflow.expressions.parameters import Parameters
from workflow.nodes.ai.models import attached
from workflow.nodes.contract import NodeCall
from workflow.nodes.values import type_of


def schema_of(call: NodeCall, index: int) -> dict[str, Any] | None:
    """The JSON schema of the parser that is attached to the node; None without one."""
    found = call.helpers.get("ai_outputParser")
    if not found:
        return None
    helper = call.of_helper(found[0])
    if helper.node.short_type == "outputParserAutofixing":
        return schema_of(helper, index)
    return schema_from(helper.scripts.parameters(helper, (index,))[0])


def schema_from(parameters: Parameters) -> dict[str, Any]:
    """By example or by hand, as the parameters have it. Raises `NodeError` for what is no JSON."""
    example = parameters.get("jsonSchemaExample")
    given = parameters.get("inputSchema", parameters.get("jsonSchema"))
    if parameters.get("schemaType", "fromJson" if example else "manual") == "fromJson":
        return inferred(_json(example, "example"))
    schema = _json(given, "schema")
    if not isinstance(schema, dict):
        raise NodeError("The schema of the output parser must be a JSON object")
    return schema


def _json(given: Any, what: str) -> Any:
    if not isinstance(given, str):
        return given if given is not None else {}
    try:
        return json.loads(given)
    except ValueError as error:
        raise NodeError(f"The {what} of the output parser is not valid JSON: {error}") from None


def inferred(example: Any) -> dict[str, Any]:
    """The schema that an example stands for; everything that it has is required."""
    if isinstance(example, Mapping):
        return object_of({name: inferred(value) for name, value in example.items()}, list(example))
    if isinstance(example, list):
        return {"type": "array", "items": inferred(example[0]) if example else {}}
    return {"type": type_of(example)} if example is not None else {}


def object_of(properties: Mapping[str, Any], required: Sequence[str]) -> dict[str, Any]:
    return {"type": "object", "properties": dict(properties), "required": list(required)}


def instructions(schema: Mapping[str, Any]) -> str:
    return (
        "Answer with one JSON value and nothing else: no explanation, no code fence. It must be valid against this JSON schema:\n"
        + json.dumps(schema, ensure_ascii=False)
    )


def read(text: str, schema: Mapping[str, Any]) -> Any:
    """The first JSON value in the text. Raises `NodeError` where there is none, or where it does not fit the schema."""
    value = first_json(text)
    if value is None:
        raise NodeError("Model output doesn't fit required format", description=f"It holds no JSON: {text[:500]}")
    wrong = mismatch(value, schema, "output")
    if wrong:
        raise NodeError("Model output doesn't fit required format", description=wrong)
    return value


def plain(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False)


def first_json(text: str) -> Any:
    """The first object or list that a text holds, whatever stands around it."""
    decoder = json.JSONDecoder()
    for start, letter in enumerate(text):
        if letter in "{[":
            try:
                return decoder.raw_decode(text, start)[0]
            except ValueError:
                continue
    return None


def mismatch(value: Any, schema: Mapping[str, Any], where: str) -> str | None:
    """What does not fit: types, required fields and lists of values. None where it fits."""
    wanted = schema.get("type")
    kinds = [wanted] if isinstance(wanted, str) else wanted if isinstance(wanted, list) else []
    actual = type_of(value)
    if kinds and actual not in kinds and not (actual == "number" and "integer" in kinds and float(value).is_integer()):
        return f"{where} is of type {actual}; it should be {' or '.join(kinds)}"
    if isinstance(schema.get("enum"), list) and value not in schema["enum"]:
        return f"{where} is {value!r}; it should be one of {schema['enum']}"
    if isinstance(value, Mapping):
        missing = [name for name in schema.get("required") or [] if name not in value]
        if missing:
            return f"{where} lacks {', '.join(missing)}"
        inner = schema.get("properties") or {}
        found = (mismatch(each, inner[name], f"{where}.{name}") for name, each in value.items() if name in inner)
        return next((each for each in found if each), None)
    if isinstance(value, list) and isinstance(schema.get("items"), Mapping):
        found = (mismatch(each, schema["items"], f"{where}[{n}]") for n, each in enumerate(value))
        return next((each for each in found if each), None)
    return None


TYPES = (
    attached("outputParserStructured", (1, 1.1, 1.2, 1.3), "ai_outputParser"),
    attached("outputParserAutofixing", (1,), "ai_outputParser", "The model that answered is asked again, not one of its own"),
)
