"""Who asks, and with which key. Claims follow the seed's token."""

from datetime import datetime
from enum import StrEnum
from typing import Annotated
from uuid import UUID

from pydantic import AwareDatetime, Field, StringConstraints

from bus.messages.base import Command, Message, Record, Slug, Text

UserName = Annotated[Text, StringConstraints(min_length=1, max_length=64, pattern=r"^[A-Za-z0-9][A-Za-z0-9._@-]*$")]


class Role(StrEnum):
    ADMIN = "admin"
    DEVELOPER = "developer"
    VIEWER = "viewer"


class Claims(Message):
    """Who a request comes from; travels with every request on the bus. `models` empty means all, `scopes` empty all of the roles.

    `key_id` is of whoever shows a key, `user_id` and `session_id` of whoever signed in. `expires_at` is the key's. `address` and `via` are said by
    the door that vouches for the rest: from where the request came, and by which route.
    """

    sub: str
    roles: tuple[Role, ...]
    tenant: Slug = "default"
    models: tuple[str, ...] = ()
    scopes: tuple[str, ...] = ()
    key_id: UUID | None = None
    user_id: UUID | None = None
    session_id: UUID | None = None
    expires_at: datetime | None = None
    address: str | None = None
    via: str | None = None


class CreateKey(Command):
    """`owner` is a user's name; the user is made when it is new."""

    owner: UserName
    tenant: Slug | None = Field(default=None, description="whose user it is; left out: the tenant of whoever asks")
    role: Role = Role.DEVELOPER
    models: tuple[Text, ...] = Field(default=(), description="the only models that the key may use; none: all")
    name: Text | None = Field(default=None, max_length=64)
    scopes: tuple[Text, ...] = Field(
        default=(), description="the only permissions of its role that the key has, such as `tasks.*`; none: all", max_length=64
    )
    expires_at: AwareDatetime | None = Field(default=None, description="when it ends by itself; left out: never")


class KeyRecord(Record):
    """A key as it is listed: never the secret, only its first characters."""

    id: UUID
    owner: str
    role: Role
    tenant: Slug = "default"
    models: tuple[str, ...] = ()
    name: str | None = None
    scopes: tuple[str, ...] = ()
    expires_at: datetime | None = None
    prefix: str
    created_at: datetime
    revoked_at: datetime | None = None


class KeyList(Record):
    keys: tuple[KeyRecord, ...]


class KeyRef(Command):
    id: UUID


class IssuedKey(Record):
    """The one answer that ever holds the secret."""

    key: str
    record: KeyRecord


class LoginTicket(Message):
    """A one-time way into the dashboard."""

    ticket: str
    expires_seconds: int


class RedeemTicket(Command):
    ticket: Text
