"""A person lets the hive in at a provider: the address to open, and what the provider sends the browser back with."""

import secrets
from typing import Final
from urllib.parse import urlsplit

from bus import telemetry
from bus.auth import BUS_OPERATOR
from bus.errors import CredentialNotFound, HiveError, InvalidRequest
from bus.messages import Claims
from bus.messages.credentials import ConnectCredential, ConnectResult, ConnectReturn, ConnectUrl
from workflow.credentials.connect_ways import CALLBACK, way_of
from workflow.credentials.oauth import Tokens
from workflow.credentials.store import Credentials
from workflow.credentials.token_store import Connect
from workflow.credentials.types import connection, is_url

logger = telemetry.log(__name__)

_CHANGED: Final = "The credential was changed or removed while it was being connected."
_EXPIRES: Final = " The provider gave no refresh token, so it must be connected anew when this one expires."
_AGAIN: Final = "Begin anew: `hive credential connect`, or POST /api/credentials/{id}/connect."


class Connecting:
    """`public_url`: of the hive, where it is set: the redirect address is there, wherever somebody asks."""

    def __init__(self, credentials: Credentials, tokens: Tokens, public_url: str, base_url: str) -> None:
        self._credentials, self._tokens = credentials, tokens
        self._public_url, self._base_url = public_url, base_url

    async def begin(self, wish: ConnectCredential, claims: Claims) -> ConnectUrl:
        """CredentialNotFound, InvalidRequest for one that nobody connects; RequestRefused where a provider of OAuth 1 gives no token to begin
        with."""
        credential = await self._credentials.opened(wish.id, claims)
        way = way_of(credential.type, credential.data)
        await self._credentials.require_key()
        state, redirect_uri = secrets.token_urlsafe(32), self._redirect(wish.redirect_uri, way.callback)
        url, pending = await way.begin(credential, state, redirect_uri, self._tokens)
        until = await self._tokens.store.begin(credential, state, (claims.sub, claims.tenant), pending)
        logger.info("credential_connect_begun", id=str(credential.id), name=credential.name, by=claims.sub)
        return ConnectUrl(url=url, redirect_uri=redirect_uri, expires_at=until)

    def _redirect(self, asked: str | None, path: str) -> str:
        if self._public_url:
            return self._public_url.rstrip("/") + path
        if asked is None:
            return self._base_url + path
        parts = urlsplit(asked) if is_url(asked) else None
        if parts is None or not parts.path.endswith(CALLBACK) or parts.query or parts.fragment:
            raise InvalidRequest(f"`redirect_uri` is an address of the hive that ends with {CALLBACK}.")
        return asked.removesuffix(CALLBACK) + path

    async def finish(self, back: ConnectReturn) -> ConnectResult:
        """Never raises what a person at a browser can do something about: it is the answer."""
        begun = await self._tokens.store.take(back.state)
        if begun is None or begun.expired:
            what = "has expired" if begun is not None else "is not known, or was used already"
            return ConnectResult(ok=False, message=f"This way to connect a credential {what}. {_AGAIN}")
        if back.by is not None and begun.begun_by not in (back.by, BUS_OPERATOR.sub):
            return ConnectResult(ok=False, message=f"Somebody else began to connect this credential than who is here. {_AGAIN}")
        if back.error is not None:
            return ConnectResult(ok=False, message=f"The provider said {back.error}; nothing was connected. {_AGAIN}")
        try:
            return await self._exchanged(begun, back)
        except HiveError as error:
            logger.warning("credential_not_connected", id=str(begun.credential_id), code=error.code)
            return ConnectResult(ok=False, message=f"{error.message} {_AGAIN}")

    async def _exchanged(self, begun: Connect, back: ConnectReturn) -> ConnectResult:
        credential = await self._credentials.opened_of(begun.credential_id, begun.tenant)
        if connection(credential.data) != begun.pending.purpose:
            raise CredentialNotFound(_CHANGED)  # what the browser brought is for nobody else
        way = way_of(credential.type, credential.data)
        if (lacking := way.lacking(back, begun.pending)) is not None:
            return ConnectResult(ok=False, message=f"The provider {lacking}; nothing was connected. {_AGAIN}")
        token = await way.finish(credential, back, begun.pending, self._tokens)
        if not await self._tokens.store.connected(credential, token):
            raise CredentialNotFound(_CHANGED)
        logger.info("credential_connected", id=str(credential.id), name=credential.name, by=begun.begun_by)
        more = _EXPIRES if token.refresh is None and way.callback == CALLBACK else ""
        return ConnectResult(
            ok=True, message=f"The credential {credential.name!r} is connected, as {begun.begun_by} asked.{more}"
        )
