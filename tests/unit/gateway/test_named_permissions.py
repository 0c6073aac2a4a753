"""What a route or a tool says that it needs is what it asks for: each of the API's own description, tried by a key that has all but that."""

import re
from pathlib import Path

import pytest
from httpx import AsyncClient

from bus import auth, subjects
from bus.auth import INCLUDED_IN, OF_A_TENANT, Permission, allows
from bus.messages import Claims, Role
from bus.testing import InMemoryBus
from coordinator.gateway.mcp.catalogue import TOOLS
from coordinator.gateway.routes.declared import PERMISSION_FIELD
from tests.integration.gateway import tenants

ABSENT = "10000000-0000-4000-8000-000000000001"
PAGE = Path(__file__).parents[3] / "docs/permissions.md"
OF_MODELS = re.compile(r"/api/(models|aliases|placement|tags|ps|show|pull|create|copy|delete)\b|/v1/models\b")
OF_ALERTS = re.compile(r"/api/alerts\b(?!/targets)")


def bound(*scopes: str) -> Claims:
    return Claims(sub="ada", roles=(Role.ADMIN,), scopes=scopes)


def all_but(permission: Permission) -> Claims:
    """Nor what includes it."""
    return bound(*(set(Permission) - {permission, INCLUDED_IN.get(permission, permission)}))


async def test_a_key_with_all_other_permissions_is_refused_at_every_route(admin: AsyncClient, memory_bus: InMemoryBus) -> None:
    for permission in Permission:
        await memory_bus.put(subjects.KV_KEYS, auth.hash_key(f"sk-hive-{permission}"), all_but(permission))
    document = (await admin.get("/openapi.json")).json()
    named, found = set[str](), list[str]()
    for each in tenants.operations(document):
        said = document["paths"][each.path][each.method][PERMISSION_FIELD]
        assert fits(each, said), f"{each.name} needs {said}"
        if said not in set(Permission):  # whoever has a key, or is the owner
            continue
        named.add(said)
        headers = {"Authorization": f"Bearer sk-hive-{said}"}
        answer = await admin.request(each.method, each.at(ABSENT), json=each.body, params=each.required, headers=headers)
        if answer.status_code != 403 or f"permission {said}" not in answer.text:
            found.append(f"{each.name} with all but {said}: {answer.status_code} {answer.text[:200]}")
    assert found == []
    assert named >= {Permission.MODELS_VIEW, Permission.MODELS_MANAGE, Permission.ALERTS_VIEW, Permission.ALERTS_MANAGE}


def fits(each: tenants.Operation, said: str) -> bool:
    """Whether a permission about models or alerts is named where it is about those, and there alone."""
    kind = "models" if OF_MODELS.match(each.path) else "alerts" if OF_ALERTS.match(each.path) else None
    if kind is None:
        return not said.startswith(("models.", "alerts."))
    reads = each.method == "get" or each.path == "/api/show"
    return said == (f"{kind}.view" if reads else f"{kind}.manage")


@pytest.mark.parametrize(
    ("scope", "offered"),
    [
        ("models.view", {"list_models", "get_model"}),
        ("agents.view", {"list_models", "get_model", "list_agents", "get_agent", "cluster_status"}),
        ("alerts.manage", {"acknowledge_alert", "silence_alerts"}),
        ("agents.manage", {"acknowledge_alert", "silence_alerts"}),
        ("models.manage", set()),
    ],
)
def test_an_assistant_is_offered_the_tools_of_its_key(scope: str, offered: set[str]) -> None:
    asking = [tool for tool in TOOLS.values() if tool.permission is not None]
    assert {tool.name for tool in asking if tool.open_to(bound(scope))} == offered


def test_the_page_of_permissions_says_who_has_each() -> None:
    lines = [line.strip("|").split("|") for line in PAGE.read_text().splitlines() if line.startswith("| `")]
    told = {name.strip(" `"): [mark.strip() == "yes" for mark in marks] for name, _, *marks in lines}
    asking = (
        Claims(sub="ada", roles=(Role.DEVELOPER,)),
        Claims(sub="vic", roles=(Role.VIEWER,)),
        Claims(sub="bo", roles=(Role.ADMIN,), tenant="acme"),
    )
    assert told == {str(each): [allows(claims, each) for claims in asking] for each in Permission}
    for name, lets, *_ in lines:
        included = {narrow for narrow, wide in INCLUDED_IN.items() if wide == name.strip(" `")}
        assert set(re.findall(r"`([\w.]+)`", lets)) == included


def test_what_a_tenant_may_is_named_by_the_wider_permission() -> None:
    assert not set(OF_A_TENANT) & set(INCLUDED_IN)
