"""Reading a resource by its address, with the rights of whoever asks."""

from typing import Final

from bus import auth
from bus.auth import Permission
from bus.errors import InvalidRequest, NotFound
from bus.messages import Claims
from coordinator.gateway.gateway import Gateway
from coordinator.gateway.mcp.resource import Kind
from coordinator.gateway.mcp.resource_kinds import JSON, KINDS

CLUSTER: Final = "hive://cluster"


def kind_of(uri: str) -> tuple[Kind, str]:
    """And the id in it. NotFound."""
    for kind in KINDS:
        if (entity_id := kind.id_in(uri)) is not None:
            return kind, entity_id
    raise NotFound(f"There is no resource {uri}. resources/templates/list tells which there are.")


async def text_of(gateway: Gateway, claims: Claims, uri: str) -> tuple[str, str]:
    """Its type, and what it holds. HiveError for what there is not, or is not this key's to read."""
    if uri == CLUSTER:
        auth.require(claims, Permission.AGENTS_VIEW)
        return JSON, gateway.overview.status().model_dump_json(exclude_none=True)
    kind, entity_id = kind_of(uri)
    if kind.permission is not None:
        auth.require(claims, kind.permission)
    return kind.mime_type, await kind.read(gateway, claims, entity_id)


async def require_readable(gateway: Gateway, claims: Claims, uri: str) -> None:
    """Who may read it may be told of it. HiveError."""
    if uri == CLUSTER:
        raise InvalidRequest(f"{CLUSTER} changes every second. Read it when you want to know.")
    await text_of(gateway, claims, uri)
