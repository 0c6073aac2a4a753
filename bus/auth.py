"""Who is asking and what that allows: pure. The matrix is the seed's, with the permissions that Hive added to it."""

import hashlib
import secrets
from collections.abc import Iterable, Mapping
from enum import StrEnum
from fnmatch import fnmatchcase
from functools import cache
from typing import Final

from bus.errors import PermissionDenied
from bus.messages import Claims, Role
from bus.model_names import same_model
from bus.tenancy import HOME

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
    MODELS_VIEW = "models.view"
    """Which models there are, where they are and are wished, by which other names, and what is done with them."""
    MODELS_MANAGE = "models.manage"
    """Have models pulled, made, loaded and deleted, wish them, and give them other names."""
    AUDIT_VIEW = "audit.view"
    """See who changed what, and who was refused."""
    KEYS_MANAGE = "keys.manage"
    USERS_MANAGE = "users.manage"
    QUOTAS_MANAGE = "quotas.manage"
    METRICS_VIEW = "metrics.view"
    ALERTS_VIEW = "alerts.view"
    """The hive's own, which may name what belongs to any tenant."""
    ALERTS_MANAGE = "alerts.manage"
    """Acknowledge and silence them, and say by which rules they fire."""
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
    """Those of everybody."""
    MCP_SERVERS_RUN = "mcp_servers.run"
    """Those that run a program on the engine's machine, or reach into its network."""


INCLUDED_IN: Final[Mapping[str, Permission]] = {
    Permission.MODELS_VIEW: Permission.AGENTS_VIEW,
    Permission.MODELS_MANAGE: Permission.AGENTS_MANAGE,
    Permission.ALERTS_MANAGE: Permission.AGENTS_MANAGE,
}
"""Permissions that were a part of another before they had names of their own: who has that one has these (ADR 0074). Roles, scopes and tenants
name the wider one alone, so that each fact stands once.
"""

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
        "alerts.view",
    ),
    Role.VIEWER: ("workflows.view", "executions.view", "agents.view", "metrics.view", "alerts.view"),
}
OF_A_TENANT: Final = (
    *("tasks.*", "workflows.*", "executions.*", "credentials.*", "keys.manage", "metrics.view"),
    *("agents.view", "mcp_servers.view", "mcp_servers.own", "mcp_servers.manage"),
)
"""The most that a role grants in a tenant that is not the hive's own: what is everybody's is not for it to change."""
OWN_TASKS: Final = frozenset({Permission.TASKS_VIEW, Permission.TASKS_CANCEL, Permission.TASKS_PRIORITIZE})
"""What the owner of a task may always do with it."""

BUS_OPERATOR: Final = Claims(sub="bus", roles=(Role.ADMIN,))
"""Whoever speaks on the bus without claims: the bus let them in with its own credentials, which are an operator's."""

NOBODY: Final = Claims(sub="", roles=())
"""Of whom nothing is known but perhaps an address."""


def allows(claims: Claims, permission: Permission, *, owner: str | None = None) -> bool:
    """`owner` is whom the thing belongs to, where it belongs to somebody, who is of the same tenant. A key's scopes bind its owner too."""
    if claims.scopes and not _among(permission, claims.scopes):
        return False
    if owner is not None and owner == claims.sub and permission in OWN_TASKS:
        return True
    return any(_grants(role, permission, claims.tenant == HOME) for role in claims.roles)


@cache
def _grants(role: Role, permission: Permission, at_home: bool) -> bool:
    """Kept: a list of tools asks for each of them, and matching was a twentieth of the gateway under calls of assistants."""
    granted = (GRANTS[role],) if at_home else (GRANTS[role], OF_A_TENANT)
    return all(_among(permission, grants) for grants in granted)


def _among(permission: str, patterns: Iterable[str]) -> bool:
    """Whether one of them stands for it, or for what includes it."""
    ways = (permission, INCLUDED_IN.get(permission, permission))
    return any(fnmatchcase(way, pattern) for pattern in patterns for way in ways)


def granted(roles: Iterable[Role]) -> list[str]:
    """The permissions of roles as the matrix has them, and what these include, each once: what a token says."""
    named = tuple(dict.fromkeys(grant for role in roles for grant in GRANTS[role]))
    included = (each for each in INCLUDED_IN if _among(each, named) and not any(fnmatchcase(each, grant) for grant in named))
    return [*named, *included]


def known_scope(scope: str) -> bool:
    """Whether it is a permission, or stands for some."""
    return any(fnmatchcase(permission, scope) for permission in Permission)


def require(claims: Claims, permission: Permission, *, owner: str | None = None) -> None:
    """PermissionDenied unless `allows`."""
    if not allows(claims, permission, owner=owner):
        roles = ", ".join(claims.roles) or "none"
        if claims.scopes:
            roles += f", bound to {', '.join(claims.scopes)},"
        wider = f" ({INCLUDED_IN[permission]} includes it)" if permission in INCLUDED_IN else ""
        raise PermissionDenied(
            f"This needs the permission {permission}{wider}, which the role {roles} of {claims.sub} does not have."
        )


def rights(claims: Claims) -> frozenset[Permission]:
    """What these claims allow somewhere, be it with one's own things alone."""
    return frozenset(each for each in Permission if allows(claims, each, owner=claims.sub))


def require_no_more(given: Claims, by: Claims) -> None:
    """PermissionDenied where `given`, which `by` would give to somebody, could do anything that `by` cannot, or for longer. Tenants are not
    looked at here.
    """
    if more := rights(given) - rights(by):
        reason = f"it would have {', '.join(sorted(more))}"
    elif not _within(given.scopes, by.scopes):
        reason = f"yours is bound to {', '.join(by.scopes)}, and it would not be"
    elif by.models and not (given.models and all(allows_model(by, model) for model in given.models)):
        reason = f"yours may use {', '.join(by.models)} alone, and it would be bound to less"
    elif by.expires_at is not None and (given.expires_at is None or given.expires_at > by.expires_at):
        reason = f"yours ends at {by.expires_at.isoformat()}, and it would outlast it"
    else:
        return
    raise PermissionDenied(f"Nobody gives what they do not have: {reason}. Ask for less, or ask an administrator.")


def _within(scopes: tuple[str, ...], bounds: tuple[str, ...]) -> bool:
    """Whether permissions that somebody adds tomorrow, too, are in these scopes only if they are in the bounds."""
    return not bounds or all(_among(scope, bounds) for scope in scopes or ("*",))


def whose(claims: Claims, asked: str | None) -> str | None:
    """Of whom a list of tasks or schedules is: of one who was asked for, of everybody (None), or without `tasks.view` one's own.
    PermissionDenied for a key that is bound to less.
    """
    require(claims, Permission.TASKS_VIEW, owner=claims.sub)
    return asked if allows(claims, Permission.TASKS_VIEW) else claims.sub


def allows_model(claims: Claims, model: str) -> bool:
    return not claims.models or any(same_model(model, allowed) for allowed in claims.models)


def new_key() -> str:
    return KEY_PREFIX + secrets.token_hex(24)


def new_join_token() -> str:
    return JOIN_PREFIX + secrets.token_hex(24)


def hash_key(key: str) -> str:
    """SHA-256 in hexadecimal. A key has 192 random bits, so a slow hash would add cost and no safety."""
    return hashlib.sha256(key.encode()).hexdigest()
