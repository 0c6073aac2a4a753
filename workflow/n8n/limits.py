"""How large and deep a workflow may be: more than any real one, less than what would hold up an engine."""

from collections.abc import Mapping
from typing import Any, Final

from bus.errors import WorkflowTooLarge

MAX_BYTES: Final = 16 * 1024 * 1024
MAX_DEPTH: Final = 100
MAX_NODES: Final = 5_000


def check_size(text: str | bytes) -> None:
    """Raises `workflow_too_large` for a text over `MAX_BYTES`."""
    if len(text) > MAX_BYTES:
        raise WorkflowTooLarge(
            f"The workflow has {len(text):,} bytes; one may have {MAX_BYTES:,}. Pinned data is often the reason."
        )


def check_depth(value: object) -> None:
    """Raises `workflow_too_large` where lists and objects nest deeper than `MAX_DEPTH`. Without recursion, so that depth costs no stack."""
    level: list[Any] = [value]
    for _ in range(MAX_DEPTH):
        level = [inner for outer in level for inner in _children(outer)]
        if not level:
            return
    raise WorkflowTooLarge(f"The workflow nests deeper than {MAX_DEPTH} levels.")


def _children(value: object) -> list[Any]:
    if isinstance(value, Mapping):
        inner: Any = value.values()
    elif isinstance(value, list):
        inner = value
    else:
        return []
    return [child for child in inner if isinstance(child, dict | list)]
