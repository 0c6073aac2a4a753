"""What is asked of an authorization server of OAuth 2, and what its answers say. Pure."""

import base64
import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final
from urllib.parse import parse_qsl, urlencode, urlsplit, urlunsplit

from bus.errors import GrantRefused, RequestRefused
from workflow.core.effects import CallHttp
from workflow.credentials.http_auth import HttpAuth, basic, forms, text
from workflow.credentials.types import grant_of

TIMEOUT_SECONDS: Final = 30.0
MAX_TOKEN: Final = 16_384
"""Characters: what is longer fits into no header that servers take, and would be stored and read for each request."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Token:
    """`seconds`: for how long it holds; None where the server does not say. `secret`: of OAuth 1, which signs with it."""

    access: str = field(repr=False)
    secret: str | None = field(default=None, repr=False)
    refresh: str | None = field(default=None, repr=False)
    seconds: float | None = None


def challenge(verifier: str) -> str:
    """S256 of RFC 7636."""
    return base64.urlsafe_b64encode(hashlib.sha256(verifier.encode()).digest()).decode().rstrip("=")


def authorize_url(kind: str, data: Mapping[str, Any], state: str, redirect_uri: str, verifier: str) -> str:
    """InvalidRequest for a credential without what it takes. `authQueryParameters` may set anything but what keeps the flow safe."""
    parts = urlsplit(text(data, "authUrl"))
    given = dict(parse_qsl(parts.query, keep_blank_values=True))
    given |= dict(parse_qsl(str(data.get("authQueryParameters") or "").lstrip("?&"), keep_blank_values=True))
    if data.get("scope"):
        given["scope"] = str(data["scope"])
    given |= {"client_id": text(data, "clientId"), "redirect_uri": redirect_uri, "response_type": "code", "state": state}
    if grant_of(kind, data) == "pkce":
        given |= {"code_challenge": challenge(verifier), "code_challenge_method": "S256"}
    return urlunsplit(parts._replace(query=urlencode(given), fragment=""))


def for_code(
    kind: str, data: Mapping[str, Any], code: str, redirect_uri: str, verifier: str, key: str
) -> tuple[CallHttp, HttpAuth]:
    fields = {"grant_type": "authorization_code", "code": code, "redirect_uri": redirect_uri}
    if grant_of(kind, data) == "pkce":
        fields["code_verifier"] = verifier
    return _asking(data, fields, key, code, verifier)


def for_refresh(data: Mapping[str, Any], refresh: str, key: str) -> tuple[CallHttp, HttpAuth]:
    return _asking(data, {"grant_type": "refresh_token", "refresh_token": refresh}, key, refresh)


def for_client(data: Mapping[str, Any], key: str) -> tuple[CallHttp, HttpAuth]:
    fields = {"grant_type": "client_credentials"}
    if data.get("scope"):
        fields["scope"] = str(data["scope"])
    return _asking(data, fields, key)


def _asking(data: Mapping[str, Any], fields: dict[str, str], key: str, *more: str) -> tuple[CallHttp, HttpAuth]:
    """`secrets` of it are for what is said of the answer. A client without a secret is public, and named in the body."""
    client, secret = text(data, "clientId"), str(data.get("clientSecret") or "")
    by_body = data.get("authentication") == "body" or not secret
    if by_body:
        fields |= {"client_id": client, **({"client_secret": secret} if secret else {})}
    added = data.get("additionalBodyProperties") or {}
    added = json.loads(added) if isinstance(added, str) else added
    fields = {name: str(value) for name, value in added.items()} | fields
    sent = basic(client, secret)
    auth = HttpAuth(
        headers={} if by_body else {"authorization": sent}, secrets=forms(secret, sent.removeprefix("Basic "), *more)
    )
    effect = CallHttp(
        key=key,
        method="POST",
        url=text(data, "accessTokenUrl"),
        headers={"accept": "application/json", "content-type": "application/x-www-form-urlencoded"},
        body=urlencode(fields),
        timeout_seconds=TIMEOUT_SECONDS,
        follow_redirects=False,  # a server of tokens that points elsewhere is not followed with the secret
        verify_tls=data.get("ignoreSSLIssues") is not True,
    )
    return effect, auth


def token_of(answer: Mapping[str, Any], url: str) -> Token:
    """RequestRefused, GrantRefused; what the server said is told only where it is OAuth's own words."""
    found = fields(answer.get("body") or "")
    token = found.get("access_token")
    if answer["status"] not in (200, 201) or not isinstance(token, str) or not token:
        reason = " ".join(str(found[name]) for name in ("error", "error_description") if name in found)[:300]
        refused = GrantRefused if found.get("error") == "invalid_grant" else RequestRefused
        raise refused(f"{place(url)} gave no token: status {answer['status']}{f', {reason}' if reason else ''}.")
    refresh = found.get("refresh_token")
    refresh = refresh if isinstance(refresh, str) and refresh else None
    require_short(url, token, refresh or "")
    return Token(access=token, refresh=refresh, seconds=_seconds(found))


def require_short(url: str, *tokens: str) -> None:
    """RequestRefused."""
    if any(len(token) > MAX_TOKEN for token in tokens):
        raise RequestRefused(f"{place(url)} gave a token of more than {MAX_TOKEN:,} characters, which is no token.")


def place(url: str) -> str:
    """Of an address, what may be said to everybody who uses the credential: its query may hold a secret."""
    parts = urlsplit(url)
    return f"{parts.scheme}://{parts.netloc.rpartition('@')[2]}{parts.path}"


def fields(body: str) -> Mapping[str, Any]:
    """JSON, as the standard wants it, or a form, as some servers answer all the same."""
    try:
        found = json.loads(body)
    except ValueError:
        return dict(parse_qsl(body))
    return found if isinstance(found, dict) else {}


def _seconds(found: Mapping[str, Any]) -> float | None:
    try:
        seconds = float(found["expires_in"])
    except (KeyError, TypeError, ValueError):
        return None
    return min(seconds, 10 * 365 * 86400.0) if seconds > 0 else None
