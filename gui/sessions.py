"""Who looks at a page: claims kept on the server under the session cookie's id, and whether they still hold."""

from collections.abc import Callable, MutableMapping
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from bus.auth import Permission, allows
from bus.errors import SessionOver
from bus.messages import Claims, Message
from bus.standing import Standings
from gui.keyring import Keyring

KEY = "session"
Storage = MutableMapping[str, Any]
"""NiceGUI's storage of one browser."""


class Session(Message):
    """A login. `generation` is the user's at that time; None for a login by key or link."""

    claims: Claims
    signed_in_at: datetime
    generation: int | None = None


def sign_in(storage: Storage, session: Session, address: str | None = None) -> None:
    """`address`: from where; the audit log has it with whatever is done."""
    said = session.claims.model_copy(update={"address": address, "via": "dashboard"})
    storage[KEY] = session.model_copy(update={"claims": said}).model_dump(mode="json")


def sign_out(storage: Storage) -> None:
    """The empty place says that the browser was here, and is not to be let in by what others remember."""
    storage[KEY] = None


def signed_out(storage: Storage) -> bool:
    return KEY in storage and storage[KEY] is None


def session_of(storage: Storage) -> Session | None:
    """As it began, whether it still holds or not."""
    try:
        return Session.model_validate(storage.get(KEY))
    except ValidationError:
        return None


def claims_of(storage: Storage, keyring: Keyring, people: Standings, now: datetime, lasts: timedelta) -> Claims | None:
    """None without a login, when it is over, when its key was revoked, and when the user no longer stands as then. A user has the roles
    of now.
    """
    session = session_of(storage)
    if session is None or now - session.signed_in_at > lasts:
        return None
    claims = session.claims
    if claims.user_id is not None and claims.session_id is not None and session.generation is not None:
        held = people.held(claims.user_id, claims.session_id, session.generation)
        return held and held.model_copy(update={"address": claims.address, "via": claims.via})
    return claims if keyring.holds(claims, now) else None


def drop_old(folder: Path, before: datetime) -> None:
    """Files of browsers that were last let in or logged out before that."""
    for file in folder.glob("storage-user-*.json"):
        with suppress(OSError):  # another dashboard may be quicker
            if datetime.fromtimestamp(file.stat().st_mtime, UTC) < before:
                file.unlink()


def required(still: Callable[[], Claims | None]) -> Claims:
    """As they are now: a page stays open as long as its browser likes. SessionOver once the login no longer holds."""
    claims = still()
    if claims is None:
        raise SessionOver("The login no longer holds. Log in again.")
    return claims


class May(Message):
    """What the page offers. The services check again: a button that is missing protects nobody."""

    submit: bool
    cancel_all: bool
    requeue: bool
    prioritize_all: bool
    view_all: bool
    manage_agents: bool
    manage_models: bool
    manage_alerts: bool
    manage_alert_targets: bool
    manage_keys: bool
    manage_quotas: bool
    manage_users: bool
    change_password: bool
    view_agents: bool
    view_models: bool
    view_audit: bool
    view_metrics: bool
    view_alerts: bool
    view_workflows: bool
    create_workflows: bool
    view_mcp_servers: bool
    own_mcp_servers: bool
    manage_mcp_servers: bool
    run_mcp_servers: bool


def may(claims: Claims) -> May:
    return May(
        submit=allows(claims, Permission.TASKS_CREATE),
        cancel_all=allows(claims, Permission.TASKS_CANCEL),
        requeue=allows(claims, Permission.TASKS_ASSIGN),
        prioritize_all=allows(claims, Permission.TASKS_PRIORITIZE),
        view_all=allows(claims, Permission.TASKS_VIEW),
        manage_agents=allows(claims, Permission.AGENTS_MANAGE),
        manage_models=allows(claims, Permission.MODELS_MANAGE),
        manage_alerts=allows(claims, Permission.ALERTS_MANAGE),
        manage_alert_targets=allows(claims, Permission.ALERT_TARGETS_MANAGE),
        manage_keys=allows(claims, Permission.KEYS_MANAGE),
        manage_quotas=allows(claims, Permission.QUOTAS_MANAGE),
        view_audit=allows(claims, Permission.AUDIT_VIEW),
        manage_users=allows(claims, Permission.USERS_MANAGE),
        change_password=claims.user_id is not None,
        view_agents=allows(claims, Permission.AGENTS_VIEW),
        view_models=allows(claims, Permission.MODELS_VIEW),
        view_metrics=allows(claims, Permission.METRICS_VIEW),
        view_alerts=allows(claims, Permission.ALERTS_VIEW),
        view_workflows=allows(claims, Permission.WORKFLOWS_VIEW),
        create_workflows=allows(claims, Permission.WORKFLOWS_CREATE),
        view_mcp_servers=allows(claims, Permission.MCP_SERVERS_VIEW),
        own_mcp_servers=allows(claims, Permission.MCP_SERVERS_OWN),
        manage_mcp_servers=allows(claims, Permission.MCP_SERVERS_MANAGE),
        run_mcp_servers=allows(claims, Permission.MCP_SERVERS_RUN),
    )
