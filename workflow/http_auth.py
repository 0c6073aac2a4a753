"""What a credential adds to a request, and how what comes back is cleared of it. Pure."""

import base64
import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from fnmatch import fnmatchcase
from typing import Any, Final
from urllib.parse import quote, quote_plus, urlencode

from bus.errors import HiveError, InvalidRequest, RequestRefused
from workflow import credential_types as types

BLANK: Final = "**********"
_SHORT: Final = 6
"""A secret that is shorter is left where the other side repeats it: taken out, it would take with it what is none."""


@dataclass(frozen=True, slots=True, kw_only=True)
class HttpAuth:
    """`domains`: hosts that alone may get it, with `*` for any part; None: all. `secrets`: as they may come back."""

    headers: Mapping[str, str] = field(default_factory=dict, repr=False)
    query: tuple[tuple[str, str], ...] = field(default=(), repr=False)
    body: Mapping[str, Any] = field(default_factory=dict, repr=False)
    digest: tuple[str, str] | None = field(default=None, repr=False)
    domains: tuple[str, ...] | None = None
    secrets: tuple[str, ...] = field(default=(), repr=False)

    def require_host(self, host: str) -> None:
        """RequestRefused for a host that the credential's owner does not allow."""
        if self.domains is not None and not any(fnmatchcase(host.lower(), domain) for domain in self.domains):
            raise RequestRefused(
                f"The credential is not for {host}. Its owner may add the host to its `allowedDomains`."
                if self.domains
                else "The credential may not be used by HTTP requests (`allowedHttpRequestDomains` is none)."
            )


def auth_of(kind: str, data: Mapping[str, Any]) -> HttpAuth:
    """InvalidRequest for a type that no request can use. oAuth2Api is no business of this: its token is got first (workflow/oauth.py)."""
    allowed = _domains(data)
    if kind == "httpDigestAuth":
        user, password = text(data, "user"), text(data, "password")
        return HttpAuth(digest=(user, password), domains=allowed, secrets=forms(password))
    if kind in ("httpQueryAuth", *types.QUERY):
        name, value = _query(kind, data)
        return HttpAuth(query=((name, value),), domains=allowed, secrets=forms(value))
    headers, secret = _headers(kind, data)
    if headers:
        return HttpAuth(headers={**types.OTHERS.get(kind, {}), **_sound(headers)}, domains=allowed, secrets=forms(*secret))
    if kind == "httpCustomAuth" or "json" in data:
        return _custom(data, allowed)
    raise InvalidRequest(
        types.unusable(kind)
        or f"Hive does not know how requests use a credential of type {kind}. Choose a generic one in the node, such as httpHeaderAuth."
    )


def bearer(token: str, domains: tuple[str, ...] | None = None) -> HttpAuth:
    return HttpAuth(headers=_sound({"authorization": f"Bearer {token}"}), domains=domains, secrets=forms(token))


def domains_of(data: Mapping[str, Any]) -> tuple[str, ...] | None:
    return _domains(data)


def _query(kind: str, data: Mapping[str, Any]) -> tuple[str, str]:
    if kind in types.QUERY:
        name, of = types.QUERY[kind]
        return name, text(data, of)
    return text(data, "name"), text(data, "value")


def _headers(kind: str, data: Mapping[str, Any]) -> tuple[dict[str, str], tuple[str, ...]]:
    """With what is secret of them."""
    if kind == "httpHeaderAuth":
        value = text(data, "value")
        return {text(data, "name").lower(): value}, (value, value.partition(" ")[2])
    if kind in types.BEARER:
        token = text(data, types.BEARER[kind])
        return {"authorization": f"Bearer {token}"}, (token,)
    if kind in types.HEADER:
        name, before, of = types.HEADER[kind]
        return {name: before + text(data, of)}, (text(data, of),)
    if kind in types.BASIC:
        user, password = (text(data, name) for name in types.BASIC[kind])
        return {"authorization": basic(user, password)}, (password, basic(user, password).removeprefix("Basic "))
    return {}, ()


def basic(user: str, password: str) -> str:
    return "Basic " + base64.b64encode(f"{user}:{password}".encode()).decode()


def _custom(data: Mapping[str, Any], allowed: tuple[str, ...] | None) -> HttpAuth:
    found = types.custom(data)
    headers = _sound({name.lower(): str(value) for name, value in found["headers"].items()})
    query = tuple((name, str(value)) for name, value in found["qs"].items())
    return HttpAuth(
        headers=headers,
        query=query,
        body=found["body"],
        domains=allowed,
        secrets=forms(*headers.values(), *(value for _, value in query), *_texts(found["body"])),
    )


def _sound(headers: Mapping[str, str]) -> dict[str, str]:
    """InvalidRequest for what is no header: the client's own complaint would show it."""
    if not all(types.is_header(name, value) for name, value in headers.items()):
        raise InvalidRequest("The credential makes no HTTP header: look for spaces and line breaks in it.")
    return dict(headers)


def _domains(data: Mapping[str, Any]) -> tuple[str, ...] | None:
    """n8n's `allowedHttpRequestDomains`: all, none, or domains."""
    how = data.get("allowedHttpRequestDomains", "all")
    if how == "none":
        return ()
    if how != "domains":
        return None
    return tuple(each.strip().lower() for each in str(data.get("allowedDomains") or "").split(",") if each.strip())


def text(data: Mapping[str, Any], name: str) -> str:
    """InvalidRequest where it is not set."""
    found = data.get(name)
    if found in (None, "") or isinstance(found, dict):
        raise InvalidRequest(f"The credential has no `{name}`. Enter it: `hive credential update`.")
    return str(found)


def _texts(value: Any) -> list[str]:
    if isinstance(value, Mapping):
        return [found for inner in value.values() for found in _texts(inner)]
    if isinstance(value, list):
        return [found for inner in value for found in _texts(inner)]
    return [value] if isinstance(value, str) else []


def forms(*secrets: str) -> tuple[str, ...]:
    """How each may stand in an address, in JSON, or in an error; the longest first, so that none leaves a part of another."""
    found = {
        form
        for secret in secrets
        for form in (secret, quote(secret, safe=""), quote(secret), quote_plus(secret), json.dumps(secret)[1:-1])
        if form
    }
    return tuple(sorted(found, key=len, reverse=True))


def cleared(value: Any, secrets: Iterable[str]) -> Any:
    """A JSON value without what the other side, or an error, repeats of them."""
    long = [secret for secret in secrets if len(secret) >= _SHORT]
    return _cleared(value, long) if long else value


def _cleared(value: Any, secrets: list[str]) -> Any:
    if isinstance(value, str):
        for secret in secrets:
            value = value.replace(secret, BLANK)
        return value
    if isinstance(value, Mapping):
        return {_cleared(name, secrets): _cleared(inner, secrets) for name, inner in value.items()}
    if isinstance(value, list | tuple):
        return [_cleared(inner, secrets) for inner in value]
    return value


def cleared_bytes(content: bytes, secrets: Iterable[str]) -> bytes:
    for secret in secrets:
        if len(secret) >= _SHORT:
            content = content.replace(secret.encode(), BLANK.encode())
    return content


def with_query(url: str, pairs: Iterable[tuple[str, str]]) -> str:
    added = urlencode(list(pairs), quote_via=quote)
    if not added:
        return url
    address, mark, fragment = url.partition("#")
    return f"{address}{'&' if '?' in address else '?'}{added}{mark}{fragment}"


def with_body(content: bytes, more: Mapping[str, Any]) -> bytes:
    """`more` beside what a JSON body has. RequestRefused for a body that is no JSON object."""
    if not more:
        return content
    try:
        found = json.loads(content) if content else {}
    except ValueError:
        found = None
    if not isinstance(found, dict):
        raise RequestRefused("The credential adds fields to a JSON body, and the request has another.")
    return json.dumps({**found, **more}).encode()


def refusal(error: HiveError, auth: HttpAuth | None) -> str:
    return str(cleared(error.message, auth.secrets if auth is not None else ()))
