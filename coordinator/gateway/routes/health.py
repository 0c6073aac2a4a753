"""What answers without a key: liveness, readiness, and this machine's Prometheus."""

from typing import Final

from fastapi import APIRouter, Request, Response
from fastapi.responses import PlainTextResponse
from prometheus_client.exposition import choose_encoder

from bus.errors import Unauthenticated
from bus.messages import Record
from bus.version import hive_version
from coordinator.gateway.examples import cluster as examples
from coordinator.gateway.examples.answers import shown
from coordinator.gateway.readiness import Readiness, examine
from coordinator.gateway.routes.declared import Door, answer, needs_no_key
from coordinator.gateway.scraping import ask_rooms

router = APIRouter(tags=["health"])


class Life(Record):
    """The answer of a process that lives."""

    status: str
    version: str


_NOT_READY: Final = shown(examples.NOT_READY, status=503)
_NOT_READY[503] |= {"model": Readiness, "description": "Something is missing; `detail` says what to do"}
_LIFE = Life(status="ok", version=hive_version())


@router.get("/healthz", summary="Does the process live?", response_model=Life, **needs_no_key(also=shown(examples.LIFE)))
async def healthz() -> Response:
    """200 as long as it can answer at all; says nothing of what is behind it."""
    return answer(_LIFE)


@router.get(
    "/readyz",
    summary="Would a task be worked on?",
    response_model=Readiness,
    **needs_no_key(also=shown(examples.READY) | _NOT_READY),
)
async def readyz(gateway: Door) -> Response:
    """200 when the bus is connected, a coordinator leads and an agent is known; else 503. The body has each check."""
    readiness = await examine(gateway)
    return answer(readiness, 200 if readiness.ready else 503)


@router.get(
    "/metrics",
    summary="Metrics for Prometheus",
    response_class=PlainTextResponse,
    **needs_no_key(Unauthenticated, also=shown(examples.METRICS_PAGE, "text/plain")),
)
async def metrics(gateway: Door, request: Request) -> Response:
    """The hive as a whole, and this process's own requests. A room that does not answer within two seconds is left out.

    In OpenMetrics, for who accepts that, times of requests have exemplars: the ids of traces that were exported.
    Open on loopback; beyond it `Authorization: Bearer` with the scrape token of HIVE_METRICS_TOKEN.
    """
    overview = gateway.overview
    readings = await ask_rooms(gateway.bus)
    status = overview.status() if overview.led else None
    encode, media_type = choose_encoder(request.headers.get("accept", ""))
    page = gateway.metrics.page(status, overview.agents.items.values(), readings, encode)
    return Response(page, media_type=media_type)
