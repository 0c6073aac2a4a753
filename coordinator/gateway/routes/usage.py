"""What was used and by whom, quotas on it, and hosts that have become slower."""

from typing import Annotated

from fastapi import APIRouter, Body, Query, Response

from bus import subjects
from bus.auth import Permission
from bus.errors import InvalidJson, NotFound, PayloadTooLarge, UnsupportedMediaType
from bus.messages import NoReply
from bus.messages.usage import ListUsage, PutQuota, Quota, QuotaList, QuotaRef, SlowHosts, UsageReport
from coordinator.gateway import verbs
from coordinator.gateway.body import JsonRoute
from coordinator.gateway.examples import usage as examples
from coordinator.gateway.routes.declared import Caller, Door, answer, needs

router = APIRouter(prefix="/api/usage", tags=["usage"], route_class=JsonRoute)


@router.get("", summary="What was used", response_model=UsageReport, **needs(Permission.METRICS_VIEW))
async def report(query: Annotated[ListUsage, Query()], gateway: Door, caller: Caller) -> Response:
    """Tokens, seconds and energy of tasks that ended, by user, key, model, workflow or day. Days are those of UTC."""
    return answer(await verbs.ask(gateway.bus, subjects.SERVICE_USAGE, "report", query, UsageReport, caller))


@router.get("/slow-hosts", summary="Hosts that became slower", response_model=SlowHosts, **needs(Permission.METRICS_VIEW))
async def slow_hosts(gateway: Door, caller: Caller) -> Response:
    """Agents that write fewer tokens a second with a model than in the two weeks before: a hint, and no alert."""
    return answer(await verbs.ask(gateway.bus, subjects.SERVICE_USAGE, "slow_hosts", NoReply(), SlowHosts, caller))


@router.get("/quotas", summary="List quotas", response_model=QuotaList, **needs(Permission.METRICS_VIEW))
async def quotas(gateway: Door, caller: Caller) -> Response:
    """Each with what of it is used in the present day or month."""
    return answer(await verbs.ask(gateway.bus, subjects.SERVICE_USAGE, "quotas", NoReply(), QuotaList, caller))


@router.put(
    "/quotas",
    summary="Set a quota",
    response_model=Quota,
    **needs(Permission.QUOTAS_MANAGE, InvalidJson, PayloadTooLarge, UnsupportedMediaType),
)
async def put_quota(
    quota: Annotated[PutQuota, Body(openapi_examples=examples.QUOTAS)], gateway: Door, caller: Caller
) -> Response:
    """Of a user, a key or a workflow, in tokens, seconds or watt hours, a day or a month. Where it is used up, doors answer 429 `quota_exceeded` until it resets.

    `quota.warning` is told at four fifths, on the bus and at `/ws` (topic `user.{name}`).
    """
    return answer(await verbs.order(gateway.bus, subjects.SERVICE_USAGE, "put_quota", quota, Quota, caller))


@router.delete("/quotas", summary="Remove a quota", response_model=QuotaList, **needs(Permission.QUOTAS_MANAGE, NotFound))
async def remove_quota(query: Annotated[QuotaRef, Query()], gateway: Door, caller: Caller) -> Response:
    """Answers with those that are left."""
    return answer(await verbs.order(gateway.bus, subjects.SERVICE_USAGE, "remove_quota", query, QuotaList, caller))
