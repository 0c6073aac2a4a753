"""Which fields credentials of a type have, by n8n's names, and what is refused of them. Pure.

Types that are not listed are kept too: an HTTP Request that names one uses it as `httpCustomAuth`, where it has that type's `json`.
"""

import json
from collections.abc import Mapping, Sequence
from typing import Any, Final

from bus.errors import InvalidRequest

REQUIRED: Final[Mapping[str, tuple[str, ...]]] = {
    "httpBasicAuth": ("user", "password"),
    "httpDigestAuth": ("user", "password"),
    "httpHeaderAuth": ("name", "value"),
    "httpQueryAuth": ("name", "value"),
    "httpBearerAuth": ("token",),
    "httpCustomAuth": ("json",),
    "oAuth2Api": ("accessTokenUrl", "clientId", "clientSecret"),
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

_UNUSABLE: Final = {
    "oAuth1Api": "Hive does not sign requests by OAuth 1.",
    "httpSslAuth": "Hive sends no client certificates.",
    "httpMultipleHeadersAuth": "Hive sends one header to an MCP server: choose `headerAuth` or `bearerAuth`.",
    "mcpOAuth2Api": "Hive does not log in to MCP servers by OAuth: choose `bearerAuth` with a token that you have.",
}


def unusable(kind: str) -> str | None:
    """Why no node of Hive can use a type, where that is known."""
    return _UNUSABLE.get(kind)


def check(kind: str, data: Mapping[str, Any], more: Sequence[str] = ()) -> None:
    """InvalidRequest for data that no node could use. No message of it has a value in it. `more`: fields that an installed package requires."""
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
    if kind == "oAuth2Api" and data.get("grantType", "clientCredentials") != "clientCredentials":
        raise InvalidRequest(
            "Hive gets tokens of OAuth 2 by `grantType: clientCredentials` alone. For a token that you have, make an httpBearerAuth."
        )


def _required(kind: str, data: Mapping[str, Any]) -> tuple[str, ...]:
    if kind == "jwtAuth":
        return ("secret",) if data.get("keyType", "passphrase") == "passphrase" else ("publicKey",)
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
