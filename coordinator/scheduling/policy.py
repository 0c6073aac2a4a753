"""What a hive's owner may say about who goes first, as the pure modules take it."""

from collections.abc import Mapping
from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True, kw_only=True)
class Policy:
    ageing_seconds: float = 60.0
    """A task that has waited so long counts as one priority higher."""
    grouping_seconds: float = 5.0
    """So long may a task that needs another model be passed over by those whose model is warm."""
    patience_seconds: float = 30.0
    """So long may a task be kept for a busy agent that is predicted to finish it sooner than a free one."""
    affinity_seconds: float = 5.0
    """So long, at most, is the next part of a conversation kept for the host that had the last one."""
    breaker_failures: int = 3
    """So many tasks in a row that fail with a model on an agent hold it back there."""
    breaker_seconds: float = 10.0
    """For so long at first, and for twice as long each time it fails again."""
    weights: Mapping[str, float] = field(default_factory=dict)
    """Of owners; those who are not named have 1."""
