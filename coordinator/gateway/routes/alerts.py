"""Alerts: what fires, who knows of it, what is silenced, and by which rules."""

from typing import Annotated, Final
from uuid import UUID

from fastapi import APIRouter, Body, Path, Query, Response

from bus import subjects
from bus.auth import Permission
from bus.errors import Conflict, InvalidId, InvalidJson, NoHistory, NotFound, PayloadTooLarge, UnsupportedMediaType
from bus.messages import NoReply
from bus.messages.alerts import (
    Alert,
    AlertChanges,
    AlertList,
    AlertRef,
    CreateSilence,
    DryRun,
    DryRunResult,
    ListAlerts,
    PutRules,
    RuleSet,
    Silence,
    SilenceList,
    SilenceRef,
)
from coordinator.gateway import verbs
from coordinator.gateway.body import JsonRoute
from coordinator.gateway.examples import alerts as examples
from coordinator.gateway.routes.declared import Caller, Door, answer, needs

router = APIRouter(prefix="/api/alerts", tags=["alerts"], route_class=JsonRoute)

_BODY = (InvalidJson, PayloadTooLarge, UnsupportedMediaType)
DRY_RUN_SECONDS: Final = 60.0
_AlertId = Annotated[UUID, Path(description="the alert's id", examples=[str(examples.ALERT.id)])]
_SilenceId = Annotated[UUID, Path(description="the silence's id", examples=[str(examples.SILENCE.id)])]


@router.get("", summary="List alerts, latest change first", response_model=AlertList, **needs(Permission.ALERTS_VIEW))
async def list_alerts(query: Annotated[ListAlerts, Query()], gateway: Door, caller: Caller) -> Response:
    """Those that are not resolved; with `state`, those of that state. `groups` has what is active, by rule.

    Each change is told at `/ws` (topic `alerts.{severity}`) and on the bus (`system.alert`), too.
    """
    return answer(await verbs.ask(gateway.bus, subjects.SERVICE_ALERTS, "list", query, AlertList, caller))


@router.post(
    "/{alert_id}/acknowledge",
    summary="Say that somebody looks after an alert",
    response_model=Alert,
    **needs(Permission.ALERTS_MANAGE, InvalidId, NotFound, Conflict),
)
async def acknowledge(alert_id: _AlertId, gateway: Door, caller: Caller) -> Response:
    """It stays acknowledged until it is resolved. 409 for one that is."""
    body = AlertRef(id=alert_id)
    return answer(await verbs.order(gateway.bus, subjects.SERVICE_ALERTS, "acknowledge", body, Alert, caller))


@router.get(
    "/{alert_id}/changes",
    summary="What became of an alert",
    response_model=AlertChanges,
    **needs(Permission.ALERTS_VIEW, InvalidId, NotFound),
)
async def changes(alert_id: _AlertId, gateway: Door, caller: Caller) -> Response:
    """The alert as it was after each of its changes, oldest first: who acknowledged it when, what silenced it, and how it ended.

    Kept as long as the alert itself.
    """
    return answer(await verbs.ask(gateway.bus, subjects.SERVICE_ALERTS, "changes", AlertRef(id=alert_id), AlertChanges, caller))


@router.get("/rules", summary="The rules of alerts", response_model=RuleSet, **needs(Permission.ALERTS_VIEW))
async def rules(gateway: Door, caller: Caller) -> Response:
    """Those that hold, and where they come from."""
    return answer(await verbs.ask(gateway.bus, subjects.SERVICE_ALERTS, "rules", NoReply(), RuleSet, caller))


@router.put(
    "/rules",
    summary="Replace the rules of alerts",
    response_model=RuleSet,
    **needs(Permission.ALERTS_MANAGE, *_BODY),
)
async def put_rules(
    wanted: Annotated[PutRules, Body(openapi_examples=examples.RULES)], gateway: Door, caller: Caller
) -> Response:
    """All of them, at once; with one that is wrong nothing changes. An alert whose rule is gone is resolved."""
    return answer(await verbs.order(gateway.bus, subjects.SERVICE_ALERTS, "put_rules", wanted, RuleSet, caller))


@router.delete(
    "/rules",
    summary="Go back to the rules of the file",
    response_model=RuleSet,
    **needs(Permission.ALERTS_MANAGE),
)
async def reset_rules(gateway: Door, caller: Caller) -> Response:
    """Or to Hive's own, where `HIVE_ALERT_RULES` names no file. Those that were put are forgotten; an alert whose rule is gone is resolved."""
    return answer(await verbs.order(gateway.bus, subjects.SERVICE_ALERTS, "reset_rules", NoReply(), RuleSet, caller))


@router.post(
    "/rules/dry-run",
    summary="When a rule would have fired",
    response_model=DryRunResult,
    **needs(Permission.ALERTS_MANAGE, NoHistory, *_BODY),
)
async def dry_run(
    asked: Annotated[DryRun, Body(openapi_examples=examples.DRY_RUNS)], gateway: Door, caller: Caller
) -> Response:
    """Holds a rule against what is stored of the agents, models, workflows or the queue that it is about, a week at most.

    Nothing fires, and the rule is not kept. An agent of which nothing was measured counts as not available.
    """
    found = await verbs.order(
        gateway.bus, subjects.SERVICE_ALERTS, "dry_run", asked, DryRunResult, caller, seconds=DRY_RUN_SECONDS
    )
    return answer(found)


@router.get(
    "/silences", summary="Silences that hold or are planned", response_model=SilenceList, **needs(Permission.ALERTS_VIEW)
)
async def silences(gateway: Door, caller: Caller) -> Response:
    """The one that ends first first."""
    return answer(await verbs.ask(gateway.bus, subjects.SERVICE_ALERTS, "silences", NoReply(), SilenceList, caller))


@router.post(
    "/silences",
    summary="Silence alerts for a while",
    status_code=201,
    response_model=Silence,
    **needs(Permission.ALERTS_MANAGE, *_BODY),
)
async def silence(
    wanted: Annotated[CreateSilence, Body(openapi_examples=examples.SILENCES)], gateway: Door, caller: Caller
) -> Response:
    """Of a rule, of a thing, of a severity, of a scope, or what is all that it names; from now or `starts_at` on. What still holds when it
    ends fires then.
    """
    return answer(await verbs.order(gateway.bus, subjects.SERVICE_ALERTS, "silence", wanted, Silence, caller), 201)


@router.delete(
    "/silences/{silence_id}",
    summary="End a silence",
    response_model=Silence,
    **needs(Permission.ALERTS_MANAGE, InvalidId, NotFound),
)
async def end_silence(silence_id: _SilenceId, gateway: Door, caller: Caller) -> Response:
    """What it silenced fires at once, where it still holds."""
    body = SilenceRef(id=silence_id)
    return answer(await verbs.order(gateway.bus, subjects.SERVICE_ALERTS, "end_silence", body, Silence, caller))
