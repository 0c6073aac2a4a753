"""What a dev task is about, and the parts that it is split into."""

from collections.abc import Mapping
from enum import StrEnum
from typing import Annotated, Any, Final, Self
from uuid import UUID

from pydantic import Field, StringConstraints, ValidationError

from bus.messages.base import Command, Message, Record, Slug, Text
from bus.messages.tasks import Requirements

MAX_PARTS: Final = 12
MAX_FILES: Final = 100
MAX_CHARACTERS: Final = 400_000
"""Of all files and the diff together: about 100,000 tokens, more than most models read at once. Every part has them in its prompt."""


class PartKind(StrEnum):
    CODE = "code"
    REVIEW = "review"
    TEST = "test"
    DOCS = "docs"
    OTHER = "other"


PartName = Annotated[str, StringConstraints(pattern=r"^[a-z0-9](?:[a-z0-9_-]{0,38}[a-z0-9])?$")]


class Part(Command):
    """One task of a dev task. A plan has them; whoever runs it may change, add and leave out any."""

    name: PartName = Field(description="unique in the plan, such as `review`; others depend on it by this")
    kind: PartKind = Field(description="gives the form of the answer: a diff, findings, test files, text; `other`: none")
    instructions: Text = Field(min_length=1, max_length=20_000, description="what this part is to do, beside the goal")
    depends_on: tuple[PartName, ...] = Field(
        default=(), max_length=MAX_PARTS, description="parts that come before; it is given what they answered"
    )
    require: Requirements = Field(default_factory=Requirements, description="what an agent must have to be given it")
    model: Text | None = Field(
        default=None, min_length=1, max_length=255, description="left out: one that an able agent has warm"
    )
    max_tokens: int | None = Field(default=None, ge=1, le=1_000_000, description="that it may write at most")
    notes: tuple[str, ...] = Field(default=(), description="what the plan says of it; nothing when it is run")


class SourceFile(Command):
    path: Text = Field(min_length=1, max_length=500, description="in the repository")
    content: Text


class Material(Command):
    """What there is to work on."""

    goal: Text = Field(min_length=1, max_length=10_000, description="what is to come of it, in plain words")
    files: tuple[SourceFile, ...] = Field(default=(), max_length=MAX_FILES, description="those that matter, whole")
    diff: Text | None = Field(default=None, min_length=1, description="a unified diff, as of `git diff` or `git show`")

    @property
    def characters(self) -> int:
        return len(self.diff or "") + sum(len(each.path) + len(each.content) for each in self.files)


class DevPlan(Record):
    """What a run would do. It is kept for a day, with its files and its diff, so that nobody sends those twice."""

    id: UUID = Field(description="of the dev task: for run_dev_task, get_dev_task and cancel_dev_task")
    goal: str
    parts: tuple[Part, ...]
    notes: tuple[str, ...] = Field(default=(), description="of the whole: what is missing, and what to do about it")


class StoredPlan(Message):
    """A plan as the bus keeps it, with whose it is."""

    owner: str
    tenant: Slug
    material: Material
    plan: DevPlan


class PartMark(Message):
    """In a task's metadata: which part of which dev task it is. `parts` are the names of all, in the order of their tasks."""

    dev_task: UUID
    part: str
    kind: PartKind
    parts: tuple[str, ...] = Field(min_length=1, max_length=MAX_PARTS)

    @classmethod
    def of(cls, metadata: Mapping[str, Any]) -> Self | None:
        """None where there is none: anybody may submit a task under the id of a part, with metadata of their own."""
        try:
            return cls.model_validate(metadata)
        except ValidationError:
            return None

    def metadata(self) -> dict[str, Any]:
        return self.model_dump(mode="json")
