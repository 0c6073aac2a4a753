"""Folds the leader's records, heartbeats and metrics into one row for each agent. Pure: time is passed in."""

from collections.abc import Iterable
from datetime import datetime, timedelta

from bus.messages import AgentChange, AgentRecord, AgentStatus, Heartbeat, ModelInfo, PerformanceMetrics
from gui.frames import AgentModel, AgentRow, Gauges
from gui.rows import Revision, Rows

SILENCE = timedelta(seconds=4)
"""Eight heartbeats missed: time to say so, should the coordinator be unable to."""


class AgentFold:
    """The leader's record says what an agent is and whether it counts; its heartbeats say how busy it is."""

    def __init__(self, revision: Revision) -> None:
        self.rows: Rows[AgentRow] = Rows(revision)
        self._gauges: dict[str, Gauges] = {}
        self._seen: dict[str, datetime] = {}

    def apply_record(self, agent_id: str, record: AgentRecord | None) -> None:
        """None: the agent was removed."""
        if record is None:
            self.rows.drop(agent_id)
            return
        if record.status is AgentStatus.OFFLINE:
            self._gauges.pop(agent_id, None)  # how warm it was says nothing of now
        self.rows.put(
            agent_id,
            AgentRow(
                id=agent_id,
                name=record.name,
                status=record.status,
                reason=record.status_reason,
                backend=record.backend,
                slots=record.slots,
                running=record.running,
                models=_models(record.models),
                gpu=record.hardware.gpu_type,
                vram_gb=record.hardware.vram_gb,
                gauges=self._gauges.get(agent_id, Gauges()),
            ),
        )

    def apply_heartbeat(self, heartbeat: Heartbeat, now: datetime) -> None:
        """Nothing for an agent that the leader has not introduced."""
        self._seen[heartbeat.agent_id] = now
        if row := self.rows.get(heartbeat.agent_id):
            models = row.models if heartbeat.models is None else _models(heartbeat.models)
            update = {"slots": heartbeat.slots, "running": len(heartbeat.running), "models": models, "silent": False}
            self.rows.put(row.id, row.model_copy(update=update))

    def apply_change(self, change: AgentChange) -> None:
        if row := self.rows.get(change.agent_id):
            gone = {"gauges": Gauges()} if change.status is AgentStatus.OFFLINE else {}
            self.rows.put(row.id, row.model_copy(update={"status": change.status, "reason": change.reason, **gone}))

    def apply_metrics(self, metrics: PerformanceMetrics) -> None:
        gauges = self._gauges[metrics.agent_id] = Gauges(
            cpu=_whole(metrics.cpu_usage),
            memory=_whole(metrics.memory_usage),
            gpu=_whole(metrics.gpu_usage),
            gpu_memory=_whole(metrics.gpu_memory),
            gpu_temperature=_whole(metrics.gpu_temperature),
            tokens_per_second=None if metrics.tokens_per_second is None else round(metrics.tokens_per_second, 1),
        )
        if row := self.rows.get(metrics.agent_id):
            self.rows.put(row.id, row.model_copy(update={"gauges": gauges}))

    def notice_silence(self, now: datetime) -> None:
        """Only an agent that was heard can fall silent: one that was never heard is the leader's to judge."""
        for row in list(self.rows.values()):
            seen = self._seen.get(row.id)
            silent = seen is not None and now - seen > SILENCE and row.status is not AgentStatus.OFFLINE
            if silent != row.silent:
                self.rows.put(row.id, row.model_copy(update={"silent": silent}))

    def pardon(self, now: datetime) -> None:
        """This side was away: what was not heard meanwhile says nothing about the agents."""
        self._seen = dict.fromkeys(self._seen, now)


def _models(models: Iterable[ModelInfo]) -> tuple[AgentModel, ...]:
    """Loaded ones first, then by name, so that a card does not jump."""
    found = (AgentModel(name=model.name, loaded=model.loaded) for model in models)
    return tuple(sorted(found, key=lambda model: (not model.loaded, model.name)))


def _whole(value: float | None) -> float | None:
    """Whole numbers: a gauge that flickers in its decimals would send a frame for nothing."""
    return None if value is None else round(value)
