"""Who is asking and what that allows: pure. The matrix is the seed's, with the permissions that Hive added to it."""

import hashlib
import secrets
from enum import StrEnum
from fnmatch import fnmatchcase
from functools import cache
from typing import Final

from bus.errors import PermissionDenied
from bus.messages import Claims, Role
from bus.model_names import same_model

KEY_PREFIX: Final = "sk-hive-"
JOIN_PREFIX: Final = "hive-join-"
MIN_KEY_LENGTH: Final = 32


class Permission(StrEnum):
    """What a route or a verb asks for. Every route and every verb names its own."""

    TASKS_CREATE = "tasks.create"
    TASKS_VIEW = "tasks.view"
    TASKS_CANCEL = "tasks.cancel"
    TASKS_ASSIGN = "tasks.assign"
    TASKS_PRIORITIZE = "tasks.prioritize"
    AGENTS_VIEW = "agents.view"
    AGENTS_MANAGE = "agents.manage"
    AUDIT_VIEW = "audit.view"
    """See who changed what, and who was refused."""
    KEYS_MANAGE = "keys.manage"
    QUOTAS_MANAGE = "quotas.manage"
    METRICS_VIEW = "metrics.view"
    ALERT_TARGETS_MANAGE = "alert_targets.manage"
    """Say where alerts are sent: to whatever the monitor's machine reaches."""
    WORKFLOWS_CREATE = "workflows.create"
    WORKFLOWS_VIEW = "workflows.view"
    WORKFLOWS_EDIT = "workflows.edit"
    WORKFLOWS_DELETE = "workflows.delete"
    EXECUTIONS_START = "executions.start"
    EXECUTIONS_VIEW = "executions.view"
    EXECUTIONS_STOP = "executions.stop"
    CREDENTIALS_OWN = "credentials.own"
    """Make credentials, and look after one's own."""
    CREDENTIALS_MANAGE = "credentials.manage"
    """Those of everybody."""
    MCP_SERVERS_VIEW = "mcp_servers.view"
    MCP_SERVERS_OWN = "mcp_servers.own"
    """Register MCP servers that are reached by HTTP, and look after one's own."""
    MCP_SERVERS_MANAGE = "mcp_servers.manage"
    """Those of everybody, and those that run a program on the engine's machine."""


GRANTS: Final[dict[Role, tuple[str, ...]]] = {
    Role.ADMIN: ("*",),
    Role.DEVELOPER: (
        "workflows.*",
        "executions.*",
        "credentials.own",
        "mcp_servers.view",
        "mcp_servers.own",
        "agents.view",
        "tasks.create",
        "metrics.view",
    ),
    Role.VIEWER: ("workflows.view", "executions.view", "agents.view", "metrics.view"),
}
OWN_TASKS: Final = frozenset({Permission.TASKS_VIEW, Permission.TASKS_CANCEL, Permission.TASKS_PRIORITIZE})
"""What the owner of a task may always do with it."""

BUS_OPERATOR: Final = Claims(sub="bus", roles=(Role.ADMIN,))
"""Whoever speaks on the bus without claims: the bus let them in with its own credentials, which are an operator's."""

NOBODY: Final = Claims(sub="", roles=())
"""Of whom nothing is known but perhaps an address."""


def allows(claims: Claims, permission: Permission, *, owner: str | None = None) -> bool:
    """`owner` is whom the thing belongs to, where it belongs to somebody."""
    if owner is not None and owner == claims.sub and permission in OWN_TASKS:
        return True
    return any(_grants(role, permission) for role in claims.roles)


@cache
def _grants(role: Role, permission: Permission) -> bool:
    """Kept: a list of tools asks for each of them, and matching was a twentieth of the gateway under calls of assistants."""
    return any(fnmatchcase(permission, grant) for grant in GRANTS[role])


def require(claims: Claims, permission: Permission, *, owner: str | None = None) -> None:
    """PermissionDenied unless `allows`."""
    if not allows(claims, permission, owner=owner):
        roles = ", ".join(claims.roles) or "none"
        raise PermissionDenied(f"This needs the permission {permission}, which the role {roles} of {claims.sub} does not have.")


def allows_model(claims: Claims, model: str) -> bool:
    return not claims.models or any(same_model(model, allowed) for allowed in claims.models)


def new_key() -> str:
    return KEY_PREFIX + secrets.token_hex(24)


def new_join_token() -> str:
    return JOIN_PREFIX + secrets.token_hex(24)


def hash_key(key: str) -> str:
    """SHA-256 in hexadecimal. A key has 192 random bits, so a slow hash would add cost and no safety."""
    return hashlib.sha256(key.encode()).hexdigest()
