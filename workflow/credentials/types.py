"""Which fields credentials of a type have, by n8n's names, and what is refused of them. Pure.

Types that are not listed are kept too: an HTTP Request that names one uses it as `httpCustomAuth`, where it has that type's `json`.
"""

import hashlib
import json
from collections.abc import Mapping, Sequence
from typing import Any, Final
from urllib.parse import urlsplit

from bus.errors import InvalidRequest

REQUIRED: Final[Mapping[str, tuple[str, ...]]] = {
    "httpBasicAuth": ("user", "password"),
    "httpDigestAuth": ("user", "password"),
    "httpHeaderAuth": ("name", "value"),
    "httpQueryAuth": ("name", "value"),
    "httpBearerAuth": ("token",),
    "httpCustomAuth": ("json",),
    "jwtAuth": (),
    "postgres": ("host", "database", "user"),
    "redis": ("host",),
    "smtp": ("host",),
}

BEARER: Final[Mapping[str, str]] = {
    "httpBearerAuth": "token",
    "airtableTokenApi": "accessToken",
    "cloudflareApi": "apiToken",
    "cohereApi": "apiKey",
    "deepSeekApi": "apiKey",
    "githubApi": "accessToken",
    "groqApi": "apiKey",
    "hubspotAppToken": "appToken",
    "huggingFaceApi": "apiKey",
    "mistralCloudApi": "apiKey",
    "notionApi": "apiKey",
    "openAiApi": "apiKey",
    "openRouterApi": "apiKey",
    "sendGridApi": "apiKey",
    "slackApi": "accessToken",
    "stripeApi": "secretKey",
    "todoistApi": "apiKey",
    "xAiApi": "apiKey",
}
"""Services that take a token as `Authorization: Bearer`, and the field that has it."""
HEADER: Final[Mapping[str, tuple[str, str, str]]] = {
    "anthropicApi": ("x-api-key", "", "apiKey"),
    "clickUpApi": ("authorization", "", "accessToken"),
    "discordBotApi": ("authorization", "Bot ", "botToken"),
    "gitlabApi": ("private-token", "", "accessToken"),
    "googlePalmApi": ("x-goog-api-key", "", "apiKey"),
    "qdrantApi": ("api-key", "", "apiKey"),
}
"""Services with a header of their own: its name, what stands before the secret, and the field."""
BASIC: Final[Mapping[str, tuple[str, str]]] = {
    "httpBasicAuth": ("user", "password"),
    "jiraSoftwareCloudApi": ("email", "apiToken"),
    "twilioApi": ("accountSid", "authToken"),
    "wordpressApi": ("username", "password"),
}
QUERY: Final[Mapping[str, tuple[str, str]]] = {"pipedriveApi": ("api_token", "apiToken")}
OTHERS: Final[Mapping[str, Mapping[str, str]]] = {
    "notionApi": {"notion-version": "2022-06-28"},
    "anthropicApi": {"anthropic-version": "2023-06-01"},
}
"""Headers that a service wants beside the secret, where the node does not set them."""

GENERIC: Final = frozenset(
    (
        "httpBasicAuth",
        "httpBearerAuth",
        "httpCustomAuth",
        "httpDigestAuth",
        "httpHeaderAuth",
        "httpQueryAuth",
        "oAuth1Api",
        "oAuth2Api",
    )
)
"""Types of no service: whoever may use one says where it is sent, so that its owner's `allowedDomains` hold wherever it is used."""

GRANTS: Final = ("authorizationCode", "pkce", "clientCredentials")
ADDRESSES_1: Final = ("requestTokenUrl", "authUrl", "accessTokenUrl")
"""Of a provider of OAuth 1, for a credential that a person connects."""
_CONNECTION: Final = ("grantType", "accessTokenUrl", "authUrl", "clientId", "requestTokenUrl", "consumerKey", "oauthTokenData")
SIGNATURES: Final = ("HMAC-SHA1", "HMAC-SHA256", "HMAC-SHA512")

_UNUSABLE: Final = {
    "httpSslAuth": "Hive sends no client certificates.",
    "httpMultipleHeadersAuth": "Hive sends one header to an MCP server: choose `headerAuth` or `bearerAuth`.",
    "mcpOAuth2Api": "Hive does not log in to MCP servers by OAuth: choose `bearerAuth` with a token that you have.",
}


def connection(data: Mapping[str, Any]) -> str:
    """What tokens are for. With another one they go, so that they are sent to nobody who did not give them."""
    return hashlib.sha256(json.dumps([data.get(name) for name in _CONNECTION], sort_keys=True).encode()).hexdigest()


def unusable(kind: str) -> str | None:
    """Why no node of Hive can use a type, where that is known."""
    return _UNUSABLE.get(kind)


def check(kind: str, data: Mapping[str, Any], more: Sequence[str] = ()) -> None:
    """InvalidRequest for data that no node could use. No message of it has a value in it. `more`: fields that an installed package requires."""
    if is_oauth2(kind):
        _check_grant(data)
    for name in dict.fromkeys([*_required(kind, data), *more]):
        if data.get(name) in (None, ""):
            raise InvalidRequest(f"A credential of type {kind} needs `data.{name}`.")
    for name, value in data.items():
        if not isinstance(value, str | int | float | bool | dict | None):
            raise InvalidRequest(f"`data.{name}` is a list; a credential has texts, numbers and booleans.")
    if kind == "httpHeaderAuth" and not is_header(str(data["name"]), str(data["value"])):
        raise InvalidRequest("`data.name` and `data.value` make no HTTP header: look for spaces and line breaks.")
    if kind == "httpCustomAuth":
        custom(data)
    if is_oauth1(kind):
        _check_oauth1(data)
    if is_oauth2(kind):
        _check_oauth2(data)


def is_oauth2(kind: str) -> bool:
    """Also a service's own type, such as googleSheetsOAuth2Api: it is used as oAuth2Api by the same fields."""
    return (kind.endswith("OAuth2Api") or kind in ("oAuth2Api", "gmailOAuth2")) and kind not in _UNUSABLE


def is_oauth1(kind: str) -> bool:
    """Also a service's own type, such as twitterOAuth1Api."""
    return kind.endswith("OAuth1Api") or kind == "oAuth1Api"


def has_no_addresses(kind: str) -> bool:
    """Whether n8n knows by heart what a person must tell Hive: a service's own type of OAuth."""
    return (is_oauth2(kind) and kind != "oAuth2Api") or (is_oauth1(kind) and kind != "oAuth1Api")


def grant_of(kind: str, data: Mapping[str, Any]) -> str:
    """n8n leaves out of a service's own type what is the same for all: they are all connected by a person."""
    return str(data.get("grantType") or ("clientCredentials" if kind == "oAuth2Api" else "authorizationCode"))


def has_token(data: Mapping[str, Any]) -> bool:
    """Whether it has an access token that somebody entered."""
    token = data.get("oauthTokenData")
    return isinstance(token, Mapping) and bool(token.get("access_token"))


def _check_grant(data: Mapping[str, Any]) -> None:
    """First: what else a credential needs depends on it."""
    if data.get("grantType") not in (None, "", *GRANTS):
        raise InvalidRequest(
            f"`data.grantType` is one of {', '.join(GRANTS)}. For a token that you have, make an httpBearerAuth."
        )


def _check_oauth2(data: Mapping[str, Any]) -> None:
    if data.get("authentication") not in (None, "", "header", "body"):
        raise InvalidRequest("`data.authentication` is header or body.")
    if data.get("authUrl") not in (None, "") and not is_url(data["authUrl"]):
        raise InvalidRequest("`data.authUrl` is no address: it begins with https:// or http://, and has no spaces.")
    body = data.get("additionalBodyProperties")
    try:
        sound = body in (None, "") or isinstance(json.loads(body) if isinstance(body, str) else body, dict)
    except ValueError:
        sound = False
    if not sound:
        raise InvalidRequest("`data.additionalBodyProperties` is no JSON object.")


def is_url(given: Any) -> bool:
    """Of the web: a browser is sent there, so that `javascript:` must not be one."""
    try:
        parts = urlsplit(given) if isinstance(given, str) else None
    except ValueError:
        return False
    return parts is not None and parts.scheme in ("http", "https") and bool(parts.hostname) and not set(given) & set(" \r\n\t")


def _check_oauth1(data: Mapping[str, Any]) -> None:
    if data.get("signatureMethod", "HMAC-SHA1") not in SIGNATURES:
        raise InvalidRequest(f"`data.signatureMethod` is one of {', '.join(SIGNATURES)}.")
    token = data.get("oauthTokenData")
    if token and (not isinstance(token, dict) or not all(token.get(name) for name in ("oauth_token", "oauth_token_secret"))):
        raise InvalidRequest("`data.oauthTokenData` has `oauth_token` and `oauth_token_secret`, as the provider gave them.")
    for name in ADDRESSES_1:
        if data.get(name) not in (None, "") and not is_url(data[name]):
            raise InvalidRequest(f"`data.{name}` is no address: it begins with https:// or http://, and has no spaces.")


def _required(kind: str, data: Mapping[str, Any]) -> tuple[str, ...]:
    if kind == "jwtAuth":
        return ("secret",) if data.get("keyType", "passphrase") == "passphrase" else ("publicKey",)
    if is_oauth1(kind):
        return ("consumerKey", "consumerSecret", *(() if data.get("oauthTokenData") else ADDRESSES_1))
    if is_oauth2(kind):
        if kind != "oAuth2Api" and has_token(data):
            return ()  # for a node of a package
        by_person = grant_of(kind, data) != "clientCredentials"
        public = ("authUrl", "accessTokenUrl", "clientId")
        return public if grant_of(kind, data) == "pkce" else (*public[not by_person :], "clientSecret")
    if kind in BASIC:
        return BASIC[kind]
    if kind in BEARER:
        return (BEARER[kind],)
    if kind in HEADER:
        return (HEADER[kind][2],)
    return (QUERY[kind][1],) if kind in QUERY else REQUIRED.get(kind, ())


def is_header(name: str, value: str) -> bool:
    token = bool(name) and all(letter.isascii() and (letter.isalnum() or letter in "!#$%&'*+-.^_`|~") for letter in name)
    return token and value == value.strip() and all(letter == "\t" or letter >= " " for letter in value) and "\x7f" not in value


def custom(data: Mapping[str, Any]) -> Mapping[str, Mapping[str, Any]]:
    """`headers`, `qs` and `body` of an httpCustomAuth. InvalidRequest."""
    given = data.get("json")
    try:
        found = json.loads(given) if isinstance(given, str) else given
    except ValueError:
        raise InvalidRequest("`data.json` is not valid JSON.") from None
    parts = ("headers", "qs", "body")
    if not isinstance(found, dict) or not set(found) <= set(parts) or not all(isinstance(v, dict) for v in found.values()):
        raise InvalidRequest('`data.json` has the form {"headers": {…}, "qs": {…}, "body": {…}}, each part where it is needed.')
    if not all(is_header(name, str(value)) for name, value in found.get("headers", {}).items()):
        raise InvalidRequest("`data.json` names a header that is none: look for spaces and line breaks.")
    return {part: found.get(part, {}) for part in parts}
