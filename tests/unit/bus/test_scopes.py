"""Keys that are bound to some permissions of their role, and what those may give to others."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from bus.auth import BUS_OPERATOR, INCLUDED_IN, Permission, allows, granted, known_scope, require, require_no_more, whose
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


def test_a_list_of_tasks_is_of_whom_one_may_see() -> None:
    assert whose(Claims(sub="ada", roles=(Role.ADMIN,)), None) is None
    assert whose(Claims(sub="ada", roles=(Role.ADMIN,)), "bo") == "bo"
    assert whose(Claims(sub="ada", roles=(Role.DEVELOPER,)), "bo") == "ada"
    assert whose(Claims(sub="ada", roles=(Role.VIEWER,), scopes=("tasks.view",)), None) == "ada"
    with pytest.raises(PermissionDenied, match=r"tasks\.view"):
        whose(Claims(sub="ada", roles=(Role.ADMIN,), scopes=("models.view",)), None)


def test_a_scope_is_a_permission_or_stands_for_some() -> None:
    assert all(map(known_scope, ("tasks.create", "tasks.*", "*")))
    assert not any(map(known_scope, ("tasks", "tasks.fly", "", "Tasks.create")))


OF_AGENTS = {
    "agents.view": {Permission.AGENTS_VIEW, Permission.MODELS_VIEW},
    "agents.manage": {Permission.AGENTS_MANAGE, Permission.MODELS_MANAGE, Permission.ALERTS_MANAGE},
    "models.view": {Permission.MODELS_VIEW},
    "models.manage": {Permission.MODELS_MANAGE},
    "alerts.manage": {Permission.ALERTS_MANAGE},
}


@pytest.mark.parametrize("scope", OF_AGENTS)
def test_a_key_of_before_may_what_it_might_and_one_of_a_part_no_more_than_that(scope: str) -> None:
    """As a door of the version before vouches for it: nothing in the claims says what is included."""
    told = f'{{"sub":"ada","roles":["admin"],"tenant":"default","models":[],"scopes":["{scope}"]}}'
    claims = Claims.model_validate_json(told)
    assert {each for each in Permission if allows(claims, each)} == OF_AGENTS[scope]
    for at_home in (True, False):
        lesser = claims.model_copy(update={"roles": (Role.DEVELOPER, Role.VIEWER), "tenant": "default" if at_home else "acme"})
        assert {each for each in Permission if allows(lesser, each)} == {
            each for each in OF_AGENTS[scope] if each.endswith(".view")
        }
    elsewhere = claims.model_copy(update={"tenant": "acme"})
    assert not any(allows(elsewhere, each) for each in OF_AGENTS[scope] if each.endswith(".manage"))


def test_what_is_included_includes_nothing_itself_and_a_role_names_the_wider_one() -> None:
    """So that one look is enough, and each fact stands once."""
    assert not set(INCLUDED_IN) & set(INCLUDED_IN.values())
    assert granted((Role.VIEWER,))[-1] == "models.view"
    assert granted((Role.ADMIN,)) == ["*"]


def test_a_refusal_names_what_is_needed_and_what_includes_it() -> None:
    ada = Claims(sub="ada", roles=(Role.DEVELOPER,))
    with pytest.raises(
        PermissionDenied, match=r"permission models\.manage \(agents\.manage includes it\), which the role developer"
    ):
        require(ada, Permission.MODELS_MANAGE)
    with pytest.raises(PermissionDenied, match=r"permission agents\.manage, which"):
        require(ada, Permission.AGENTS_MANAGE)


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
        ({"scopes": ("agents.manage",)}, {"scopes": ("models.manage", "alerts.manage")}, True),  # which it includes
        ({"scopes": ("models.manage", "alerts.manage")}, {"scopes": ("agents.manage",)}, False),
        ({"scopes": ("models.manage",)}, {"scopes": ("models.view",)}, False),
        ({"scopes": ("models.*",)}, {"scopes": ("models.view",)}, True),
        ({"scopes": ("agents.*",)}, {"scopes": ("models.view", "agents.view")}, True),
        ({"scopes": ("agents.*",)}, {"scopes": ("models.*",)}, False),  # of which there may be more tomorrow
        ({"roles": (Role.DEVELOPER,)}, {"scopes": ("models.view",)}, True),
        ({"roles": (Role.DEVELOPER,)}, {"scopes": ("models.manage",)}, False),
        ({"tenant": "acme"}, {"tenant": "acme", "scopes": ("models.*",)}, True),
        ({"tenant": "acme"}, {"scopes": ("alerts.manage",)}, False),
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
