"""Whether a task that comes in now would be worked on."""

from typing import Final

from bus import auth, subjects
from bus.errors import HiveError
from bus.messages import ClusterStatus, NoReply, Record
from coordinator.gateway.gateway import Gateway

LOOK_SECONDS: Final = 2.0


class Check(Record):
    """One thing that must hold. `detail` says what is missing, and what to do about it."""

    name: str
    ok: bool
    detail: str


class Readiness(Record):
    ready: bool
    checks: tuple[Check, ...]


async def _leads(gateway: Gateway) -> ClusterStatus | None:
    """What the leader itself says, since one that has just gone would work on nothing; None when none answers in time."""
    subject = subjects.service_verb(subjects.SERVICE_QUEUE, "status")
    try:
        return await gateway.bus.request(
            subject, NoReply(), ClusterStatus, claims=auth.BUS_OPERATOR, timeout=LOOK_SECONDS, patient=False
        )
    except HiveError:
        return None


async def examine(gateway: Gateway) -> Readiness:
    status = await _leads(gateway) if gateway.bus.connected else None
    return judge(gateway.bus.connected, status, len(gateway.overview.agents.items))


def judge(connected: bool, status: ClusterStatus | None, agents: int) -> Readiness:
    """Pure. `agents` counts those ever seen: one that is offline may come back, and its tasks wait for it."""
    leads = status is not None and status.leader is not None
    checks = (
        Check(name="bus", ok=connected, detail="connected" if connected else "NATS is away: see `hive logs nats`"),
        Check(
            name="leader",
            ok=leads,
            detail="a coordinator leads" if leads else "no coordinator leads: see `hive logs coordinator`",
        ),
        Check(
            name="agents", ok=agents > 0, detail=f"{agents} known" if agents else "no agent has registered: `hive agents add`"
        ),
    )
    return Readiness(ready=all(check.ok for check in checks), checks=checks)
