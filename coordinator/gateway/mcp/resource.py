"""A kind of resource: its address, what it holds, which ids there are, and what on the bus says that one has changed."""

import re
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from functools import cached_property
from urllib.parse import quote, unquote

from mcp_types import ResourceTemplate

from bus import auth
from bus.auth import Permission
from bus.client import Received
from bus.messages import Claims
from coordinator.gateway.gateway import Gateway

Read = Callable[[Gateway, Claims, str], Awaitable[str]]
Ids = Callable[[Gateway, Claims, str], Awaitable[Sequence[str]]]


@dataclass(frozen=True, kw_only=True)
class Kind:
    """`template` has one variable, `variable`. `permission` None: the room that knows the owner checks it. `ids`: the likeliest of
    those that begin so. `subject`: where the bus tells of it, to whoever `Claims` are; `concerns`: whether a message there says that
    this one has changed.
    """

    name: str
    title: str
    description: str
    template: str
    variable: str
    mime_type: str
    permission: Permission | None
    read: Read
    ids: Ids
    subject: Callable[[Claims, str], str]
    concerns: Callable[[Received, str], bool]

    @cached_property
    def _pattern(self) -> re.Pattern[str]:
        before, after = self.template.split(f"{{{self.variable}}}")
        return re.compile(f"{re.escape(before)}([^/?#]+){re.escape(after)}")

    def id_in(self, uri: str) -> str | None:
        """None for an address that is not of this kind."""
        found = self._pattern.fullmatch(uri)
        return None if found is None else unquote(found[1])

    def uri_of(self, entity_id: str) -> str:
        return self.template.replace(f"{{{self.variable}}}", quote(entity_id, safe=""))

    def open_to(self, claims: Claims) -> bool:
        return self.permission is None or auth.allows(claims, self.permission)

    @property
    def described(self) -> ResourceTemplate:
        return ResourceTemplate(
            name=self.name,
            title=self.title,
            description=self.description,
            uri_template=self.template,
            mime_type=self.mime_type,
        )
