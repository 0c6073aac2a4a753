"""What an agent may use up in one run of its node, all items together: time, and tokens. Steps are counted for each item, by the agent itself.

A node may be run again from the start with the replies that were stored, so time is a moment that follows from when the run began, and whoever
carries an effect out looks at the clock. Pure.
"""

from collections.abc import Mapping
from datetime import UTC, datetime
from math import ceil, inf
from typing import Any, Final

from bus.errors import TaskTimeout
from workflow.core.failure import Failure, NodeError
from workflow.expressions.parameters import Parameters
from workflow.nodes.values import number_of

_LONGEST_SECONDS: Final = 366 * 86_400


class Budget:
    """`seconds`, `tokens`: None is without a limit. `began_ms`: the node's run (Unix milliseconds)."""

    def __init__(self, began_ms: int = 0, seconds: float | None = None, tokens: int | None = None) -> None:
        self._seconds, self._tokens = seconds, tokens
        self.until_ms = began_ms + int(seconds * 1000) if seconds is not None else None
        self._used = 0

    def require(self) -> None:
        """NodeError where the tokens are used up."""
        if self._tokens is not None and self._used >= self._tokens:
            raise NodeError(
                f"The agent used up its tokens: {self._used} of the {self._tokens} that it may (option maxTokens)",
                description="Raise maxTokens, give it fewer tools or a shorter task, or take a model that needs fewer steps.",
            )

    def bound(self, request: dict[str, Any]) -> None:
        """A task's request is to end in time, and to write no more than there is left."""
        if self.until_ms is not None:
            request["deadline"] = datetime.fromtimestamp(self.until_ms / 1000, UTC).isoformat()
        if self._tokens is not None:
            left, wished = self._tokens - self._used, request["options"].get("num_predict")
            request["options"]["num_predict"] = left if wished is None or wished < 0 else min(left, wished)

    def spend(self, record: Mapping[str, Any]) -> None:
        """What an ended task read and wrote."""
        usage = record.get("usage") or {}
        self._used += int(usage.get("prompt_tokens", 0)) + int(usage.get("completion_tokens", 0))

    def require_time(self, failure: Failure | None) -> None:
        """NodeError where a task failed since there was no time left."""
        if self._seconds is not None and failure is not None and failure.code == TaskTimeout.code:
            raise NodeError(
                f"The agent's time is up: it may take {self._seconds:g} s (option maxSeconds)",
                description="Raise maxSeconds, or take a faster model. What its tools did until then stays done.",
            )


UNBOUNDED: Final = Budget()


def budget_of(began_ms: int, parameters: Parameters) -> Budget:
    """By the options `maxSeconds` and `maxTokens`, which are Hive's own; 0, or left out, is without a limit. NodeError for what is no number."""
    seconds, tokens = (_limit(parameters, name) for name in ("maxSeconds", "maxTokens"))
    return Budget(began_ms, min(seconds, _LONGEST_SECONDS) if seconds else None, ceil(tokens) if tokens else None)


def _limit(parameters: Parameters, name: str) -> float | None:
    given = parameters.get(f"options.{name}", 0)
    number = number_of(given)
    if number is None or not 0 <= number < inf:
        raise NodeError(f"The option {name} must be a number, and not {given!r}")
    return float(number)
