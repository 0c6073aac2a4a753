"""What a tenant's administrator may, and whose turn and session is whose."""

import pytest

from bus.auth import Permission, allows
from bus.messages import Claims, Role
from bus.tenancy import is_own, knows, operates, person, scope
from coordinator.tasks import session_hash

OPERATOR = Claims(sub="admin", roles=(Role.ADMIN,))
ADMIN = Claims(sub="admin", roles=(Role.ADMIN,), tenant="acme")
OF_A_TENANT = {
    *(each for each in Permission if each.partition(".")[0] in ("tasks", "workflows", "executions", "credentials")),
    *(Permission.AGENTS_VIEW, Permission.MODELS_VIEW, Permission.METRICS_VIEW, Permission.KEYS_MANAGE),
    *(Permission.MCP_SERVERS_VIEW, Permission.MCP_SERVERS_OWN, Permission.MCP_SERVERS_MANAGE),
}


def test_an_administrator_of_a_tenant_does_all_but_what_is_the_hive_s() -> None:
    """Whatever permission is added is the hive's, until somebody has looked at whose things it opens."""
    assert {each for each in Permission if allows(ADMIN, each)} == OF_A_TENANT
    assert all(allows(OPERATOR, each) for each in Permission)


@pytest.mark.parametrize("role", [Role.DEVELOPER, Role.VIEWER])
def test_the_other_roles_may_the_same_in_every_tenant_but_see_the_hive_s_alerts(role: Role) -> None:
    at_home, elsewhere = (Claims(sub="ada", roles=(role,), tenant=tenant) for tenant in ("default", "acme"))
    more = {each for each in Permission if allows(at_home, each) and not allows(elsewhere, each)}
    assert more == {Permission.ALERTS_VIEW}
    assert not any(allows(elsewhere, each) and not allows(at_home, each) for each in Permission)


def test_those_who_run_the_hive_know_of_all_tenants_and_everybody_else_of_their_own() -> None:
    viewer = Claims(sub="vic", roles=(Role.VIEWER,))
    assert (operates(OPERATOR), operates(ADMIN), operates(viewer)) == (True, False, False)
    assert (scope(OPERATOR), scope(ADMIN), scope(viewer)) == (None, "acme", "default")
    assert [knows(each, "acme") for each in (OPERATOR, ADMIN, viewer)] == [True, True, False]


def test_people_of_one_name_in_two_tenants_are_two_people() -> None:
    assert is_own(ADMIN, "acme", "admin")
    assert not is_own(ADMIN, "default", "admin")
    assert (person("default", "ada"), person("acme", "ada")) == ("ada", "acme/ada")
    assert session_hash(person("default", "ada"), "s") != session_hash(person("acme", "ada"), "s")
