"""How good an agent is: what was declared of it, what was measured, and what counts in the end."""

from datetime import datetime

from pydantic import Field

from bus.messages.base import Message


class CapabilityScore(Message):
    """`effective` is what tasks that ask for a least proficiency are held against; the formula is in coordinator/scheduling/track.py."""

    name: str
    declared: float
    effective: float


class ModelSpeed(Message):
    """Of one model on one agent, as far as it was measured: tokens per second, and seconds."""

    prompt_tokens_per_second: float | None = None
    generation_tokens_per_second: float | None = None
    load_seconds: float | None = None


class HeldModel(Message):
    """A model that keeps failing on an agent is not given to it before `until`, and then to one task at a time, until one completes."""

    reason: str = Field(description="the code of what the last task failed with")
    failed: int = Field(description="tasks that failed there in a row")
    trips: int = Field(description="how often it was held back since a task completed; each time for twice as long")
    until: datetime


class AgentMerits(Message):
    """Of an agent's last attempts. Null where nothing was measured."""

    capabilities: tuple[CapabilityScore, ...] = ()
    success_rate: float | None = Field(
        default=None, description="completed of all that ended by the agent's doing, from 0 to 1"
    )
    target_rate: float | None = Field(
        default=None, description="how well completed attempts met `performance_targets`, from 0 to 1; 1: every one did"
    )
    speeds: dict[str, ModelSpeed] = Field(default_factory=dict, description="by model")
    held: dict[str, HeldModel] = Field(default_factory=dict, description="models that it is not given for a while, by name")
