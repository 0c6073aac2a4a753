"""Which credentials a node of a draft wants, and the fields that a form asks for a new one, as n8n's documentation names them. Pure.

The engine says only of what is saved which credentials it lacks, and never what one holds: this is the dashboard's own.
"""

from collections.abc import Mapping
from typing import Any, Final

from bus.messages import Message


class Part(Message):
    """One field of a credential. `secret`: not shown while it is typed."""

    name: str
    label: str
    secret: bool = False
    number: bool = False
    default: str | int | None = None


def _part(name: str, label: str, default: str | int | None = None) -> Part:
    return Part(name=name, label=label, default=default, number=isinstance(default, int))


def _secret(name: str, label: str) -> Part:
    return Part(name=name, label=label, secret=True)


_KEY: Final = (_secret("apiKey", "API key"),)
_TOKEN: Final = (_secret("accessToken", "Access token"),)
_PASSWORD: Final = (_part("user", "User"), _secret("password", "Password"))
_CLIENT: Final = (_part("clientId", "Client ID"), _secret("clientSecret", "Client secret"))

PARTS: Final[Mapping[str, tuple[Part, ...]]] = {
    "httpBasicAuth": _PASSWORD,
    "httpDigestAuth": _PASSWORD,
    "httpHeaderAuth": (_part("name", "Header"), _secret("value", "Value")),
    "httpQueryAuth": (_part("name", "Name in the query"), _secret("value", "Value")),
    "httpBearerAuth": (_secret("token", "Token"),),
    "jwtAuth": (_secret("secret", "Secret"),),
    "postgres": (
        _part("host", "Host"),
        _part("port", "Port", 5432),
        _part("database", "Database"),
        *_PASSWORD,
    ),
    "redis": (_part("host", "Host"), _part("port", "Port", 6379), _secret("password", "Password")),
    "smtp": (_part("host", "Host"), _part("port", "Port", 465), *_PASSWORD),
    "oAuth2Api": (
        _part("grantType", "Grant (authorizationCode, pkce or clientCredentials)", "authorizationCode"),
        _part("authUrl", "Authorization URL"),
        _part("accessTokenUrl", "Access token URL"),
        *_CLIENT,
        _part("scope", "Scope"),
    ),
    **dict.fromkeys(
        (
            "anthropicApi",
            "cohereApi",
            "deepSeekApi",
            "googlePalmApi",
            "groqApi",
            "huggingFaceApi",
            "mistralCloudApi",
            "notionApi",
            "openAiApi",
            "openRouterApi",
            "qdrantApi",
            "sendGridApi",
            "xAiApi",
            "todoistApi",
        ),
        _KEY,
    ),
    **dict.fromkeys(("airtableTokenApi", "clickUpApi", "githubApi", "gitlabApi", "slackApi"), _TOKEN),
}
"""Types that are not here are written as JSON."""

_CALLERS: Final = {"basicAuth": "httpBasicAuth", "headerAuth": "httpHeaderAuth", "jwtAuth": "jwtAuth"}
_CALLED: Final = ("webhook", "formTrigger", "chatTrigger", "wait")
_ALWAYS: Final = {"postgres": "postgres", "redis": "redis", "emailSend": "smtp"}
_OLDER: Final = {
    "basicAuth": "httpBasicAuth",
    "digestAuth": "httpDigestAuth",
    "headerAuth": "httpHeaderAuth",
    "queryAuth": "httpQueryAuth",
    "oAuth1": "oAuth1Api",
    "oAuth2": "oAuth2Api",
}
_MCP: Final = {"bearerAuth": "httpBearerAuth", "headerAuth": "httpHeaderAuth", "multipleHeadersAuth": "httpMultipleHeadersAuth"}


def wanted(node: Mapping[str, Any]) -> tuple[str, ...]:
    """Types of credentials that its parameters choose, then those that it names already."""
    given = node.get("credentials")
    return tuple(dict.fromkeys((*_chosen(node), *(given if isinstance(given, Mapping) else ()))))


def _chosen(node: Mapping[str, Any]) -> tuple[str, ...]:
    given = node.get("parameters")
    parameters: Mapping[str, Any] = given if isinstance(given, Mapping) else {}
    kind = str(node.get("type", "")).rpartition(".")[2].removesuffix("Tool")
    if kind in _ALWAYS:
        return (_ALWAYS[kind],)
    if kind == "jwt":
        return () if parameters.get("operation", "sign") == "decode" else ("jwtAuth",)
    if kind in _CALLED:
        return _of_callers(kind, parameters)
    if kind == "mcpClient":
        how = str(parameters.get("authentication", "none"))
        return () if how == "none" else (_MCP.get(how, how),)
    return _of_request(parameters) if kind in ("httpRequest", "toolHttpRequest") else ()


def _of_callers(kind: str, parameters: Mapping[str, Any]) -> tuple[str, ...]:
    asked = parameters.get("incomingAuthentication", "none")
    if asked in ("none", None, ""):
        asked = parameters.get("authentication", "none")
    if asked in ("none", None, "") or (kind == "chatTrigger" and parameters.get("public") is not True):
        return ()
    return (_CALLERS.get(str(asked), str(asked)),)


def _of_request(parameters: Mapping[str, Any]) -> tuple[str, ...]:
    how = parameters.get("authentication", "none")
    if how in ("none", None, ""):
        return ()
    field = {"predefinedCredentialType": "nodeCredentialType", "genericCredentialType": "genericAuthType"}.get(str(how))
    found = str(parameters.get(field, "")) if field else _OLDER.get(str(how), str(how))
    return () if not found or found.startswith("=") else (found,)
