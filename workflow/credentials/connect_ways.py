"""How a credential is connected, by OAuth 2 and by OAuth 1: where the browser goes, and the token for what it is sent back with."""

import secrets
from collections.abc import Mapping
from typing import Final, Protocol
from urllib.parse import urlencode

from bus.errors import InvalidRequest
from bus.messages.credentials import ConnectReturn
from workflow.credentials import oauth1_requests as by_1
from workflow.credentials.oauth import Tokens
from workflow.credentials.oauth_requests import Token, authorize_url, for_code
from workflow.credentials.store import Opened
from workflow.credentials.token_store import Pending
from workflow.credentials.types import connection, grant_of, is_oauth1, is_oauth2

CALLBACK: Final = "/oauth2/callback"


class Way(Protocol):
    """`callback`: the path of the redirect address."""

    callback: str

    async def begin(self, credential: Opened, state: str, redirect_uri: str, tokens: Tokens) -> tuple[str, Pending]:
        """Where the browser goes, and what is kept until it is back. InvalidRequest for a credential without what it takes."""

    def lacking(self, back: ConnectReturn, pending: Pending) -> str | None:
        """What the provider did not send as it should."""

    async def finish(self, credential: Opened, back: ConnectReturn, pending: Pending, tokens: Tokens) -> Token:
        """HiveError where the provider gives none."""


class _ByOAuth2:
    callback = CALLBACK

    async def begin(self, credential: Opened, state: str, redirect_uri: str, tokens: Tokens) -> tuple[str, Pending]:
        verifier = secrets.token_urlsafe(48)
        url = authorize_url(credential.type, credential.data, state, redirect_uri, verifier)
        return url, Pending(redirect_uri=redirect_uri, verifier=verifier, purpose=connection(credential.data))

    def lacking(self, back: ConnectReturn, pending: Pending) -> str | None:
        return None if back.code else "sent no code"

    async def finish(self, credential: Opened, back: ConnectReturn, pending: Pending, tokens: Tokens) -> Token:
        code, where = back.code or "", (pending.redirect_uri, pending.verifier)
        return await tokens.asked(credential, *for_code(credential.type, credential.data, code, *where, _key()))


class _ByOAuth1:
    """The state travels in the redirect address, since OAuth 1 has no place for one; and the token must be the one that was begun with."""

    callback = "/oauth1/callback"

    async def begin(self, credential: Opened, state: str, redirect_uri: str, tokens: Tokens) -> tuple[str, Pending]:
        callback = f"{redirect_uri}?{urlencode({'state': state})}"
        request = await tokens.asked(credential, *by_1.for_request(credential.data, callback, _key()))
        pending = Pending(
            redirect_uri=redirect_uri,
            token=request.access,
            verifier=request.secret or "",
            purpose=connection(credential.data),
        )
        return by_1.authorize_url(credential.data, request), pending

    def lacking(self, back: ConnectReturn, pending: Pending) -> str | None:
        if not back.verifier or not back.token:
            return "sent no token with a verifier"
        return None if back.token == pending.token else "sent another token than this began with"

    async def finish(self, credential: Opened, back: ConnectReturn, pending: Pending, tokens: Tokens) -> Token:
        request = Token(access=pending.token, secret=pending.verifier)
        return await tokens.asked(credential, *by_1.for_access(credential.data, request, back.verifier or "", _key()))


_BY_2, _BY_1 = _ByOAuth2(), _ByOAuth1()


def way_of(kind: str, data: Mapping[str, object]) -> Way:
    """InvalidRequest for a credential that nobody connects."""
    if is_oauth1(kind):
        return _BY_1
    if is_oauth2(kind) and grant_of(kind, data) != "clientCredentials":
        return _BY_2
    raise InvalidRequest(
        "Only a credential of OAuth 1, or of OAuth 2 with `grantType` authorizationCode or pkce, is connected; this one works as it is."
    )


def _key() -> str:
    return f"connect.{secrets.token_hex(8)}"
