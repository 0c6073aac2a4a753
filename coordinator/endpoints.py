"""How the coordinator writes down the services that it offers."""

from collections.abc import Awaitable, Callable
from typing import Any

from pydantic import BaseModel

from bus.auth import Permission
from bus.service import Call, Endpoint, Service
from bus.version import hive_version


def service(name: str, description: str, *endpoints: Endpoint, part: str = "") -> Service:
    return Service(name=name, part=part, version=hive_version(), description=description, endpoints=endpoints)


def verb(
    name: str,
    body: type[BaseModel],
    handler: Callable[[Call[Any]], Awaitable[BaseModel]],
    permission: Permission | None,
    description: str,
    *,
    by_agent: bool = False,
) -> Endpoint:
    """`permission` None: the handler looks at the owner first."""
    return Endpoint(verb=name, body=body, handler=handler, permission=permission, description=description, by_agent=by_agent)
