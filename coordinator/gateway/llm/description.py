"""What the API's description says of the doors for clients of language models: their bodies, answers and errors are others' protocols, so
the framework knows nothing of them. Pure.
"""

import json
from collections.abc import Mapping
from typing import Any, Final

from pydantic import BaseModel

from bus.auth import Permission
from bus.errors import (
    AgentUnable,
    BackendError,
    BackendRefused,
    BusUnavailable,
    Conflict,
    HiveError,
    IdempotencyMismatch,
    InvalidJson,
    InvalidRequest,
    PayloadTooLarge,
    PermissionDenied,
    QueueFull,
    QuotaExceeded,
    StoreFull,
    Unauthenticated,
    UnknownModel,
    UnsupportedByBackend,
)
from coordinator.gateway.llm.dialects import Dialect, dialect_of
from coordinator.gateway.llm.examples import OPERATIONS, Operation
from coordinator.gateway.routes.declared import ANY_KEY, PERMISSION_FIELD

Json = dict[str, Any]
REFERENCE: Final = "#/components/schemas/"
_ALWAYS: Final = (InvalidRequest, Unauthenticated, PermissionDenied, BusUnavailable)
_OF_A_BODY: Final = (InvalidJson, PayloadTooLarge, UnknownModel)
_OF_A_TASK: Final = (
    BackendRefused,
    UnsupportedByBackend,
    BackendError,
    IdempotencyMismatch,
    QueueFull,
    QuotaExceeded,
    StoreFull,
)
_OF_AN_ORDER: Final = (AgentUnable, BackendRefused, BackendError, Conflict)
_REQUEST_ID: Final = "4bf92f3577b34da6a3ce929d0e0e4736"


def describe(schema: Json) -> None:
    """Adds to the document what it lacks of each of these operations."""
    for path, item in schema["paths"].items():
        dialect = dialect_of(path)
        for method, operation in item.items():
            if dialect is not None and (known := OPERATIONS.get((method, path))) is not None:
                _describe(operation, known, dialect, schema["components"]["schemas"])


def _describe(operation: Json, known: Operation, dialect: Dialect, schemas: Json) -> None:
    operation[PERMISSION_FIELD] = str(known.needs or ANY_KEY)
    operation["responses"] = {"200": _answer(known), **_errors(known, dialect)}
    if known.takes is not None:
        name = f"{operation['tags'][0]}{known.takes.__name__}"
        schemas.update(_named(name, known.takes))
        examples = {"request": {"summary": "For example", "value": known.body}}
        content = {"schema": {"$ref": REFERENCE + name}, "examples": examples}
        operation["requestBody"] = {"required": True, "content": {"application/json": content}}


def _named(name: str, model: type[BaseModel]) -> Json:
    """The model's schema and those in it, whose names would otherwise be those of other protocols' too."""
    found = model.model_json_schema(ref_template=f"{REFERENCE}{name}.{{model}}")
    inner = found.pop("$defs", {})
    return {name: found, **{f"{name}.{each}": schema for each, schema in inner.items()}}


def _answer(known: Operation) -> Json:
    content: Json = {}
    if known.answer is not None:
        content["application/json"] = {"schema": {"type": "object"}, "example": known.answer}
    if known.stream is not None:
        content[known.stream] = {"schema": {"type": "string"}, "example": known.streamed}
    return {"description": known.says} | ({"content": content} if content else {})


def _errors(known: Operation, dialect: Dialect) -> Json:
    """Each as the protocol has it; the same status of several errors once, with an example each."""
    kinds: list[type[HiveError]] = list(_ALWAYS)
    kinds += _OF_A_BODY if known.takes is not None else ()
    kinds += _OF_A_TASK if known.is_task else _OF_AN_ORDER if known.needs is Permission.MODELS_MANAGE else ()
    found: Json = {}
    for kind in dict.fromkeys((*kinds, *known.errors)):
        answer = dialect.respond(kind(), _REQUEST_ID)
        content = {"application/json": {"schema": {"type": "object"}, "examples": {}}}
        response = found.setdefault(str(answer.status_code), {"description": kind.title, "content": content})
        response["content"]["application/json"]["examples"][kind.code] = _example(kind, bytes(answer.body))
    return dict(sorted(found.items()))


def _example(kind: type[HiveError], body: bytes) -> Mapping[str, Any]:
    return {"summary": kind.title, "value": json.loads(body)}
