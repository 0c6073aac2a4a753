"""How a task quotes what others answered: `{{output:<id>}}` in its prompt or messages stands for the text of a task that it depends on. Pure.

What names no dependency stays as it is written: it may be the text that a model is asked about.
"""

import re
from collections.abc import Iterator, Mapping
from typing import Any, Final
from uuid import UUID

from bus.messages import TaskRequest

MARK: Final = "{{output:"
_QUOTE: Final = re.compile(r"\{\{output:([0-9a-fA-F]{8}(?:-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12})\}\}")


def quote(task_id: UUID) -> str:
    return f"{MARK}{task_id}}}}}"


def quoted(request: TaskRequest) -> frozenset[UUID]:
    """The dependencies whose output it wants."""
    if not request.depends_on:
        return frozenset()
    return frozenset(UUID(found) for text in _texts(request) for found in _QUOTE.findall(text)) & {*request.depends_on}


def filled(request: TaskRequest, outputs: Mapping[UUID, str]) -> TaskRequest:
    """With each quote of these replaced. What an output says is not looked at again."""

    def output(found: re.Match[str]) -> str:
        return outputs.get(UUID(found[1]), found[0])

    changes: dict[str, Any] = {
        name: _QUOTE.sub(output, text) for name in ("prompt", "system") if (text := getattr(request, name)) is not None
    }
    if request.messages is not None:
        changes["messages"] = tuple(
            message.model_copy(update={"content": _QUOTE.sub(output, message.content)}) for message in request.messages
        )
    return request.model_copy(update=changes)


def grows_by(request: TaskRequest, outputs: Mapping[UUID, str]) -> int:
    """Characters of outputs that `filled` writes into it."""
    length = {str(task_id): len(text) for task_id, text in outputs.items()}
    return sum(length.get(found[1].lower(), 0) for text in _texts(request) for found in _QUOTE.finditer(text))


def _texts(request: TaskRequest) -> Iterator[str]:
    yield request.prompt or ""
    yield request.system or ""
    yield from (message.content for message in request.messages or ())
