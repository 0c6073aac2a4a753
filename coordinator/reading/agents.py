"""What any coordinator can tell about agents without leading: their last word, and what is recorded of them."""

from bus import subjects
from bus.auth import Permission
from bus.client import Bus
from bus.errors import AgentNotFound
from bus.messages import AgentList, AgentRecord, AgentRef, NoReply
from bus.messages.benchmarks import AgentBenchmark, BenchmarkList, ListBenchmarks
from bus.messages.health import AgentHealth, AgentHealthCheck, ListHealth
from bus.service import Call, Service
from coordinator.endpoints import service, verb
from coordinator.store.database import Statements, available


class AgentReads:
    def __init__(self, bus: Bus, statements: Statements) -> None:
        self._bus, self._sql = bus, statements

    def service(self) -> Service:
        view = Permission.AGENTS_VIEW
        return service(
            subjects.SERVICE_AGENTS,
            "Agents as they were last heard",
            verb("list", NoReply, self._list, view, "Every agent"),
            verb("get", AgentRef, self._get, view, "One agent by its slug"),
            verb("benchmarks", ListBenchmarks, self._benchmarks, view, "The last benchmarks of an agent"),
            verb("health", ListHealth, self._health, view, "The last health checks of an agent"),
        )

    async def _list(self, _call: Call[NoReply]) -> AgentList:
        keys = sorted(await self._bus.keys(subjects.KV_AGENTS))
        found = [await self._bus.get(subjects.KV_AGENTS, key) for key in keys]
        return AgentList(agents=tuple(AgentRecord.model_validate_json(value) for value in found if value))

    async def _get(self, call: Call[AgentRef]) -> AgentRecord:
        return await self._known(call.body.agent_id)

    async def _known(self, agent_id: str) -> AgentRecord:
        value = await self._bus.get(subjects.KV_AGENTS, agent_id)
        if value is None:
            raise AgentNotFound(f"There is no agent {agent_id}. `hive agents` lists them.")
        return AgentRecord.model_validate_json(value)

    async def _health(self, call: Call[ListHealth]) -> AgentHealth:
        asked = call.body
        await self._known(asked.agent_id)
        with available():
            rows = await self._sql.all("health_checks", asked.agent_id, asked.before, asked.limit + 1)
            last = await self._sql.one("health_checks", asked.agent_id, None, 1) if asked.before else next(iter(rows), None)
        history = tuple(AgentHealthCheck.model_validate_json(row["found"]) for row in rows[: asked.limit])
        return AgentHealth(
            agent_id=asked.agent_id,
            last=AgentHealthCheck.model_validate_json(last["found"]) if last else None,
            history=history,
            next_before=history[-1].timestamp if len(rows) > asked.limit else None,
        )

    async def _benchmarks(self, call: Call[ListBenchmarks]) -> BenchmarkList:
        asked = call.body
        await self._known(asked.agent_id)
        with available():
            rows = await self._sql.all("benchmarks", asked.agent_id, asked.before, asked.limit + 1)
        found = tuple(AgentBenchmark.model_validate_json(row["record"]) for row in rows[: asked.limit])
        return BenchmarkList(benchmarks=found, next_before=found[-1].started_at if len(rows) > asked.limit else None)
