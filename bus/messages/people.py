"""Users who sign in, their sessions, and the keys that sign their tokens."""

from datetime import datetime
from typing import Annotated, Final
from uuid import UUID

from pydantic import Field, StringConstraints

from bus.messages.access import Claims, Role, UserName
from bus.messages.base import Command, Message, Record, Slug, Text

MOST_PASSWORD: Final = 256
Password = Annotated[Text, StringConstraints(min_length=1, max_length=MOST_PASSWORD)]
Secret = Annotated[Text, StringConstraints(min_length=1, max_length=512)]


class CreateUser(Command):
    """Without a password the user has keys alone, or signs in at the OpenID provider."""

    name: UserName
    roles: tuple[Role, ...] = Field(default=(Role.DEVELOPER,), min_length=1)
    password: Password | None = Field(default=None, repr=False)
    tenant: Slug = "default"


class UserRecord(Record):
    """A user as it is listed."""

    id: UUID
    name: str
    roles: tuple[Role, ...] = Field(description="of whoever signs in; each key has its own")
    tenant: Slug = "default"
    has_password: bool
    oidc_issuer: str | None = Field(default=None, description="the OpenID provider where the user signs in")
    created_at: datetime
    disabled_at: datetime | None = None
    last_login_at: datetime | None = None


class UserList(Record):
    users: tuple[UserRecord, ...]


class UserRef(Command):
    name: UserName


class SetRoles(Command):
    name: UserName
    roles: tuple[Role, ...] = Field(min_length=1)


class SetPassword(Command):
    """Of anybody, by whoever may manage users."""

    name: UserName
    password: Password = Field(repr=False)


class ChangePassword(Command):
    """One's own."""

    current: Password = Field(repr=False)
    new: Password = Field(repr=False)


class UserStanding(Message):
    """What doors must know of a user for each request, as the coordinator keeps it on the bus. `ended`: sessions that are over,
    of which somebody may still show a token that has not expired, or the cookie of a browser.
    """

    name: str
    roles: tuple[Role, ...]
    tenant: Slug = "default"
    generation: int
    disabled: bool
    ended: tuple[UUID, ...] = ()


class SignIn(Command):
    """`address`: where from, as the door knows it, for whoever counts failures. `browser`: a browser of the dashboard, hashed."""

    name: Text = Field(max_length=256)
    password: Password = Field(repr=False)
    address: str | None = None
    browser: str | None = None


class SignInExternally(Command):
    """What an OpenID provider said of somebody, checked by the door that asked it."""

    issuer: Text
    subject: Text
    name: Text
    roles: tuple[Role, ...] = Field(min_length=1)
    browser: str | None = None


class Tokens(Record):
    """What a login gives, in the words of OAuth 2. The refresh token is good once: each refresh gives the next."""

    access_token: str = Field(repr=False)
    token_type: str = "Bearer"  # noqa: S105 - the field's word
    expires_in: int = Field(description="seconds that the access token holds")
    refresh_token: str = Field(repr=False)
    refresh_expires_in: int = Field(description="seconds that the session lasts at most")


class Refresh(Command):
    refresh_token: Secret = Field(repr=False)


class EndSession(Command):
    session_id: UUID


class Browser(Command):
    """A browser of the dashboard, hashed."""

    browser: str


class BrowserSession(Message):
    """A login in the dashboard. `generation` is the user's at that time."""

    claims: Claims
    generation: int
    signed_in_at: datetime


class SigningKey(Record):
    """The public half, as a JSON Web Key."""

    kid: str
    algorithm: str
    created_at: datetime
    jwk: dict[str, str]


class SigningKeyList(Record):
    """The first one signs."""

    keys: tuple[SigningKey, ...]
