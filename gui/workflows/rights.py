"""What the pages of workflows offer somebody. The services check again."""

from bus.auth import Permission, allows
from bus.messages import Claims, Message


class WorkflowRights(Message):
    create: bool
    edit: bool
    delete: bool
    execute: bool
    stop: bool
    credentials: bool


def rights_of(claims: Claims) -> WorkflowRights:
    return WorkflowRights(
        create=allows(claims, Permission.WORKFLOWS_CREATE),
        edit=allows(claims, Permission.WORKFLOWS_EDIT),
        delete=allows(claims, Permission.WORKFLOWS_DELETE),
        execute=allows(claims, Permission.EXECUTIONS_START),
        stop=allows(claims, Permission.EXECUTIONS_STOP),
        credentials=allows(claims, Permission.CREDENTIALS_OWN),
    )
