"""What surrounds every request: its id and trace, the version, the clock, and an answer when everything else failed."""

import re
from collections.abc import Mapping
from time import perf_counter
from typing import Final

import structlog
from starlette.datastructures import Headers, MutableHeaders
from starlette.requests import ClientDisconnect
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from bus import auth, subjects, telemetry, tracing
from bus.auditing.auditor import Auditor
from bus.errors import (
    HiveError,
    InvalidJson,
    NotFound,
    PayloadTooLarge,
    PermissionDenied,
    RateLimited,
    TooManyAttempts,
    UnsupportedMediaType,
)
from bus.messages import Claims
from bus.tracing import NOTHING, Open
from bus.version import hive_version
from bus.web.hardening import NO_PAGE, hardened
from bus.web.paths import climbs
from coordinator.gateway.asking import CLAIMS, WEBHOOK_PREFIXES, address_of, via
from coordinator.gateway.llm import dialects
from coordinator.gateway.metrics import Metrics

logger = telemetry.log(__name__)

REQUEST_ID: Final = "hive.request_id"
"""The key of a request's id in its ASGI scope."""
HEADERS: Final = "hive.headers"
"""The key, in a request's ASGI scope, of headers that go with its answer whatever becomes of it."""
_UNTRACED: Final = frozenset({"/metrics", "/healthz", "/readyz"})
_NONE: Final[Mapping[str, str]] = {}
_LOGGED: Final = (PayloadTooLarge, InvalidJson, UnsupportedMediaType)
"""What a client that is in order seldom sends."""
_AUDITED: Final = (PermissionDenied, RateLimited, TooManyAttempts)
"""Refusals of the gateway's own. A key that does not hold is told by the guard, and no key at all is no news."""
_SANE_ID = re.compile(r"[A-Za-z0-9._:-]{1,128}")


class Envelope:
    """Pure ASGI, since a wrapper that buffers would hold up the streams."""

    def __init__(self, app: ASGIApp, metrics: Metrics, auditor: Auditor) -> None:
        self._app, self._metrics, self._auditor, self._version = app, metrics, auditor, hive_version()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        headers = Headers(scope=scope)
        incoming = _incoming_trace(headers)
        with telemetry.trace(incoming) as traceparent, _spanned(scope, root=incoming is None) as span:
            request_id = request_id_of(headers.get("x-request-id"), traceparent)
            scope[REQUEST_ID] = request_id
            with structlog.contextvars.bound_contextvars(correlation_id=request_id):
                await self._answer(scope, receive, send, request_id, span)

    async def _answer(self, scope: Scope, receive: Receive, send: Send, request_id: str, span: Open) -> None:
        started, status = perf_counter(), 0

        async def send_marked(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
                marked = MutableHeaders(raw=message["headers"])
                marked["X-Request-ID"], marked["X-Hive-Version"] = request_id, self._version
                for name, value in scope.get(HEADERS, _NONE).items():
                    marked[name] = value
                if not scope["path"].startswith(WEBHOOK_PREFIXES):  # whose answers are the workflow's own
                    message["headers"] = hardened(message["headers"], scope["scheme"], NO_PAGE)
            await send(message)

        try:
            if climbs(scope["path"]):
                logger.warning("path_refused", path=via(scope), address=address_of(scope), code=NotFound.code)
                raise NotFound("The path leads upwards. /docs lists what there is.")
            await self._app(scope, receive, send_marked)
        except ClientDisconnect:  # in the middle of its body: nobody is there to be answered
            pass
        except Exception as error:
            if status:  # too late for another answer: the connection is cut, so that nobody takes the half for the whole
                raise
            _log(scope, error)
            if isinstance(error, _AUDITED) and not error.recorded:
                await self._auditor.refused("doors.request", _asker(scope), error)
            refusal = dialects.respond(_told(error, request_id), scope["path"], request_id, browser=_looks_at_a_page(scope))
            await refusal(scope, receive, send_marked)
        finally:
            self._metrics.observe(scope, status, perf_counter() - started)
            if span is not NOTHING:
                _describe(span, scope, status)


def _log(scope: Scope, error: Exception) -> None:
    """What may be an attack. A thing that is not there may be another tenant's: whose it is, nobody says here either (docs/adr/0061)."""
    known: Claims | None = scope.get(CLAIMS)
    if isinstance(error, _LOGGED):
        logger.warning("request_refused", path=via(scope), address=address_of(scope), code=error.code)
    elif isinstance(error, NotFound) and known is not None and scope.get("path_params"):
        logger.warning("thing_not_found", path=via(scope), sub=known.sub, tenant=known.tenant, code=error.code)


def _spanned(scope: Scope, *, root: bool) -> Open:
    """What is asked again and again by machines is no news of anything."""
    if not tracing.on() or scope["path"] in _UNTRACED:
        return NOTHING
    method = scope["method"]
    return tracing.span(method, "server", {"http.request.method": method, "url.scheme": scope["scheme"]}, root=root)


def _describe(span: Open, scope: Scope, status: int) -> None:
    """By its route, which has no ids in it; what was asked for may be private."""
    route = getattr(scope.get("route"), "path", None)
    if route is not None:
        span.name = f"{scope['method']} {route}"
        span.set("http.route", route)
    span.set("http.response.status_code", status or 499)
    if status >= 500:
        span.fail(str(status))


def request_id_of(given: str | None, traceparent: str) -> str:
    """The client's own id when it is short and plain, else the trace's: one search then finds the logs of all rooms."""
    return given if given and _SANE_ID.fullmatch(given) else traceparent[3:35]


def _incoming_trace(headers: Headers) -> str | None:
    given = headers.get(subjects.HEADER_TRACEPARENT)
    return given if given and telemetry.valid_traceparent(given) else None


def _told(error: Exception, request_id: str) -> HiveError:
    """What the caller may know: a HiveError as it is, anything else only by the id that its log entry carries."""
    if isinstance(error, HiveError):
        return error
    logger.error("request_failed", exc_info=error)
    return HiveError(f"Something failed inside, and it is Hive's fault. The gateway's log has the reason under {request_id}.")


def _asker(scope: Scope) -> Claims:
    """Whoever asks; only by the address where no key was shown that holds."""
    known: Claims | None = scope.get(CLAIMS)
    return known or auth.NOBODY.model_copy(update={"address": address_of(scope), "via": via(scope)})


def _looks_at_a_page(scope: Scope) -> bool:
    return "text/html" in Headers(scope=scope).get("accept", "")
