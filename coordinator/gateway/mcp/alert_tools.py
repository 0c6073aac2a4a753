"""Tools for alerts: what fires, to say that somebody looks after it, and to have it call nobody for a while."""

from typing import Any, Final

from bus import subjects
from bus.auth import Permission
from bus.messages.alerts import Alert, AlertList, AlertRef, CreateSilence, ListAlerts, Silence
from coordinator.gateway import verbs
from coordinator.gateway.mcp.tool import Call, Tool


async def _alerts(call: Call[ListAlerts]) -> AlertList:
    return await verbs.ask(call.gateway.bus, subjects.SERVICE_ALERTS, "list", call.arguments, AlertList, call.claims)


async def _acknowledge(call: Call[AlertRef]) -> Alert:
    return await verbs.order(call.gateway.bus, subjects.SERVICE_ALERTS, "acknowledge", call.arguments, Alert, call.claims)


async def _silence(call: Call[CreateSilence]) -> Silence:
    return await verbs.order(call.gateway.bus, subjects.SERVICE_ALERTS, "silence", call.arguments, Silence, call.claims)


TOOLS: Final[tuple[Tool[Any], ...]] = (
    Tool(
        name="list_alerts",
        title="List alerts",
        description="What fires, is acknowledged or is silenced, latest change first, and by rule; with `state`, those of that state.",
        arguments=ListAlerts,
        result=AlertList,
        handler=_alerts,
        permission=Permission.ALERTS_VIEW,
        reads=True,
    ),
    Tool(
        name="acknowledge_alert",
        title="Acknowledge an alert",
        description="Says that somebody looks after an alert. It stays acknowledged until it is resolved.",
        arguments=AlertRef,
        result=Alert,
        handler=_acknowledge,
        permission=Permission.ALERTS_MANAGE,
        idempotent=True,
    ),
    Tool(
        name="silence_alerts",
        title="Silence alerts",
        description="Nobody is called by alerts of a rule, a thing, a severity or a scope, for `minutes` or until `ends_at`. "
        "All that is named must fit, and `*` stands for any characters.",
        arguments=CreateSilence,
        result=Silence,
        handler=_silence,
        permission=Permission.ALERTS_MANAGE,
    ),
)
