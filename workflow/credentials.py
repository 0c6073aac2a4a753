"""What Hive says wherever a workflow needs a credential: it keeps none yet. Pure."""

from collections.abc import Iterable, Mapping
from typing import Any, Final

from workflow.failure import Failure
from workflow.n8n.document import Node, Problem

_ASKED_OF_CALLERS: Final = frozenset({"webhook", "formTrigger", "chatTrigger", "wait"})
"""Nodes whose `authentication` is about who calls them."""


def missing(kinds: Iterable[str]) -> Failure:
    """Of an effect that would need them: it is not carried out without."""
    named = ", ".join(sorted(kinds))
    return Failure(
        message=f"Hive keeps no credentials yet: {named} cannot be used.",
        code="permission_denied",
        description="Give what the service needs in the node itself, for instance as a header, or take the credential out.",
    )


def problem(node: Node) -> Problem | None:
    """Of a node that would fail, or be refused, for a credential that its parameters choose."""
    kinds = needed(node)
    if not kinds:
        return None
    what = (
        "its callers cannot be checked, so it cannot be activated"
        if node.short_type in _ASKED_OF_CALLERS
        else "it fails when it is reached"
    )
    message = f"Hive keeps no credentials yet: {node.name!r} needs {', '.join(kinds)}; {what}."
    return Problem(code="no_credentials", message=message, node=node.name)


def needed(node: Node) -> tuple[str, ...]:
    """Kinds of credentials, by the parameters alone: one that is set but not chosen is not used."""
    given: Mapping[str, Any] = node.parameters
    if node.short_type == "jwt":
        return () if given.get("operation", "sign") == "decode" else ("jwtAuth",)
    if node.short_type not in ("httpRequest", *_ASKED_OF_CALLERS):
        return ()
    chosen = given.get("authentication", "none")
    if chosen in ("none", None, ""):
        return ()
    if chosen == "predefinedCredentialType":
        return (str(given.get("nodeCredentialType", chosen)),)
    if chosen == "genericCredentialType":
        return (str(given.get("genericAuthType", chosen)),)
    return (str(chosen),)
