"""Who asks, and with which key. Claims follow the seed's token."""

from datetime import datetime
from enum import StrEnum
from uuid import UUID

from pydantic import Field

from bus.messages.base import Command, Message, Record, Slug, Text


class Role(StrEnum):
    ADMIN = "admin"
    DEVELOPER = "developer"
    VIEWER = "viewer"


class Claims(Message):
    """Who a request comes from; travels with every request on the bus. `models` empty means all.

    `address` and `via` are said by the door that vouches for the rest: from where the request came, and by which route.
    """

    sub: str
    roles: tuple[Role, ...]
    tenant: Slug = "default"
    models: tuple[str, ...] = ()
    key_id: UUID | None = None
    address: str | None = None
    via: str | None = None


class CreateKey(Command):
    """`owner` is a user's name; the user is made when it is new."""

    owner: Text = Field(min_length=1, max_length=64, pattern=r"^[A-Za-z0-9][A-Za-z0-9._@-]*$")
    role: Role = Role.DEVELOPER
    models: tuple[Text, ...] = Field(default=(), description="the only models that the key may use; none: all")
    name: Text | None = Field(default=None, max_length=64)


class KeyRecord(Record):
    """A key as it is listed: never the secret, only its first characters."""

    id: UUID
    owner: str
    role: Role
    tenant: Slug = "default"
    models: tuple[str, ...] = ()
    name: str | None = None
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
