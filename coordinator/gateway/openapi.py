"""The API's own description: FastAPI's, and what it cannot know of errors and keys."""

from typing import Any, Final

from fastapi import FastAPI
from fastapi.openapi.utils import get_openapi

from coordinator.gateway.examples.answers import ANSWERS
from coordinator.gateway.llm.description import describe
from coordinator.gateway.problem import Problem

DESCRIPTION: Final = """One queue in front of every GPU host. Submit a task, follow its output, see where it ran and why.

Errors are RFC 9457 problem JSON; `code` is stable and docs/errors.md lists the codes. Every answer carries `X-Request-ID`,
which is also in the logs, and a `traceparent` that you send is carried through every room. `x-hive-permission` of a route is what
it needs; docs/permissions.md says who has it, and which permission includes others."""

_SCHEMES: Final[dict[str, dict[str, str]]] = {
    "bearer": {"type": "http", "scheme": "bearer", "description": "`Authorization: Bearer sk-hive-…`, or an access token"},
    "apiKey": {"type": "apiKey", "in": "header", "name": "x-api-key"},
    "basic": {"type": "http", "scheme": "basic", "description": "the key as the password; the name does not matter"},
}


def document(app: FastAPI) -> dict[str, Any]:
    """Made once, and kept by the app."""
    if app.openapi_schema is None:
        schema = get_openapi(title="Hive", version=app.version, description=DESCRIPTION, routes=app.routes)
        components = schema.setdefault("components", {})
        components.setdefault("schemas", {})["Problem"] = Problem.model_json_schema()
        components["securitySchemes"] = _SCHEMES
        schema["security"] = [{name: []} for name in _SCHEMES]
        _drop_foreign_errors(schema)
        _show_answers(schema)
        describe(schema)
        app.openapi_schema = schema
    return app.openapi_schema


def _show_answers(schema: dict[str, Any]) -> None:
    """An example for every answer whose model has one."""
    operations = [operation for item in schema["paths"].values() for operation in item.values()]
    for response in (response for operation in operations for response in operation["responses"].values()):
        content = response.get("content", {}).get("application/json", {})
        name = content.get("schema", {}).get("$ref", "").rpartition("/")[2]
        if name in ANSWERS:
            content["example"] = ANSWERS[name].model_dump(mode="json")


def _drop_foreign_errors(schema: dict[str, Any]) -> None:
    """FastAPI describes a validation error in a form of its own, which Hive never sends."""
    for name in ("HTTPValidationError", "ValidationError"):
        schema["components"]["schemas"].pop(name, None)
