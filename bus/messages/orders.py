"""What a person orders about an agent. It holds until it is taken back, whatever is started again meanwhile."""

from datetime import datetime
from typing import Annotated

from pydantic import Field

from bus.messages.base import Command, Record, Slug, Text

MOST_LABELS = 64
Reason = Annotated[Text, Field(max_length=500)]
LabelName = Annotated[Text, Field(min_length=1, max_length=63)]
LabelValue = Annotated[Text, Field(max_length=255)]


class StandingDrain(Record):
    """An agent that is to be given nothing, until somebody resumes it."""

    since: datetime
    by: str
    reason: str | None = None


class DrainWish(Command):
    """The body of `POST /api/agents/{agent_id}/drain`."""

    reason: Reason | None = Field(default=None, description="shown to whoever asks why the agent takes nothing")


class DrainAgent(DrainWish):
    agent_id: Slug


class LabelSet(Command):
    """The body of `PUT /api/agents/{agent_id}/labels`: all labels that people gave it; those of its own settings stay."""

    labels: dict[LabelName, LabelValue] = Field(max_length=MOST_LABELS)


class LabelChanges(Command):
    """The body of `PATCH /api/agents/{agent_id}/labels`: those to give; null takes one back."""

    labels: dict[LabelName, LabelValue | None] = Field(max_length=MOST_LABELS)


class LabelAgent(LabelChanges):
    """`replace`: every label that is not named is taken back."""

    agent_id: Slug
    replace: bool = False
