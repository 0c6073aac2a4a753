"""The FastAPI application: routes, and how everything that goes wrong becomes a problem that says what to do."""

from functools import partial
from typing import Any, Final

from fastapi import FastAPI, Request, Response
from fastapi.exceptions import RequestValidationError
from fastapi.routing import APIRoute
from fastapi.telemetry import TelemetryConfig
from starlette.exceptions import HTTPException
from starlette.routing import Match, Route, WebSocketRoute
from starlette.types import ASGIApp, Scope
from starlette.websockets import WebSocket

from bus.codec import sentences
from bus.errors import HiveError, InvalidId, InvalidRequest, MethodNotAllowed, NotFound
from bus.version import hive_version
from coordinator.gateway import docs_page, openapi
from coordinator.gateway.body import MAX_BODY
from coordinator.gateway.envelope import REQUEST_ID, Envelope
from coordinator.gateway.gate import Gate
from coordinator.gateway.gateway import Gateway
from coordinator.gateway.live import socket
from coordinator.gateway.llm import dialects
from coordinator.gateway.mcp import PATH as MCP_PATH
from coordinator.gateway.routes import (
    agent_history,
    agent_orders,
    agents,
    alerts,
    aliases,
    anthropic,
    audit,
    auth,
    credentials,
    executions,
    health,
    joining,
    keys,
    maintenance,
    mcp_servers,
    models,
    node_types,
    notifications,
    oauth,
    ollama,
    ollama_models,
    openai,
    placement,
    schedules,
    status,
    tasks,
    usage,
    users,
    webhooks,
    workflows,
)
from coordinator.gateway.routes.declared import GATEWAY

LLM_DOORS: Final = (openai, ollama, anthropic)
_NO_TELEMETRY: Final[TelemetryConfig] = {"tracing": False, "metrics": False, "logs": False}
"""FastAPI's own: a request's trace is Hive's (envelope.py), and looking for a provider with each one cost some microseconds."""


class NamedRoute(Route):
    """One that the metrics can name, as FastAPI's own are."""

    def matches(self, scope: Scope) -> tuple[Match, Scope]:
        match, child = super().matches(scope)
        return match, {**child, "route": self}


class Api(FastAPI):
    """FastAPI with Hive's own description."""

    def openapi(self) -> dict[str, Any]:
        return openapi.document(self)


def create_app(gateway: Gateway, mcp: ASGIApp | None = None) -> FastAPI:
    """Everything that a request may need comes from `gateway`; the app keeps nothing of its own. `mcp` answers at /mcp (endpoint.py)."""
    app = Api(title="Hive", version=hive_version(), docs_url=None, redoc_url=None, telemetry=_NO_TELEMETRY)
    setattr(app.state, GATEWAY, gateway)
    setattr(app.state, MAX_BODY, gateway.settings.max_body_bytes)
    for routes in (
        *LLM_DOORS,
        tasks,
        schedules,
        workflows,
        node_types,
        executions,
        credentials,
        oauth,
        mcp_servers,
        webhooks,
        agents,
        agent_orders,
        agent_history,
        joining,
        maintenance,
        notifications,
        alerts,
        usage,
        audit,
        models,
        aliases,
        placement,
        keys,
        users,
        auth,
        status,
        health,
        docs_page,
        ollama_models,
    ):
        app.include_router(routes.router)
    app.include_router(joining.door)
    app.router.routes[:0] = _short_ways()
    if mcp is not None:
        # First: behind all others it would be matched with each of them.
        app.router.routes.insert(0, NamedRoute(MCP_PATH, endpoint=mcp))
    app.router.routes.append(WebSocketRoute(socket.PATH, endpoint=partial(_live, gateway)))
    app.exception_handler(RequestValidationError)(_not_valid)
    app.exception_handler(HTTPException)(_no_route)
    app.add_middleware(Gate, identity=gateway.identity, guard=gateway.guard, settings=gateway.settings)
    app.add_middleware(Envelope, metrics=gateway.metrics, auditor=gateway.bus.auditor)
    app.add_middleware(gateway.sockets.around)
    return app


def _short_ways() -> list[NamedRoute]:
    """To those who ask for an answer, before FastAPI's own routes, which describe them: they read the request themselves, so nothing that
    FastAPI does for an endpoint is of use to them, and it took a twentieth of the gateway.
    """
    routes = (route for door in LLM_DOORS for route in door.router.routes if isinstance(route, APIRoute))
    plain = (each for each in routes if each.methods == {"POST"} and not each.dependencies)  # which FastAPI alone would look at
    return [NamedRoute(each.path, endpoint=each.endpoint, methods=["POST"]) for each in plain]


async def _live(gateway: Gateway, connection: WebSocket) -> None:
    client = socket.Client(connection, gateway.identity, gateway.hub, silence_seconds=gateway.settings.ws_silence_seconds)
    await client.serve(gateway.stopping)


async def _not_valid(request: Request, error: RequestValidationError) -> Response:
    problems = [(tuple(found["loc"]), found["type"], found["msg"]) for found in error.errors()]
    text = sentences((path[1:], kind, message) for path, kind, message in problems)
    in_path = any(path[0] == "path" for path, _, _ in problems)
    return _respond(request, InvalidId(text) if in_path else InvalidRequest(text))


async def _no_route(request: Request, error: HTTPException) -> Response:
    """What the router itself refuses: 404 and 405."""
    asked = f"{request.method} {request.url.path}"
    if error.status_code == MethodNotAllowed.http_status:
        allowed = _methods(request)
        response = _respond(request, MethodNotAllowed(f"There is no {asked}; this path takes {allowed}."))
        response.headers["Allow"] = allowed
        return response
    return _respond(request, NotFound(f"There is no {asked}. /docs lists what there is."))


def _methods(request: Request) -> str:
    """Every method that the path takes: the router itself names only those of the first route that it met. Where nothing is described,
    as at the doors of workflows, there is one route."""
    route = request.scope.get("route")
    found = request.app.openapi()["paths"].get(getattr(route, "path", "")) or getattr(route, "methods", None) or ()
    return ", ".join(sorted(method.upper() for method in found))


def _respond(request: Request, error: HiveError) -> Response:
    return dialects.respond(error, request.url.path, request.scope[REQUEST_ID])
