"""A person lets the hive in at a provider: the address to open, and what the provider sends the browser back with."""

import secrets
from typing import Final

from bus import telemetry
from bus.auth import BUS_OPERATOR
from bus.errors import CredentialNotFound, HiveError, InvalidRequest
from bus.messages import Claims
from bus.messages.credentials import ConnectCredential, ConnectResult, ConnectReturn, ConnectUrl
from workflow.credential_store import Credentials, Opened
from workflow.credential_types import grant_of, is_oauth2, is_url
from workflow.effects import CallHttp
from workflow.http_auth import HttpAuth
from workflow.oauth import Tokens
from workflow.oauth_requests import authorize_url, for_code
from workflow.token_store import Connect

logger = telemetry.log(__name__)

CALLBACK: Final = "/oauth2/callback"
_AGAIN: Final = "Begin anew: `hive credential connect`, or POST /api/credentials/{id}/connect."


class Connecting:
    """`public_url`: of the hive, where it is set: the redirect address is there, wherever somebody asks."""

    def __init__(self, credentials: Credentials, tokens: Tokens, public_url: str, base_url: str) -> None:
        self._credentials, self._tokens = credentials, tokens
        self._public_url, self._base_url = public_url, base_url

    async def begin(self, wish: ConnectCredential, claims: Claims) -> ConnectUrl:
        """CredentialNotFound, InvalidRequest for one that nobody connects."""
        credential = await self._credentials.opened(wish.id, claims)
        if not is_oauth2(credential.type) or grant_of(credential.type, credential.data) == "clientCredentials":
            raise InvalidRequest(
                "Only a credential of OAuth 2 with `grantType` authorizationCode or pkce is connected; this one works as it is."
            )
        await self._credentials.require_key()
        state, verifier, redirect_uri = secrets.token_urlsafe(32), secrets.token_urlsafe(48), self._redirect(wish.redirect_uri)
        url = authorize_url(credential.type, credential.data, state, redirect_uri, verifier)
        until = await self._tokens.store.begin(credential, state, (claims.sub, claims.tenant), verifier, redirect_uri)
        logger.info("credential_connect_begun", id=str(credential.id), name=credential.name, by=claims.sub)
        return ConnectUrl(url=url, redirect_uri=redirect_uri, expires_at=until)

    def _redirect(self, asked: str | None) -> str:
        if self._public_url:
            return self._public_url.rstrip("/") + CALLBACK
        if asked is None:
            return self._base_url + CALLBACK
        if not is_url(asked) or not asked.endswith(CALLBACK):
            raise InvalidRequest(f"`redirect_uri` is an address of the hive that ends with {CALLBACK}.")
        return asked

    async def finish(self, back: ConnectReturn) -> ConnectResult:
        """Never raises what a person at a browser can do something about: it is the answer."""
        begun = await self._tokens.store.take(back.state)
        if begun is None or begun.expired:
            what = "has expired" if begun is not None else "is not known, or was used already"
            return ConnectResult(ok=False, message=f"This way to connect a credential {what}. {_AGAIN}")
        if back.by is not None and begun.begun_by not in (back.by, BUS_OPERATOR.sub):
            return ConnectResult(ok=False, message=f"Somebody else began to connect this credential than who is here. {_AGAIN}")
        if back.error is not None or not back.code:
            why = f"said {back.error}" if back.error else "sent no code"
            return ConnectResult(ok=False, message=f"The provider {why}; nothing was connected. {_AGAIN}")
        try:
            return await self._exchanged(begun, back.code)
        except HiveError as error:
            logger.warning("credential_not_connected", id=str(begun.credential_id), code=error.code)
            return ConnectResult(ok=False, message=f"{error.message} {_AGAIN}")

    async def _exchanged(self, begun: Connect, code: str) -> ConnectResult:
        credential = await self._credentials.opened_of(begun.credential_id, begun.tenant)
        token = await self._tokens.asked(*self._asking(credential, begun, code))
        if not await self._tokens.store.connected(credential, token):
            raise CredentialNotFound("The credential was changed or removed while it was being connected.")
        logger.info("credential_connected", id=str(credential.id), name=credential.name, by=begun.begun_by)
        more = (
            "" if token.refresh else " The provider gave no refresh token, so it must be connected anew when this one expires."
        )
        return ConnectResult(
            ok=True, message=f"The credential {credential.name!r} is connected, as {begun.begun_by} asked.{more}"
        )

    def _asking(self, credential: Opened, begun: Connect, code: str) -> tuple[CallHttp, HttpAuth]:
        key = f"connect.{secrets.token_hex(8)}"
        return for_code(credential.type, credential.data, code, begun.redirect_uri, begun.verifier, key)
