"""Whose things somebody may know of: pure (docs/adr/0061). Hosts and models are everybody's; all else belongs to one tenant.

The administrators of the tenant `default` run the hive itself. They alone may order hosts about, and they see what runs on them.
"""

from typing import Final

from bus.messages import Claims, Role

HOME: Final = "default"
"""The tenant of those who run the hive, and of everybody where there is no other."""


def operates(claims: Claims) -> bool:
    """Whether they run the hive, and not only a tenant in it."""
    return claims.tenant == HOME and Role.ADMIN in claims.roles


def scope(claims: Claims) -> str | None:
    """The one tenant whose tasks, schedules, keys and use they may know of; None where those are of all tenants."""
    return None if operates(claims) else claims.tenant


def knows(claims: Claims, tenant: str) -> bool:
    """Whether what runs for this tenant is theirs to know of. If not, it must look to them as if it were not there."""
    return scope(claims) in (None, tenant)


def is_own(claims: Claims, tenant: str, owner: str) -> bool:
    """Names of people are told apart within a tenant only."""
    return claims.tenant == tenant and claims.sub == owner


def person(tenant: str, owner: str) -> str:
    """One word for somebody of any tenant; those of `default` bear their names alone."""
    return owner if tenant == HOME else f"{tenant}/{owner}"


def person_of(claims: Claims) -> str:
    return person(claims.tenant, claims.sub)
