"""The verbs of alerts, answered by the monitor that keeps the watch."""

from collections.abc import Sequence
from typing import TYPE_CHECKING

from bus import subjects
from bus.auth import Permission
from bus.messages import NoReply
from bus.messages.alerts import (
    Alert,
    AlertList,
    AlertRef,
    ChangeRule,
    CreateSilence,
    ListAlerts,
    PutRules,
    RuleSet,
    Silence,
    SilenceList,
    SilenceRef,
)
from bus.service import Call, Endpoint, Service
from bus.version import hive_version

if TYPE_CHECKING:
    from monitor.alerting.watch import Watch

_VIEW, _MANAGE = Permission.ALERTS_VIEW, Permission.ALERTS_MANAGE


def alerts_service(watch: "Watch", more: Sequence[Endpoint] = ()) -> Service:
    """With `more` verbs, which are about alerts and of another part of the monitor."""

    async def listed(call: Call[ListAlerts]) -> AlertList:
        return await watch.listed(call.body)

    async def acknowledge(call: Call[AlertRef]) -> Alert:
        return await watch.acknowledge(call.body.id, call.claims.sub)

    async def rules(call: Call[NoReply]) -> RuleSet:
        return watch.rules

    async def put_rules(call: Call[PutRules]) -> RuleSet:
        return await watch.put_rules(call.body, call.claims.sub)

    async def change_rule(call: Call[ChangeRule]) -> RuleSet:
        return await watch.change_rule(call.body, call.claims.sub)

    async def reset_rules(call: Call[NoReply]) -> RuleSet:
        return await watch.reset_rules()

    async def silences(call: Call[NoReply]) -> SilenceList:
        return SilenceList(silences=watch.silences)

    async def silence(call: Call[CreateSilence]) -> Silence:
        return await watch.silence(call.body, call.claims.sub)

    async def end_silence(call: Call[SilenceRef]) -> Silence:
        return await watch.end_silence(call.body.id)

    return Service(
        name=subjects.SERVICE_ALERTS,
        version=hive_version(),
        description="Alerts, their rules, silences and notifications",
        endpoints=(
            Endpoint(verb="list", body=ListAlerts, handler=listed, permission=_VIEW, description="{state, severity} -> alerts"),
            Endpoint(
                verb="acknowledge", body=AlertRef, handler=acknowledge, permission=_MANAGE, description="{id} -> the alert"
            ),
            Endpoint(verb="rules", body=NoReply, handler=rules, permission=_VIEW, description="{} -> the rules that hold"),
            Endpoint(
                verb="put_rules",
                body=PutRules,
                handler=put_rules,
                permission=_MANAGE,
                description="{alerts} -> the rules, replaced",
            ),
            Endpoint(
                verb="change_rule",
                body=ChangeRule,
                handler=change_rule,
                permission=_MANAGE,
                description="{name, rule, before} -> the rules, with this one created, changed or deleted",
            ),
            Endpoint(
                verb="reset_rules",
                body=NoReply,
                handler=reset_rules,
                permission=_MANAGE,
                description="{} -> the rules, those of the file or Hive's own again",
            ),
            Endpoint(
                verb="silences",
                body=NoReply,
                handler=silences,
                permission=_VIEW,
                description="{} -> silences that hold or are planned",
            ),
            Endpoint(verb="silence", body=CreateSilence, handler=silence, permission=_MANAGE, description="{rule, minutes, …}"),
            Endpoint(verb="end_silence", body=SilenceRef, handler=end_silence, permission=_MANAGE, description="{id} -> ended"),
            *more,
        ),
    )
