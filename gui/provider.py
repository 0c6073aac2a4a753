"""An OpenID provider: what it says of somebody, and what that means here. Pure."""

import re
from collections.abc import Mapping
from typing import Any, Final

from bus.errors import PermissionDenied, Unauthenticated
from bus.messages import Role
from bus.messages.people import SignInExternally
from gui.settings import GuiSettings

ASYMMETRIC: Final = frozenset(
    {"RS256", "RS384", "RS512", "PS256", "PS384", "PS512", "ES256", "ES384", "ES512", "EdDSA", "Ed25519"}
)
"""Signatures of ID tokens that are taken, whatever else a provider says that it uses: neither none at all, nor one by a shared secret."""
MOST_NAME: Final = 64
_FOREIGN: Final = re.compile(r"[^A-Za-z0-9._@-]+")


def algorithms(supported: Any) -> list[str]:
    """Of a provider's own list, or RS256, which each must have."""
    found = [each for each in supported if each in ASYMMETRIC] if isinstance(supported, list) else []
    return found or ["RS256"]


def whom(said: Mapping[str, Any], settings: GuiSettings, browser: str) -> SignInExternally:
    """PermissionDenied for who is of no allowed domain, or has no role here; Unauthenticated for what names nobody."""
    subject = said.get("sub")
    if not isinstance(subject, str) or not subject or settings.oidc_issuer is None:
        raise Unauthenticated("The provider does not say who this is.")
    _require_domain(said, settings)
    roles = roles_of(said, settings)
    if not roles:
        raise PermissionDenied("The provider gives this user no role that means one here (HIVE_OIDC_ROLES).")
    return SignInExternally(
        issuer=settings.oidc_issuer, subject=subject, name=name_of(said, subject), roles=roles, browser=browser
    )


def roles_of(said: Mapping[str, Any], settings: GuiSettings) -> tuple[Role, ...]:
    """By the claim that the settings name, `realm_access.roles` for one within another; else the default one."""
    found: Any = said
    for step in settings.oidc_roles_claim.split("."):
        found = found.get(step) if isinstance(found, Mapping) else None
    words = [found] if isinstance(found, str) else found if isinstance(found, list) else []
    known = settings.oidc_roles or {role.value: role for role in Role}
    roles = tuple(dict.fromkeys(known[word] for word in words if isinstance(word, str) and word in known))
    return roles or ((settings.oidc_default_role,) if settings.oidc_default_role else ())


def name_of(said: Mapping[str, Any], subject: str) -> str:
    """As people know it, in the letters that a user's name may have."""
    for word in (said.get("preferred_username"), said.get("email"), subject):
        name = _FOREIGN.sub("-", word).lstrip("._@-")[:MOST_NAME] if isinstance(word, str) else ""
        if name:
            return name
    raise Unauthenticated("The provider gives this user no name.")


def _require_domain(said: Mapping[str, Any], settings: GuiSettings) -> None:
    """An address that the provider has not verified is anybody's."""
    if not settings.oidc_domains:
        return
    email = said.get("email")
    domain = email.rpartition("@")[2].lower() if isinstance(email, str) else ""
    if said.get("email_verified") is not True or domain not in settings.oidc_domains:
        raise PermissionDenied("The provider has verified no address of this user in an allowed domain (HIVE_OIDC_DOMAINS).")
