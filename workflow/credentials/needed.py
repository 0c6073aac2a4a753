"""Which credentials a node needs, and which it names. Pure: what they hold is known to workflow/credentials/lending.py alone."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Final

from workflow.core.failure import NodeError
from workflow.credentials.types import ADDRESSES_1, has_no_addresses, is_oauth1, unusable
from workflow.n8n.document import Node, Problem

ASKED_OF_CALLERS: Final[Mapping[str, str]] = {
    "basicAuth": "httpBasicAuth",
    "headerAuth": "httpHeaderAuth",
    "jwtAuth": "jwtAuth",
}
"""What a webhook may ask its callers for, and the type of credential that it is compared with."""
_CALLED: Final = frozenset({"webhook", "formTrigger", "chatTrigger", "wait"})
"""Nodes whose `authentication` is about who calls them."""
OLDER: Final[Mapping[str, str]] = {
    "basicAuth": "httpBasicAuth",
    "digestAuth": "httpDigestAuth",
    "headerAuth": "httpHeaderAuth",
    "queryAuth": "httpQueryAuth",
    "oAuth1": "oAuth1Api",
    "oAuth2": "oAuth2Api",
}
"""Words of HTTP Request before version 3."""
_MCP: Final[Mapping[str, str]] = {
    "bearerAuth": "httpBearerAuth",
    "headerAuth": "httpHeaderAuth",
    "multipleHeadersAuth": "httpMultipleHeadersAuth",
}
_ALWAYS: Final[Mapping[str, str]] = {"postgres": "postgres", "redis": "redis", "emailSend": "smtp"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Reference:
    """A credential as a node names it: by an id of Hive's or of n8n's, and by its name."""

    type: str
    id: str | None = None
    name: str | None = None

    def __str__(self) -> str:
        return repr(self.name or self.id or "")


def references(given: Mapping[str, Any]) -> list[Reference]:
    """As documents have them: `{"httpHeaderAuth": {"id": …, "name": …}}`, in old ones a name alone."""
    return [_reference(kind, each) for kind, each in given.items()]


def _reference(kind: str, given: Any) -> Reference:
    if isinstance(given, Mapping):
        return Reference(type=kind, id=_word(given.get("id")), name=_word(given.get("name")))
    return Reference(type=kind, name=_word(given))


def _word(given: Any) -> str | None:
    """PostgreSQL holds no NUL, and nobody's name has one."""
    return str(given).replace("\x00", "") if isinstance(given, str | int) and given != "" else None


def chosen(node: Node, kind: str) -> dict[str, Any]:
    """What an effect says of the credential that its node names; NodeError where it names none."""
    found = node.credentials.get(kind)
    if found is None:
        raise NodeError(
            f"Node does not have any credentials set for {kind!r}", description="Choose the credentials in the node"
        )
    return {kind: dict(found) if isinstance(found, Mapping) else found}


def problem(node: Node) -> Problem | None:
    """Of a node that would fail, or be refused, for a credential that its parameters choose."""
    for kind in needed(node):
        if node.short_type in _CALLED and kind not in ASKED_OF_CALLERS.values():
            return _problem(
                node, f"{node.name!r} asks its callers for {kind}, which Hive cannot check; it cannot be activated."
            )
        if (why := unusable(kind)) is not None:
            return _problem(node, f"{node.name!r} needs a credential of type {kind}. {why}")
        if kind not in node.credentials:
            what = "it cannot be activated" if node.short_type in _CALLED else "it fails when it is reached"
            return _problem(node, f"{node.name!r} needs a credential of type {kind} and names none; {what}.")
    return None


def addresses(node: Node) -> Iterable[Problem]:
    """For credentials of a service's own type of OAuth, chosen or set: what n8n knows of the service and Hive does not."""
    for kind in dict.fromkeys([*needed(node), *node.credentials]):
        if not has_no_addresses(kind):
            continue
        names = ADDRESSES_1 if is_oauth1(kind) else ("authUrl", "accessTokenUrl", "scope")
        yield Problem(
            code="credential_addresses",
            message=f"{node.name!r} uses a credential of type {kind}, whose service Hive does not know: give it "
            f"{', '.join(f'`{each}`' for each in names)} as the service documents them, and connect it (`hive credential connect`).",
            node=node.name,
        )


def _problem(node: Node, message: str) -> Problem:
    return Problem(code="no_credentials", message=message, node=node.name)


def needed(node: Node) -> tuple[str, ...]:
    """Types of credentials, by the parameters alone: one that is set but not chosen is not used."""
    given: Mapping[str, Any] = node.parameters
    kind = node.short_type.removesuffix("Tool")  # a node that an agent uses as a tool
    if kind in _ALWAYS:
        return (_ALWAYS[kind],)
    if kind == "jwt":
        return () if given.get("operation", "sign") == "decode" else ("jwtAuth",)
    if kind == "chatTrigger" and given.get("public") is not True:
        return ()  # nobody calls it
    if kind in _CALLED:
        asked = asked_of_callers(node)
        return () if asked is None else (ASKED_OF_CALLERS.get(asked, asked),)
    if kind == "mcpClient":
        how = str(given.get("authentication", "none"))
        return () if how == "none" else (_MCP.get(how, how),)
    return tuple(_of_request(given)) if kind in ("httpRequest", "toolHttpRequest") else ()


def _of_request(given: Mapping[str, Any]) -> Iterable[str]:
    how = given.get("authentication", "none")
    if how in ("none", None, ""):
        return
    field = {"predefinedCredentialType": "nodeCredentialType", "genericCredentialType": "genericAuthType"}.get(str(how))
    found = str(given.get(field, how)) if field else OLDER.get(str(how), str(how))
    if not found.startswith("="):  # an expression is known only when it runs
        yield found


def asked_of_callers(node: Node) -> str | None:
    """`basicAuth`, `headerAuth`, `jwtAuth`, or what else the node asks of who calls it."""
    found = node.parameters.get("incomingAuthentication", "none")
    if found in ("none", None, ""):
        found = node.parameters.get("authentication", "none")
    return None if found in ("none", None, "") else str(found)
