"""What any coordinator can tell about the hive without leading: the numbers that its leader last told everybody."""

from bus import subjects
from bus.auth import Permission
from bus.messages import ClusterStatus, NoReply
from bus.overview import Overview
from bus.service import Call, Service
from coordinator.endpoints import service, verb


def status_service(overview: Overview) -> Service:
    async def cluster(_call: Call[NoReply]) -> ClusterStatus:
        return overview.status()

    view = Permission.AGENTS_VIEW
    return service(
        subjects.SERVICE_STATUS,
        "The hive as its leader last told it",
        verb("cluster", NoReply, cluster, view, "The hive in numbers, and how old they are"),
    )
