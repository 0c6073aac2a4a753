"""Where a waiting task stands, and why it was put back: what every door shows while it waits."""

from datetime import datetime
from enum import StrEnum
from typing import Final

from pydantic import Field, computed_field

from bus.messages.base import Message


class Delay(StrEnum):
    """Why a task stands further back than before."""

    PRIORITY = "priority"
    AGEING = "ageing"
    FAIRNESS = "fairness"
    GROUPING = "grouping"
    EARLIER = "earlier"
    RETRY = "retry"
    HOST_LOST = "host_lost"


IN_WORDS: Final = {
    Delay.PRIORITY: "more urgent tasks go first",
    Delay.AGEING: "a less urgent task has waited so long that it takes its turn",
    Delay.FAIRNESS: "it is the turn of others, who have had less",
    Delay.GROUPING: "tasks whose model is warm go first for some seconds",
    Delay.EARLIER: "an earlier task of the same owner became ready",
    Delay.RETRY: "a task was tried and came back to its place",
    Delay.HOST_LOST: "a task lost its host and came back to its place",
}


class Rise(Message):
    """The last time that a task was put back in the queue, as far as it was looked at."""

    reason: Delay
    before: int = Field(description="the position that it had; 0 when it had been given to an agent")
    position: int
    own: bool = Field(default=False, description="whether it is this very task that came back, by `retry` or `host_lost`")
    at: datetime

    @computed_field(description="the reason, for people")  # type: ignore[prop-decorator]
    @property
    def in_words(self) -> str:
        if self.own:
            return _OWN.get(self.reason, IN_WORDS[self.reason])
        return IN_WORDS[self.reason]


_OWN: Final = {
    Delay.PRIORITY: "it yielded its slot to a more urgent task",
    Delay.RETRY: "its last attempt came to nothing",
    Delay.HOST_LOST: "its host was lost",
}


class QueuePlace(Message):
    """1 is next. `eta_seconds` until it begins, as predicted; null where no agent is able."""

    position: int
    eta_seconds: float | None = None
    rise: Rise | None = None
