"""Tokens by OAuth 2's client credentials: got when a request first needs one, kept in memory until they expire."""

import asyncio
import json
from collections.abc import Mapping
from time import monotonic
from typing import Any, Final
from urllib.parse import urlencode
from uuid import UUID

from bus.errors import InvalidRequest, RequestRefused
from workflow.credential_store import Opened
from workflow.effects import CallHttp
from workflow.http_auth import HttpAuth, basic, forms, text
from workflow.http_calls import HttpCalls

EARLY_SECONDS: Final = 30.0
"""A token that expires sooner is not used any more: the request takes time too."""
DEFAULT_SECONDS: Final = 300.0
TIMEOUT_SECONDS: Final = 30.0
MAX_TOKENS: Final = 1000


class Tokens:
    def __init__(self, http: HttpCalls) -> None:
        self._http = http
        self._tokens: dict[UUID, tuple[Any, str, float]] = {}
        self._locks: dict[UUID, asyncio.Lock] = {}

    async def of(self, credential: Opened, key: str) -> str:
        """One that holds. `key`: of the effect that needs it. RequestRefused where the server gives none."""
        lock = self._locks.setdefault(credential.id, asyncio.Lock())
        async with lock:  # side by side they would each ask for one
            stamp, token, until = self._tokens.get(credential.id, (None, "", 0.0))
            if stamp != credential.stamp or until < monotonic():
                token, seconds = await self._asked(credential.data, key)
                if len(self._tokens) >= MAX_TOKENS:
                    self._tokens.clear()
                self._tokens[credential.id] = (credential.stamp, token, monotonic() + max(0.0, seconds - EARLY_SECONDS))
            return token

    def forget(self, credential: Opened, token: str) -> None:
        """It was refused. Another that somebody got meanwhile stays."""
        if self._tokens.get(credential.id, (None, "", 0.0))[1] == token:
            del self._tokens[credential.id]

    async def _asked(self, data: Mapping[str, Any], key: str) -> tuple[str, float]:
        effect, auth = token_request(data, f"{key}.token")
        reply = await self._http.carry_out(effect, auth)
        if reply.failure is not None:
            raise RequestRefused(f"No token was got from {effect.url}: {reply.failure.message}")
        return token_of(reply.value, effect.url)


def token_request(data: Mapping[str, Any], key: str) -> tuple[CallHttp, HttpAuth]:
    """The secrets are in the auth alone, so that whatever comes back is cleared of them. InvalidRequest for another grant."""
    if data.get("grantType", "clientCredentials") != "clientCredentials":
        raise InvalidRequest("Hive gets tokens of OAuth 2 by `grantType: clientCredentials` alone.")
    client, secret = text(data, "clientId"), text(data, "clientSecret")
    fields = {"grant_type": "client_credentials"}
    if data.get("scope"):
        fields["scope"] = str(data["scope"])
    headers = {"accept": "application/json", "content-type": "application/x-www-form-urlencoded"}
    by_body = data.get("authentication") == "body"
    if by_body:
        fields |= {"client_id": client, "client_secret": secret}
    sent = basic(client, secret)
    auth = HttpAuth(headers={} if by_body else {"authorization": sent}, secrets=forms(secret, sent.removeprefix("Basic ")))
    effect = CallHttp(
        key=key,
        method="POST",
        url=text(data, "accessTokenUrl"),
        headers=headers,
        body=urlencode(fields),
        timeout_seconds=TIMEOUT_SECONDS,
        follow_redirects=False,  # a server of tokens that points elsewhere is not followed with the secret
        verify_tls=data.get("ignoreSSLIssues") is not True,
    )
    return effect, auth


def token_of(answer: Mapping[str, Any], url: str) -> tuple[str, float]:
    """And for how many seconds it holds. RequestRefused; what the server said is told only where it is OAuth's own words."""
    try:
        found = json.loads(answer.get("body") or "")
    except ValueError:
        found = None
    found = found if isinstance(found, dict) else {}
    token = found.get("access_token")
    if answer["status"] != 200 or not isinstance(token, str) or not token:
        reason = " ".join(str(found[name]) for name in ("error", "error_description") if name in found)
        raise RequestRefused(f"{url} gave no token: status {answer['status']}{f', {reason}' if reason else ''}.")
    seconds = found.get("expires_in", DEFAULT_SECONDS)
    try:
        return token, float(seconds)
    except (TypeError, ValueError):
        return token, DEFAULT_SECONDS
