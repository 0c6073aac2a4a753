"""What is asked of a provider of OAuth 1 until there is a token, and what its answers say (RFC 5849, section 2). Pure."""

from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any
from urllib.parse import parse_qsl, urlencode, urlsplit, urlunsplit

from bus.errors import RequestRefused
from workflow.core.effects import CallHttp
from workflow.credentials.http_auth import HttpAuth, text
from workflow.credentials.oauth1 import signed
from workflow.credentials.oauth_requests import TIMEOUT_SECONDS, Token, fields, place, require_short

Asking = tuple[CallHttp, HttpAuth, Callable[[Mapping[str, Any], str], Token]]


def for_request(data: Mapping[str, Any], callback: str, key: str) -> Asking:
    """The token that a person lets in. InvalidRequest."""
    effect, auth = _asking(data, "requestTokenUrl", key, None, callback_uri=callback)
    return effect, auth, _confirmed


def for_access(data: Mapping[str, Any], request: Token, verifier: str, key: str) -> Asking:
    """The token that requests are signed with. InvalidRequest."""
    effect, auth = _asking(data, "accessTokenUrl", key, request, verifier=verifier)
    return effect, auth, token_of


def authorize_url(data: Mapping[str, Any], request: Token) -> str:
    """InvalidRequest for a credential without it."""
    parts = urlsplit(text(data, "authUrl"))
    given = dict(parse_qsl(parts.query, keep_blank_values=True)) | {"oauth_token": request.access}
    return urlunsplit(parts._replace(query=urlencode(given), fragment=""))


def _asking(data: Mapping[str, Any], of: str, key: str, token: Token | None, **way: str) -> tuple[CallHttp, HttpAuth]:
    """Where requests with the credential may go says nothing about where its token comes from."""
    effect = CallHttp(
        key=key,
        method="POST",
        url=text(data, of),
        timeout_seconds=TIMEOUT_SECONDS,
        follow_redirects=False,
        verify_tls=data.get("ignoreSSLIssues") is not True,
    )
    return effect, replace(signed(effect, data, token, **way), domains=None)


def token_of(answer: Mapping[str, Any], url: str) -> Token:
    """RequestRefused; what the server said is told only where it is OAuth's own words."""
    found = fields(answer.get("body") or "")
    token, secret = found.get("oauth_token"), found.get("oauth_token_secret")
    if (
        answer["status"] not in (200, 201)
        or not isinstance(token, str)
        or not isinstance(secret, str)
        or not token
        or not secret
    ):
        names = ("oauth_problem", "oauth_problem_advice", "error", "error_description")
        reason = " ".join(str(found[name]) for name in names if name in found)[:300]
        raise RequestRefused(f"{place(url)} gave no token: status {answer['status']}{f', {reason}' if reason else ''}.")
    require_short(url, token, secret)
    return Token(access=token, secret=secret)


def _confirmed(answer: Mapping[str, Any], url: str) -> Token:
    """Without the word a provider would send the browser, and who is let in, to an address that somebody else gave."""
    token = token_of(answer, url)
    if str(fields(answer["body"]).get("oauth_callback_confirmed")).lower() != "true":
        raise RequestRefused(
            f"{place(url)} does not confirm the redirect address: it speaks OAuth 1.0 before its revision A, which is not safe."
        )
    return token
