"""Which verbs change something: all that are not known to be others. A verb that is added tomorrow is audited tomorrow. Pure."""

from typing import Final

from bus.auth import Permission

READING: Final = frozenset(
    {
        "alerts.dry_run",
        "alerts.targets",
        "credentials.get",
        "credentials.list",
        "executions.preview",
        "join-tokens.list",
        "keys.list",
        "models.aliases",
        "schedules.get",
        "schedules.list",
        "schedules.preview",
        "sessions.signing_keys",
        "tasks.explain",
        "tasks.get",
        "tasks.list",
        "tasks.preview",
        "tasks.submitted",
        "upstreams.list",
        "users.list",
        "workflows.tools",
    }
)
"""They change nothing, though another right than to view is asked for."""

USING: Final = frozenset({"tasks.submit", "webhooks.call", "webhooks.resume", "mcp-servers.call"})
"""Work that the hive is there for: a task and an execution are records of their own, with who asked for them, and come by thousands."""

SIGNING_IN: Final = frozenset(
    {"sessions.login", "sessions.enter", "sessions.enter_externally", "sessions.refresh", "sessions.recall"}
)
"""Anybody may try, as often as they like, and must fill no disk by it. The door tells of who was let in; a refusal is told and counted."""

REPORTING: Final = frozenset({"agents.register", "agents.benchmarked"})
"""What sidecars say of themselves, again to each new leader. That a host joins is audited."""


ABANDONED: Final = "a client that has gone"
"""`via` in the claims of a door that ends a task for which nobody waits any more: editors that complete words give up most of what they ask."""

NO_CHANGES: Final = (READING, USING, SIGNING_IN, REPORTING)


def changes(service: str, verb: str, permission: Permission | None, via: str | None = None) -> bool:
    """`via`: of the claims."""
    name = f"{service}.{verb}"
    if any(name in known for known in NO_CHANGES) or (name == "tasks.cancel" and via == ABANDONED):
        return False
    return permission is None or not permission.endswith(".view")
