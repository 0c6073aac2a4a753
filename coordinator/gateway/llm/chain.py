"""Which model of an alias answers, and whether the next one may, where that failed before anything was sent. Pure."""

from collections.abc import Collection, Mapping
from typing import Final

from bus.errors import (
    AttemptsExhausted,
    BackendError,
    BackendStalled,
    HiveError,
    ModelNotOnAgent,
    UnknownModel,
    UnsupportedByBackend,
)
from bus.messages import AttemptStatus, TaskRecord, TaskStatus
from bus.model_names import tagged

MODEL_BOUND: Final = frozenset({BackendError.code, BackendStalled.code, ModelNotOnAgent.code, UnsupportedByBackend.code})
"""What an attempt with another model may not end in. Not a lost host, nor a request that is refused wherever it is asked."""


class Chain:
    """`models` may answer, the best first; `model` is the one that is asked, at first the first that is `there` (names with tags)."""

    def __init__(self, models: tuple[str, ...], there: Collection[str]) -> None:
        self.models = models
        self.model = next((model for model in models if tagged(model) in there), models[0])
        self._asked = {self.model}

    def next(self, there: Collection[str]) -> str | None:
        """The best one that is there and was not asked yet."""
        return next((model for model in self.models if model not in self._asked and tagged(model) in there), None)

    def ask(self, model: str) -> None:
        self.model = model
        self._asked.add(model)

    def instead(self, record: TaskRecord | None, there: Collection[str]) -> str | None:
        """The next one, which need not wait, for a task that waits for a model that nobody has any more who takes work."""
        waits = record is not None and record.status is TaskStatus.QUEUED
        return self.next(there) if waits and tagged(self.model) not in there else None


def answering(tasks: Mapping[str, TaskRecord | None]) -> str | None:
    """Of what one key came to, by model in the chain's order, the one that answers: what completed, else the last that was come to, unless
    it was given up for the next or failed over its model.
    """
    found = [(model, record) for model, record in tasks.items() if record is not None and not is_model_bound(record)]
    for wanted in (TaskStatus.COMPLETED, None, TaskStatus.FAILED):
        for model, record in reversed(found):
            if record.status is wanted or (wanted is None and not record.status.terminal):
                return model
    return None


def may_go_on(error: HiveError, record: TaskRecord | None) -> bool:
    """Whether another model might do it. `record`: of the task, where there was one and it ended."""
    return isinstance(error, UnknownModel) if record is None else is_model_bound(record)


def is_model_bound(record: TaskRecord) -> bool:
    """Whether the task failed over its model, by each of its attempts."""
    if record.status is not TaskStatus.FAILED or record.error is None:
        return False
    if record.error.code != AttemptsExhausted.code:
        return record.error.code in MODEL_BOUND
    ended = [each for each in record.attempts if each.status in (AttemptStatus.FAILED, AttemptStatus.LOST)]
    return bool(ended) and all(each.error is not None and each.error.code in MODEL_BOUND for each in ended)
