"""Keys that are bound to some permissions of their role, and what those may give to others."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from bus.auth import BUS_OPERATOR, Permission, allows, known_scope, require_no_more
from bus.errors import PermissionDenied
from bus.messages import Claims, Role


def test_scopes_bind_what_the_role_and_the_owner_may() -> None:
    bound = Claims(sub="ada", roles=(Role.DEVELOPER,), scopes=("workflows.view", "tasks.*"))
    assert allows(bound, Permission.WORKFLOWS_VIEW)
    assert not allows(bound, Permission.WORKFLOWS_EDIT)
    assert allows(bound, Permission.TASKS_VIEW, owner="ada"), "its own"
    assert not allows(bound, Permission.TASKS_VIEW), "a scope gives nothing that the role has not"
    blind = Claims(sub="ada", roles=(Role.ADMIN,), scopes=("keys.manage",))
    assert not allows(blind, Permission.TASKS_VIEW, owner="ada")


def test_a_scope_is_a_permission_or_stands_for_some() -> None:
    assert all(map(known_scope, ("tasks.create", "tasks.*", "*")))
    assert not any(map(known_scope, ("tasks", "tasks.fly", "", "Tasks.create")))


SOON = datetime(2030, 1, 1, tzinfo=UTC)
LATER = SOON + timedelta(days=1)
ROOT: dict[str, Any] = {}
MANAGER: dict[str, Any] = {"scopes": ("keys.manage", "workflows.*")}


@pytest.mark.parametrize(
    ("by", "given", "right"),
    [
        (ROOT, {}, True),
        (ROOT, {"roles": (Role.DEVELOPER,), "tenant": "acme"}, True),
        (ROOT, {"roles": (Role.ADMIN,), "tenant": "acme"}, True),
        (MANAGER, {}, False),
        (MANAGER, {"roles": (Role.VIEWER,)}, False),
        (MANAGER, MANAGER, True),
        (MANAGER, {"scopes": ("keys.manage",)}, True),
        (MANAGER, {"scopes": ("workflows.view",), "roles": (Role.VIEWER,)}, True),
        (MANAGER, {"scopes": ("workflows.*",)}, True),
        (MANAGER, {"scopes": ("keys.*",)}, False),  # of which there may be more tomorrow
        (MANAGER, {"scopes": ("keys.manage", "users.manage")}, False),
        (MANAGER, {"scopes": ("*",)}, False),
        ({"scopes": ("*",)}, {}, True),
        ({"scopes": tuple(Permission)}, {}, False),  # all of today
        ({"tenant": "acme"}, {"tenant": "acme"}, True),
        ({"tenant": "acme"}, {}, False),
        ({"roles": (Role.DEVELOPER,)}, {"roles": (Role.ADMIN,)}, False),
        ({"roles": (Role.DEVELOPER,)}, {"roles": (Role.VIEWER,)}, True),
        ({"roles": (Role.VIEWER, Role.DEVELOPER)}, {"roles": (Role.DEVELOPER,)}, True),
        ({"models": ("llama3",)}, {}, False),
        ({"models": ("llama3",)}, {"models": ("llama3:latest",)}, True),
        ({"models": ("llama3",)}, {"models": ("llama3", "qwen3:8b")}, False),
        (ROOT, {"models": ("qwen3:8b",)}, True),
        ({"expires_at": SOON}, {}, False),
        ({"expires_at": SOON}, {"expires_at": LATER}, False),
        ({"expires_at": SOON}, {"expires_at": SOON}, True),
        (ROOT, {"expires_at": LATER}, True),
    ],
)
def test_nobody_gives_what_they_do_not_have(by: dict[str, Any], given: dict[str, Any], right: bool) -> None:
    giver = Claims(**{"sub": "ada", "roles": (Role.ADMIN,), **by})
    taker = Claims(**{"sub": "bo", "roles": (Role.ADMIN,), **given})
    require_no_more(taker, BUS_OPERATOR)
    if right:
        require_no_more(taker, giver)
        return
    with pytest.raises(PermissionDenied, match="Nobody gives what they do not have"):
        require_no_more(taker, giver)
