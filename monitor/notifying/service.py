"""The verbs of notifications, beside those of alerts. Where Hive calls to is an administrator's to say: it reaches what Hive reaches."""

from bus.auth import Permission
from bus.messages import NoReply
from bus.messages.notifications import NotificationTarget, PutTarget, SentTest, TargetList, TargetRef
from bus.service import Call, Endpoint
from monitor.notifying.notifier import Notifier

_PERMISSION = Permission.ALERT_TARGETS_MANAGE


def endpoints(notifier: Notifier) -> tuple[Endpoint, ...]:
    async def targets(call: Call[NoReply]) -> TargetList:
        return notifier.listed

    async def put_target(call: Call[PutTarget]) -> NotificationTarget:
        return await notifier.put(call.body, call.claims.sub)

    async def remove_target(call: Call[TargetRef]) -> NotificationTarget:
        return await notifier.remove(call.body.name, call.claims.sub)

    async def test_target(call: Call[TargetRef]) -> SentTest:
        return await notifier.test(call.body.name)

    return (
        Endpoint(
            verb="targets",
            body=NoReply,
            handler=targets,
            permission=_PERMISSION,
            description="{} -> where alerts are sent, without the addresses",
        ),
        Endpoint(
            verb="put_target",
            body=PutTarget,
            handler=put_target,
            permission=_PERMISSION,
            description="{name, url, severities, rules, …} -> the target, made or replaced",
        ),
        Endpoint(
            verb="remove_target",
            body=TargetRef,
            handler=remove_target,
            permission=_PERMISSION,
            description="{name} -> the target that was",
        ),
        Endpoint(
            verb="test_target",
            body=TargetRef,
            handler=test_target,
            permission=_PERMISSION,
            description="{name} -> how long it took to send it a test",
        ),
    )
