"""What any coordinator can tell about the hive without leading: the numbers that its leader last told everybody, and how the stores are."""

from bus import subjects
from bus.auth import Permission
from bus.messages import ClusterStatus, NoReply
from bus.messages.readings import StoreReadings
from bus.overview import Overview
from bus.service import Call, Service
from coordinator.endpoints import service, verb
from coordinator.reading.stores import StoreReads


def status_service(overview: Overview, stores: StoreReads) -> Service:
    async def cluster(_call: Call[NoReply]) -> ClusterStatus:
        return overview.status()

    async def told_by_stores(_call: Call[NoReply]) -> StoreReadings:
        return await stores.read()

    view = Permission.AGENTS_VIEW
    return service(
        subjects.SERVICE_STATUS,
        "The hive as its leader last told it",
        verb("cluster", NoReply, cluster, view, "The hive in numbers, and how old they are"),
        verb("stores", NoReply, told_by_stores, Permission.METRICS_VIEW, "What PostgreSQL and Redis say of themselves"),
    )
