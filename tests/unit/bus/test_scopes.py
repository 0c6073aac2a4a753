"""Keys that are bound to some permissions of their role."""

from bus.auth import Permission, allows, known_scope
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
