"""What everybody may know of the hive without asking anyone: the leader's last word, as it stands in two buckets.

A door that asked the leader could tell nothing while nobody leads; this can, and says how old what it tells is.
"""

from collections.abc import Callable
from contextlib import AsyncExitStack
from dataclasses import dataclass
from datetime import UTC, datetime
from time import monotonic
from typing import Final
from uuid import UUID

from bus import subjects
from bus.client import Bus
from bus.errors import AgentNotFound, NoLeader
from bus.messages import AgentList, AgentRecord, ClusterStatus
from bus.mirror import Mirror

CLUSTER: Final = "cluster"
"""The key of KV_STATUS under which a leader tells the hive's numbers, once a second."""
LEADS_SECONDS: Final = 3.0
"""A leader that has been silent for longer is not called one any more."""


@dataclass(frozen=True, slots=True)
class _Word:
    status: ClusterStatus
    at: float
    """By this process's own clock: clocks of hosts differ."""


class Overview:
    """`agents` by slug and the hive's numbers, as of the last change heard. `now` is monotonic."""

    def __init__(self, bus: Bus, now: Callable[[], float] = monotonic) -> None:
        self._now, self._live = now, False
        self.agents = Mirror(bus, subjects.KV_AGENTS, AgentRecord.model_validate_json)
        self._words = Mirror(bus, subjects.KV_STATUS, self._heard)
        self._stack = AsyncExitStack()

    async def start(self) -> None:
        """Returns when what the buckets hold is here."""
        for mirror in (self._words, self.agents):
            await mirror.start()
            self._stack.push_async_callback(mirror.close)
        self._live = True

    async def close(self) -> None:
        await self._stack.aclose()

    def _heard(self, data: bytes) -> _Word:
        """What lay there already is as old as the two clocks say; what comes while we listen is new, whatever they say."""
        status = ClusterStatus.model_validate_json(data)
        age = 0.0 if self._live else max(0.0, (datetime.now(UTC) - status.updated_at).total_seconds())
        return _Word(status, self._now() - age)

    @property
    def age_seconds(self) -> float | None:
        """Since a leader last spoke; None when none ever did."""
        word = self._words.items.get(CLUSTER)
        return None if word is None else round(self._now() - word.at, 3)

    @property
    def hive_id(self) -> UUID | None:
        """Which hive this is; None until a leader has said so."""
        word = self._words.items.get(CLUSTER)
        return None if word is None else word.status.hive_id

    @property
    def led(self) -> bool:
        """Whether somebody leads, as far as can be told from here."""
        age = self.age_seconds
        return age is not None and age <= LEADS_SECONDS

    @property
    def last_word(self) -> ClusterStatus | None:
        """As a leader said it, however long ago; None when none ever did."""
        word = self._words.items.get(CLUSTER)
        return None if word is None else word.status

    def status(self) -> ClusterStatus:
        """The last word, with its age. NoLeader when none has ever said anything."""
        word, age = self._words.items.get(CLUSTER), self.age_seconds
        if word is None or age is None:
            raise NoLeader("No coordinator has led yet, so there are no numbers. Try again in a moment.", retry_after_seconds=1)
        leader = word.status.leader if self.led else None
        return word.status.model_copy(update={"leader": leader, "age_seconds": age})

    async def agent(self, agent_id: str) -> AgentRecord:
        """AgentNotFound."""
        record = await self.agents.find(agent_id)
        if record is None:
            raise AgentNotFound(f"There is no agent {agent_id}. `hive agents` lists them.")
        return record

    def agent_list(self) -> AgentList:
        """By their slugs, with the age of the leader's last word about them."""
        agents = tuple(record for _, record in sorted(self.agents.items.items()))
        return AgentList(agents=agents, age_seconds=self.age_seconds)
