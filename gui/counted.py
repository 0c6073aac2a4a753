"""What a person does in the dashboard counts with what the same person does at the doors: the same limits an hour."""

from collections.abc import Awaitable, Callable
from typing import Final

from bus import subjects
from bus.auditing.auditor import Auditor
from bus.auth import Permission, allows
from bus.limits.limits import Limits
from bus.limits.rates import Limited
from bus.messages import Claims

COUNTED: Final = {
    subjects.service_verb(subjects.SERVICE_TASKS, "submit"): (Limited.TASKS_CREATE, Permission.TASKS_CREATE),
    subjects.service_verb(subjects.SERVICE_WORKFLOWS, "create"): (Limited.WORKFLOWS_CREATE, Permission.WORKFLOWS_CREATE),
    subjects.service_verb(subjects.SERVICE_WORKFLOWS, "execute"): (Limited.EXECUTIONS_START, Permission.EXECUTIONS_START),
    subjects.service_verb(subjects.SERVICE_EXECUTIONS, "retry"): (Limited.EXECUTIONS_START, Permission.EXECUTIONS_START),
}
Take = Callable[[str, Claims], Awaitable[None]]
"""Before a request to this subject in this person's name. PermissionDenied for a role that may never, RateLimited for who has too often."""


def counted(limits: Limits, auditor: Auditor) -> Take:
    """A refusal is in the audit log, as those of the doors are. Who lacks the permission is left to the service, which says so."""

    async def take(subject: str, claims: Claims) -> None:
        what, permission = COUNTED.get(subject, (None, None))
        if what is None or permission is None or not allows(claims, permission):
            return
        refusal = (await limits.take(what, claims)).refusal
        if refusal is not None:
            await auditor.refused("doors.request", claims, refusal)
            raise refusal

    return take
