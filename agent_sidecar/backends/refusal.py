"""What a backend's error status means for the task that was sent. Pure."""

import re

from pydantic_core import from_json

from bus.errors import BackendError, BackendRefused, HiveError, ModelNotOnAgent, UnsupportedByBackend

_WRONG_OPTION = re.compile(r'option "\w+" must be of type')
"""Ollama answers 500 to this."""
_TOO_LARGE = re.compile(r"too large to process")
"""llama.cpp answers 500 to a text that it cannot make one vector of."""
_CANNOT = re.compile(r"(?:does not|doesn't) support|(?:is|are) not supported|not OAI compatible", re.IGNORECASE)
"""As Ollama says it of a model without tools or vision, llama.cpp of a server without images or vectors."""
_NOT_THE_TASKS_FAULT = {401, 403, 407, 408, 425, 429}


def refusal(status: int, body: bytes, url: str) -> HiveError:
    """BackendRefused only where another host would refuse the same."""
    answer = f"{url} answered {status}: {reason(body)}"
    if status == 404:
        return ModelNotOnAgent(f"{answer}. Pull the model there, or name one that it has.")
    if _WRONG_OPTION.search(answer):
        return BackendRefused(f"{answer}. Correct the task's options.")
    if _TOO_LARGE.search(answer):
        return BackendRefused(f"{answer}. Shorten the input.")
    if status == 501 or _CANNOT.search(answer):
        return UnsupportedByBackend(f"{answer}. Add a host whose backend can do it.")
    if status >= 500 or status < 400:
        return BackendError(f"{answer}. See the backend's log.")
    if status in _NOT_THE_TASKS_FAULT:
        return BackendError(f"{answer}. Check the key that the upstream was given, and the backend's limits.")
    return BackendRefused(f"{answer}. Correct the task's input or options.")


def reason(body: bytes) -> str:
    """The message of `{"error": "…"}` or `{"error": {"message": "…"}}`, else the body's first characters."""
    try:
        found = from_json(body)
    except ValueError:
        found = None
    if isinstance(found, dict):
        error = found.get("error", found.get("message", found.get("detail")))
        error = error.get("message") if isinstance(error, dict) else error
        if isinstance(error, str) and error:
            return said(error)
    return said(body[:200].decode(errors="replace")) or "no reason given"


def said(text: str) -> str:
    """A backend's words as they can be shown and stored: short, on one line, without what only a terminal obeys."""
    printable = "".join(character if character.isprintable() else " " for character in text[:500])
    return " ".join(printable.split()).rstrip(".")
