"""Credentials of workflows, as the doors and the engines speak of them. A secret goes in and never comes out."""

from datetime import datetime
from typing import Annotated
from uuid import UUID

from pydantic import AfterValidator, Field, JsonValue
from pydantic_core import to_json

from bus.messages.base import Command, JsonObject, Record, Slug, Text

MAX_DATA_BYTES = 64 * 1024


def _small(value: dict[str, JsonValue]) -> dict[str, JsonValue]:
    if len(to_json(value)) > MAX_DATA_BYTES:
        raise ValueError(f"it has more than {MAX_DATA_BYTES:,} bytes, which is more than a credential may have")
    return value


CredentialData = Annotated[
    JsonObject,
    AfterValidator(_small),
    Field(description="the fields that n8n has for this type; they are sealed, and nothing shows them again"),
]
CredentialType = Annotated[
    Text, Field(pattern=r"^[a-z][A-Za-z0-9]{1,99}$", description="n8n's name of the type, such as `httpHeaderAuth`")
]


class CreateCredential(Command):
    """The body of `POST /api/credentials`."""

    name: Text = Field(min_length=1, max_length=128, description="by which nodes find it; one of a type and owner")
    type: CredentialType
    data: CredentialData = Field(repr=False)  # no repr: what is logged of a message has no secret
    n8n_id: Text | None = Field(
        default=None, max_length=64, description="the id that it had in n8n, by which imported workflows name it"
    )
    shared: bool = Field(
        default=False, description="whether workflows that run with somebody else's rights may use it; none may read it"
    )
    owner: Text | None = Field(
        default=None,
        min_length=1,
        max_length=255,
        description="left out: whoever makes it; another's needs `credentials.manage`",
    )


class UpdateCredential(Command):
    """The body of `PUT /api/credentials/{id}`: what is left out stays, each field of `data` too; one that is null goes."""

    name: Text | None = Field(default=None, min_length=1, max_length=128)
    data: CredentialData | None = Field(default=None, repr=False)
    shared: bool | None = None


class ChangeCredential(UpdateCredential):
    """The same as a verb's body."""

    id: UUID


class CredentialRef(Command):
    id: UUID


TrialUrl = Annotated[Text, Field(max_length=2048, pattern=r"^https?://")]


class TryCredential(CredentialRef):
    """`url`: what is asked with it, by GET; left out: what its type says, where it says something."""

    url: TrialUrl | None = None


class ConnectCredential(CredentialRef):
    """`redirect_uri`: where the provider sends the browser back, in the form of OAuth 2; the engines' own public address comes before it."""

    redirect_uri: Text | None = Field(default=None, max_length=2048)


class ConnectUrl(Record):
    """What a person opens, at the provider, to let the hive in. It works once."""

    url: str
    redirect_uri: str = Field(description="the provider must know it as one of the client's")
    expires_at: datetime


class ConnectReturn(Command):
    """What the provider sent a browser back with."""

    state: Text = Field(min_length=1, max_length=512, repr=False)
    code: Text | None = Field(default=None, max_length=8192, repr=False)
    token: Text | None = Field(default=None, max_length=8192, repr=False, description="OAuth 1: the token that was let in")
    verifier: Text | None = Field(default=None, max_length=8192, repr=False, description="OAuth 1: in the place of a code")
    error: Text | None = Field(default=None, max_length=256)
    by: Text | None = Field(default=None, description="who the browser is signed in as, where it is")


class ConnectResult(Record):
    ok: bool
    message: str


class CredentialRecord(Record):
    """A credential as every door shows it: what it is, and never what it holds."""

    id: UUID
    name: str
    type: str
    fields: tuple[str, ...] = Field(description="names of the fields that are set")
    owner: str
    shared: bool
    tenant: Slug = "default"
    n8n_id: str | None = None
    created_at: datetime
    updated_at: datetime
    connected_at: datetime | None = Field(default=None, description="of a type that a person connects: since when it is")
    token_expires_at: datetime | None = Field(
        default=None, description="until when the token holds; null: not connected, or the provider does not say"
    )
    refreshable: bool | None = Field(default=None, description="whether the hive gets the next token by itself")


class CredentialList(Record):
    """By name: the caller's own, and those that are shared; all of them with `credentials.manage`."""

    credentials: tuple[CredentialRecord, ...]


class CredentialTest(Record):
    """`tried`: whether something was asked with it. What no service is known for, and no address was named for, is only read."""

    ok: bool
    tried: bool
    message: str
