"""The windows of maintenance as any coordinator can tell them."""

from datetime import UTC, datetime

from bus import subjects
from bus.auth import Permission
from bus.messages.maintenance import ListMaintenance, MaintenanceList, MaintenanceWindow
from bus.service import Call, Service
from coordinator.agents.maintenance import phase_of
from coordinator.endpoints import service, verb
from coordinator.store.database import Statements, available


class MaintenanceReads:
    def __init__(self, statements: Statements) -> None:
        self._sql = statements

    def service(self) -> Service:
        return service(
            subjects.SERVICE_MAINTENANCE,
            "Windows of maintenance as they are recorded",
            verb("list", ListMaintenance, self._list, Permission.AGENTS_VIEW, "Windows, latest beginning first"),
        )

    async def _list(self, call: Call[ListMaintenance]) -> MaintenanceList:
        """Each in the phase that its times say, also while nobody leads."""
        with available():
            rows = await self._sql.all("windows", call.body.limit)
        now = datetime.now(UTC)
        found = (MaintenanceWindow.model_validate_json(row["record"]) for row in rows)
        return MaintenanceList(windows=tuple(each.model_copy(update={"phase": phase_of(each, now)}) for each in found))
