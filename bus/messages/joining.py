"""Enrolment of a host: the token that an administrator makes, the request by which a host uses it, and what the host is told."""

from datetime import datetime
from enum import StrEnum
from typing import Annotated, Final
from uuid import UUID

from pydantic import Field, SecretStr, StringConstraints, field_serializer

from bus.messages.base import Command, Message, Record, Slug, Text
from bus.messages.orders import MOST_LABELS, LabelName, LabelValue

DAY_SECONDS: Final = 24 * 3600
LONGEST_SECONDS: Final = 30 * DAY_SECONDS
MOST_USES: Final = 1000
MOST_TOKENS: Final = 200
MOST_AGENTS: Final = 32

Labels = Annotated[dict[LabelName, LabelValue], Field(max_length=MOST_LABELS)]
HostKey = Annotated[str, StringConstraints(pattern=r"^U[A-Z2-7]{55}$")]
"""The public half of a host's key, as NATS writes one of a user (an nkey)."""


class CreateJoinToken(Command):
    """The body of `POST /api/join-tokens`."""

    expires_seconds: int = Field(default=DAY_SECONDS, ge=60, le=LONGEST_SECONDS, description="from now")
    uses: int = Field(default=1, ge=1, le=MOST_USES, description="hosts that may join with it")
    labels: Labels = Field(default_factory=dict, description="what the hosts that join with it are labelled with")
    name: Text | None = Field(default=None, min_length=1, max_length=64, description="what the token is for")


class JoinTokenState(StrEnum):
    ACTIVE = "active"
    EXPIRED = "expired"
    USED_UP = "used_up"
    REVOKED = "revoked"


class JoinTokenRecord(Record):
    """A token as it is listed: never the secret. `state` is how it stood when this was said."""

    id: UUID
    name: str | None = None
    labels: dict[str, str] = Field(default_factory=dict)
    uses_allowed: int
    uses: int = 0
    hosts: tuple[Slug, ...] = Field(default=(), description="hosts whose last join was by it")
    created_by: str
    created_at: datetime
    expires_at: datetime
    revoked_at: datetime | None = None
    state: JoinTokenState


class IssuedJoinToken(Record):
    """The one answer that ever holds the secret."""

    token: str
    record: JoinTokenRecord


class ListJoinTokens(Command):
    limit: int = Field(default=50, ge=1, le=MOST_TOKENS)


class JoinTokenList(Record):
    """Newest first."""

    tokens: tuple[JoinTokenRecord, ...]


class JoinTokenRef(Command):
    id: UUID


class JoinHive(Command):
    """The body of `POST /api/join`. `signature` shows that the host holds the other half of `key` (bus/host_key.py)."""

    token: SecretStr = Field(min_length=1, max_length=200)
    name: Slug = Field(description="what the host and its agents are called")
    key: HostKey
    signature: str = Field(max_length=200)
    agents: tuple[Slug, ...] = Field(
        default=(),
        max_length=MOST_AGENTS,
        description="its agents that are not called after it: those of backends with names of their own",
    )

    @field_serializer("token", when_used="json")
    def _told(self, token: SecretStr) -> str:
        """On its way to the leader, and nowhere else: it is not printed and not logged."""
        return token.get_secret_value()


class JoinedHost(Record):
    """The leader's answer to a host that may join. `again`: it had joined with this token before, which costs no other use."""

    hive_id: UUID
    name: Slug
    labels: dict[str, str] = Field(default_factory=dict)
    token_id: UUID
    again: bool = False
    by_key: bool = Field(default=False, description="whether the bus lets it in by its key, and it needs no password")


class AdmittedHost(Record):
    """Of a host that has joined, in the bucket of hosts, by its key: what the bus lets it in as."""

    name: Slug
    agents: tuple[Slug, ...] = ()


class JoinGrant(Record):
    """The answer of `POST /api/join`: all that a sidecar needs. `nats_url` holds user and password where the bus asks for these."""

    hive_id: UUID
    name: Slug
    labels: dict[str, str] = Field(default_factory=dict)
    agents: tuple[Slug, ...] = ()
    nats_url: str


class JoinTokenChange(Message):
    """What happened to a token. `by` is who made or revoked it; `host` is who used it, with its public key."""

    token_id: UUID
    name: str | None = None
    by: str | None = None
    host: Slug | None = None
    host_key: HostKey | None = None
    uses: int
    uses_allowed: int
    expires_at: datetime
