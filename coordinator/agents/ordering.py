"""Takes people's orders about agents: written down first, then in force. A new leader finds them in the record."""

import json
from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, datetime

from bus.errors import AgentNotFound, InvalidRequest, NoLeader
from bus.messages import AgentRecord, AgentRef, AgentStatus, Control, ControlAction
from bus.messages.orders import MOST_LABELS, DrainAgent, LabelAgent, StandingDrain
from coordinator.agents.agent import Agent
from coordinator.agents.orders import Orders, relabelled
from coordinator.agents.presence import Presence
from coordinator.agents.registry import Registry
from coordinator.leading.state import State
from coordinator.store.database import Statements, available


async def load_orders(registry: Registry, statements: Statements) -> None:
    for row in await statements.all("agent_orders"):
        if (agent := registry.agents.get(row["slug"])) is not None:
            drain = StandingDrain.model_validate_json(row["drain"]) if row["drain"] else None
            agent.order(Orders(drain=drain, labels=json.loads(row["labels"])), datetime.now(UTC))


class Ordering:
    """The leader's verbs. AgentNotFound for an agent that nobody knows."""

    def __init__(self, state: State, statements: Statements, presence: Presence) -> None:
        self._state, self._sql, self._presence = state, statements, presence

    async def drain(self, asked: DrainAgent, by: str) -> AgentRecord:
        """What runs there ends; nothing new begins. Drained again, the new reason holds."""
        agent = self._agent(asked.agent_id)
        since = agent.orders.drain.since if agent.orders.drain else datetime.now(UTC)
        return await self._order(agent, StandingDrain(since=since, by=by, reason=asked.reason), agent.orders.labels)

    async def resume(self, asked: AgentRef) -> AgentRecord:
        """Also where its sidecar was told to drain, past the leader."""
        agent = self._agent(asked.agent_id)
        record = await self._order(agent, None, agent.orders.labels)
        if agent.told[0] is AgentStatus.DRAINING:
            self._presence.control(agent.agent_id, Control(action=ControlAction.RESUME, epoch=self._state.epoch))
        return record

    async def label(self, asked: LabelAgent) -> AgentRecord:
        agent = self._agent(asked.agent_id)
        labels = relabelled(agent.orders.labels, asked.labels, replace=asked.replace)
        if len(labels) > MOST_LABELS:
            raise InvalidRequest(
                f"{agent.agent_id} would have {len(labels)} labels; {MOST_LABELS} is the most. Take some back."
            )
        return await self._order(agent, agent.orders.drain, labels)

    def _agent(self, agent_id: str) -> Agent:
        agent = self._state.registry.agents.get(agent_id)
        if agent is None:
            raise AgentNotFound(f"There is no agent {agent_id}. `hive agents` lists them.")
        return agent

    async def _order(self, agent: Agent, drain: StandingDrain | None, labels: Mapping[str, str]) -> AgentRecord:
        drained = None if drain is None else drain.model_dump_json()
        with available():
            row = await self._sql.one("save_orders", agent.agent_id, drained, json.dumps(dict(labels)), self._state.epoch)
        if row is None:
            raise NoLeader("Another coordinator leads by now. Try again.", retry_after_seconds=1)
        self._presence.order(agent, replace(agent.orders, drain=drain, labels=labels))
        return agent.record()
