"""Signs requests by OAuth 1.0a, for a credential that has its token (RFC 5849)."""

import base64
from collections.abc import Mapping
from typing import Any, Final

import httpx
from oauthlib.oauth1 import SIGNATURE_HMAC_SHA1, SIGNATURE_TYPE_AUTH_HEADER, Client

from bus.errors import InvalidRequest
from workflow.core.effects import CallHttp
from workflow.credentials.http_auth import HttpAuth, domains_of, forms, text
from workflow.credentials.oauth_requests import Token
from workflow.credentials.types import SIGNATURES

_FORM: Final = "application/x-www-form-urlencoded"


def token_in(data: Mapping[str, Any]) -> Token | None:
    """One that somebody had and entered."""
    token = data.get("oauthTokenData")
    if not isinstance(token, Mapping) or not token:
        return None
    return Token(access=text(token, "oauth_token"), secret=text(token, "oauth_token_secret"))


def signed(effect: CallHttp, data: Mapping[str, Any], token: Token | None, **way: str) -> HttpAuth:
    """Made for this request alone: its method, address and form are signed. InvalidRequest.

    `token`: None before there is one. `way`: `callback_uri` or `verifier`, on the way to it.
    """
    if data.get("signatureMethod", SIGNATURE_HMAC_SHA1) not in SIGNATURES:
        raise InvalidRequest(f"The credential's `signatureMethod` is none of {', '.join(SIGNATURES)}.")
    secret, access, token_secret = text(data, "consumerSecret"), "", ""
    if token is not None:
        access, token_secret = token.access, token.secret or ""
    client = Client(
        text(data, "consumerKey"),
        client_secret=secret,
        resource_owner_key=access or None,
        resource_owner_secret=token_secret or None,
        signature_method=str(data.get("signatureMethod", SIGNATURE_HMAC_SHA1)),
        signature_type=SIGNATURE_TYPE_AUTH_HEADER,
        realm=str(data.get("realm") or "") or None,
        **way,
    )
    try:
        method: Any = effect.method  # any method that HTTP has; the stubs list some
        _, headers, _ = client.sign(str(httpx.URL(effect.url)), method, *_content(effect))
    except (ValueError, httpx.InvalidURL) as error:
        raise InvalidRequest(f"The request cannot be signed by OAuth 1: {error}.") from None
    authorization = headers["Authorization"]
    return HttpAuth(
        headers={"authorization": authorization},
        domains=domains_of(data),
        secrets=(authorization, *forms(secret, token_secret, access)),
    )


def _content(effect: CallHttp) -> tuple[str | None, dict[str, str]]:
    """What of a body is signed: a form's fields."""
    kind = next((value for name, value in effect.headers.items() if name.lower() == "content-type"), "")
    body = base64.b64decode(effect.body_base64).decode("latin-1") if effect.body_base64 is not None else effect.body
    if body and kind.partition(";")[0].strip().lower() == _FORM:
        return body, {"Content-Type": _FORM}
    return None, {}
