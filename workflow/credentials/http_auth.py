"""What a credential adds to a request, and how what comes back is cleared of it. Pure."""

import base64
import json
import re
from collections.abc import Iterable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from fnmatch import fnmatchcase
from typing import Any, Final
from urllib.parse import quote, quote_plus, urlencode

from bus.errors import InvalidRequest, RequestRefused
from workflow.credentials import types

BLANK: Final = "**********"
_SHORT: Final = 6
"""A secret that is shorter is left where the other side repeats it: taken out, it would take with it what is none."""


_PERCENT: Final = re.compile("%[0-9A-F]{2}")
_HTML: Final = {ord(sign): f"\\u{ord(sign):04x}" for sign in "<>&"}
_ENCODINGS: Final = ("utf-8", "latin-1", "utf-16-le", "utf-16-be")


@dataclass(frozen=True, slots=True, kw_only=True)
class HttpAuth:
    """`domains`: hosts that alone may get it, with `*` for any part; None: all. `secrets`: as they may come back."""

    headers: Mapping[str, str] = field(default_factory=dict, repr=False)
    query: tuple[tuple[str, str], ...] = field(default=(), repr=False)
    body: Mapping[str, Any] = field(default_factory=dict, repr=False)
    digest: tuple[str, str] | None = field(default=None, repr=False)
    domains: tuple[str, ...] | None = None
    secrets: tuple[str, ...] = field(default=(), repr=False)

    def require_way(self, *, proxied: bool, verified: bool) -> None:
        """RequestRefused where something between could be other than the host that the owner allows."""
        if self.domains is not None and (proxied or not verified):
            raise RequestRefused(
                "The credential is for certain hosts alone (`allowedHttpRequestDomains`), so it goes through no proxy and to no host "
                "whose certificate is not checked. Turn off the node's `proxy` and `allowUnauthorizedCerts`."
            )

    def require_host(self, host: str) -> None:
        """RequestRefused for a host that the credential's owner does not allow."""
        if self.domains is not None and not any(fnmatchcase(host.lower(), domain) for domain in self.domains):
            raise RequestRefused(
                f"The credential is not for {host}. Its owner may add the host to its `allowedDomains`."
                if self.domains
                else "The credential may not be used by HTTP requests (`allowedHttpRequestDomains` is none)."
            )


def auth_of(kind: str, data: Mapping[str, Any]) -> HttpAuth:
    """InvalidRequest for a type that no request can use. OAuth is no business of this (workflow/credentials/oauth.py, workflow/credentials/oauth1.py)."""
    allowed = domains_of(data)
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


def domains_of(data: Mapping[str, Any]) -> tuple[str, ...] | None:
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
    found = {form for secret in secrets for form in (secret, *_quoted(secret), *_escaped(secret)) if form}
    return tuple(sorted(found, key=len, reverse=True))


def _quoted(secret: str) -> Iterable[str]:
    for form in (quote(secret, safe=""), quote(secret), quote_plus(secret)):
        yield form
        yield _PERCENT.sub(lambda match: match[0].lower(), form)


def _escaped(secret: str) -> Iterable[str]:
    """As JSON writers do: with and without what is not ASCII, with escaped slashes, and without signs that mean something in HTML."""
    for form in (json.dumps(secret)[1:-1], json.dumps(secret, ensure_ascii=False)[1:-1]):
        for plain in (form, form.replace("/", "\\/")):
            yield plain
            yield plain.translate(_HTML)


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


def cleared_text(text: str, secrets: Iterable[str]) -> str:
    """A body. JSON with escapes is cleared by what it says, since every sign of a secret may be escaped, and is written anew where it had one."""
    long = [secret for secret in secrets if len(secret) >= _SHORT]
    found = str(_cleared(text, long))
    if not long or "\\" not in found:
        return found
    try:
        value = json.loads(found)
    except (ValueError, RecursionError):
        return found
    clear = _cleared(value, long)
    return found if clear == value else json.dumps(clear, ensure_ascii=False)


def cleared_bytes(content: bytes, secrets: Iterable[str]) -> bytes:
    """Of what is no text."""
    for secret in secrets:
        for encoding in _ENCODINGS if len(secret) >= _SHORT else ():
            with suppress(UnicodeEncodeError):
                content = content.replace(secret.encode(encoding), BLANK.encode(encoding))
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
    return json.dumps({**found, **more}, ensure_ascii=False, separators=(",", ":")).encode()
