"""What matters about a task for where it may run. Tasks of one shape are alike to the scheduler."""

from dataclasses import dataclass, field

from bus.messages import Requirements
from coordinator.tasks import Task


@dataclass(frozen=True, slots=True)
class Shape:
    model: str | None
    capabilities: tuple[tuple[str, float], ...]
    labels: tuple[tuple[str, str], ...]
    vram_gb: float | None
    pin: str | None
    avoid: frozenset[str]
    hashed: int = field(init=False, repr=False, compare=False)
    """Made once: a shape is looked up several times a decision."""

    def __post_init__(self) -> None:
        made = hash((self.model, self.capabilities, self.labels, self.vram_gb, self.pin, self.avoid))
        object.__setattr__(self, "hashed", made)

    def __hash__(self) -> int:
        return self.hashed

    @classmethod
    def of(
        cls, model: str | None, require: Requirements, pin: str | None = None, avoid: frozenset[str] = frozenset()
    ) -> "Shape":
        capabilities, labels = tuple(sorted(require.capabilities.items())), tuple(sorted(require.labels.items()))
        return cls(model, capabilities, labels, require.vram_gb, pin, avoid)


def shape_of(task: Task) -> Shape:
    return Shape.of(task.model, task.require, task.pin, task.avoid)
