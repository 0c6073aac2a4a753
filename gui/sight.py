"""What of that which all pages share one page may show: pure. A page asks the rooms for everything else, with the claims of who looks."""

from dataclasses import dataclass
from typing import Self

from bus.auth import Permission, allows
from bus.messages import Claims
from bus.tenancy import scope
from gui.frames import TaskRow


@dataclass(frozen=True, slots=True)
class Sight:
    """`tenant`, `owner`: whose tasks; None: those of all. `tasks`: whether any are shown; `alerts`: whether the hive's own are."""

    tenant: str | None = None
    owner: str | None = None
    alerts: bool = True
    tasks: bool = True

    @classmethod
    def of(cls, claims: Claims) -> Self:
        owner = None if allows(claims, Permission.TASKS_VIEW) else claims.sub
        own = allows(claims, Permission.TASKS_VIEW, owner=claims.sub)
        return cls(scope(claims), owner, allows(claims, Permission.ALERTS_VIEW), own)

    def sees(self, row: TaskRow) -> bool:
        return self.tasks and self.tenant in (None, row.tenant) and self.owner in (None, row.owner)
