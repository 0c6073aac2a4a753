"""What a provider says of somebody, and what that means here."""

from typing import Any

import pytest

from bus.errors import PermissionDenied, Unauthenticated
from bus.messages import Role
from gui.provider import algorithms, name_of, roles_of, whom
from gui.settings import GuiSettings


def settings(**more: Any) -> GuiSettings:
    return GuiSettings.model_validate({"oidc_issuer": "https://id.example", **more})


@pytest.mark.parametrize(
    ("said", "more", "roles"),
    [
        ({"roles": ["developer", "owner"]}, {}, (Role.DEVELOPER,)),
        ({"roles": "viewer"}, {}, (Role.VIEWER,)),
        ({"realm_access": {"roles": ["admin"]}}, {"oidc_roles_claim": "realm_access.roles"}, (Role.ADMIN,)),
        ({"roles": ["admin"]}, {"oidc_roles": {"gpu-admins": "admin"}}, ()),
        ({"roles": ["gpu-admins"]}, {"oidc_roles": {"gpu-admins": "admin"}}, (Role.ADMIN,)),
        ({}, {"oidc_default_role": "viewer"}, (Role.VIEWER,)),
        ({"roles": {"admin": True}}, {}, ()),
        ({"roles": [["admin"], 7]}, {}, ()),
        ({"roles": ["admin"]}, {"oidc_roles_claim": "roles.deeper"}, ()),
    ],
)
def test_roles_are_those_that_the_settings_know(said: dict[str, Any], more: dict[str, Any], roles: tuple[Role, ...]) -> None:
    assert roles_of(said, settings(**more)) == roles


@pytest.mark.parametrize(
    "said",
    [
        {"email": "a@hive.example"},
        {"email": "a@hive.example", "email_verified": "true"},
        {"email": "a@hive.example.evil.example", "email_verified": True},
        {"email": "hive.example", "email_verified": True, "x": 1} | {"email": "a@hive.example@evil.example"},
        {"email_verified": True},
    ],
)
def test_an_address_counts_when_it_is_verified_and_of_an_allowed_domain(said: dict[str, Any]) -> None:
    bound = settings(oidc_domains="Hive.example, other.example", oidc_default_role="viewer")
    good = {"sub": "1", "email": "a@HIVE.example", "email_verified": True}
    assert whom(good, bound, "b").name == "a@HIVE.example"
    with pytest.raises(PermissionDenied):
        whom({"sub": "1", **said}, bound, "b")


def test_who_is_nobody_is_refused() -> None:
    for said in ({}, {"sub": ""}, {"sub": 7}):
        with pytest.raises(Unauthenticated):
            whom(said, settings(oidc_default_role="viewer"), "b")
    with pytest.raises(PermissionDenied):
        whom({"sub": "1"}, settings(), "b")


def test_a_name_has_the_letters_that_names_may_have() -> None:
    assert name_of({"preferred_username": "Björn Ünal"}, "7") == "Bj-rn-nal"
    assert name_of({"preferred_username": "…"}, "auth0|7") == "auth0-7"
    assert len(name_of({"preferred_username": "x" * 99}, "7")) == 64


def test_only_signatures_that_nobody_else_can_make_are_taken() -> None:
    assert algorithms(["none", "HS256", "ES256", "RS256"]) == ["ES256", "RS256"]
    for odd in (None, [], ["none", "HS512"], "none"):
        assert algorithms(odd) == ["RS256"]
