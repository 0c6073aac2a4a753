"""What became of an alert, change by change."""

from bus.auth import Permission
from bus.errors import NotFound
from bus.messages.alerts import AlertChanges, AlertRef
from bus.service import Call, Endpoint
from monitor.alerting.record import AlertRecord


def changes_endpoint(record: AlertRecord) -> Endpoint:
    async def changes(call: Call[AlertRef]) -> AlertChanges:
        found = await record.changes(call.body.id)
        if not found:
            raise NotFound(f"There is no alert {call.body.id}, or it is over for longer than alerts are kept.")
        return AlertChanges(changes=tuple(found))

    return Endpoint(
        verb="changes",
        body=AlertRef,
        handler=changes,
        permission=Permission.ALERTS_VIEW,
        description="{id} -> the alert as it was after each of its changes, oldest first",
    )
