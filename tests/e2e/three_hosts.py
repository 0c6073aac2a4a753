"""A hive with three backends that hold one real model: the built-in one, an Ollama, and an Ollama that gets half of the time."""

import json
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, TypeVar
from uuid import UUID

import httpx

from bus.messages import AgentRecord, AgentStatus, TaskRecord
from bus.messages.models import Placement
from tests.parts.gpu_host import GpuHost
from tests.parts.hive import Hive
from tests.parts.ollama import MODEL

T = TypeVar("T")

KEY = "sk-hive-three-0123456789abcdef0123456789abcdef"
BUILTIN, FAST, SLOW = "acacia", "walnut", "slate"
"""By their speed: llama.cpp of today, an Ollama of the spring of 2025, and the same one with half of the time."""
WAIT_SECONDS = 90.0
PATIENCE_SECONDS = 1.0


class ThreeHosts:
    """`start` it first. Tests leave hosts dead and drained as they please: `whole` makes it well again."""

    def __init__(self, folder: Path, registry: str) -> None:
        self._folder, self._registry = folder, registry
        self.hive = Hive(
            folder / "hive",
            HIVE_ADMIN_KEY=KEY,
            HIVE_BACKENDS=f"{BUILTIN}=builtin",
            HIVE_BUILTIN_SLOTS="1",
            HIVE_BENCHMARK_NEW="false",
            HIVE_PLACEMENT_PATIENCE_SECONDS=str(PATIENCE_SECONDS),
        )
        self.hosts: dict[str, GpuHost] = {}
        self._api: httpx.Client

    def start(self) -> None:
        self.hive.start()
        state = self.hive.json("status")
        self._api = httpx.Client(base_url=state["api"], headers={"Authorization": f"Bearer {KEY}"}, timeout=30)
        bus = {"NATS_URL": state["nats"]["url"], "HIVE_INSECURE_REGISTRIES": self._registry, "HIVE_DRAIN_SECONDS": "0"}
        self.hosts[FAST] = GpuHost(FAST, self._folder / FAST, **bus)
        self.hosts[SLOW] = GpuHost(SLOW, self._folder / SLOW, cpu_share=0.5, **bus)
        self.whole()
        for name in (BUILTIN, FAST, SLOW):
            self.put(f"/api/agents/{name}/labels", {"labels": {"host": name}})
        first = [self.submit("Say hello.", tokens=4, on=name) for name in (BUILTIN, FAST, SLOW)]
        self.ended(*first)

    def stop(self) -> None:
        for host in self.hosts.values():
            host.stop()
        self.hive.stop()
        self._api.close()

    def whole(self) -> None:
        """All three are there, have the model, and nothing runs or is wished."""
        for host in self.hosts.values():
            host.start()
        for name, agent in self.agents().items():
            if agent.drain is not None:
                self.post(f"/api/agents/{name}/resume")
        self.until(lambda: all(self._is_well(name) for name in (BUILTIN, FAST, SLOW)))

    def _is_well(self, name: str) -> bool:
        agent = self.agents().get(name)
        has = agent is not None and MODEL in {model.name for model in agent.models}
        return agent is not None and has and agent.status is AgentStatus.ONLINE and not agent.running

    def agents(self) -> dict[str, AgentRecord]:
        found = self.get("/api/agents")["agents"]
        return {each["agent_id"]: AgentRecord.model_validate(each) for each in found}

    def agent(self, name: str) -> AgentRecord:
        return self.agents()[name]

    def get(self, path: str) -> Any:
        return self._api.get(path).raise_for_status().json()

    def post(self, path: str, body: Any = None) -> Any:
        return self._api.post(path, json=body).raise_for_status().json()

    def put(self, path: str, body: Any) -> Any:
        return self._api.put(path, json=body).raise_for_status().json()

    def submit(self, prompt: str, *, tokens: int, on: str | None = None, **options: Any) -> UUID:
        """A task for the model that all have, without chance in its answer. `on`: only there."""
        asked: dict[str, Any] = {"options": {"num_predict": tokens, "temperature": 0, **options}}
        if on is not None:
            asked["require"] = {"labels": {"host": on}}
        return UUID(self.post("/api/tasks", {"prompt": prompt, "model": MODEL, **asked})["id"])

    def task(self, task_id: UUID) -> TaskRecord:
        return TaskRecord.model_validate(self.get(f"/api/tasks/{task_id}"))

    def ended(self, *task_ids: UUID) -> list[TaskRecord]:
        """In the order asked for."""

        def all_ended() -> list[TaskRecord] | None:
            found = [self.task(task_id) for task_id in task_ids]
            return found if all(task.status.terminal for task in found) else None

        return self.until(all_ended)

    def answer(self, prompt: str, **more: Any) -> TaskRecord:
        return self.ended(self.submit(prompt, **more))[0]

    def running_on(self, task_id: UUID) -> str | None:
        task = self.task(task_id)
        return task.assigned_agent_id if task.started_at is not None and not task.status.terminal else None

    @contextmanager
    def watched(self, task_id: UUID) -> Iterator[Iterator[tuple[str, Any]]]:
        """Its output as a client sees it: each event's name and data, until `done`."""
        with self._api.stream("GET", f"/api/tasks/{task_id}/output", timeout=WAIT_SECONDS) as response:
            yield _events(response)

    def placement(self) -> Placement:
        return Placement.model_validate(self.get("/api/placement"))

    def until(self, found: Callable[[], T | None], seconds: float = WAIT_SECONDS) -> T:
        """The first result that is not None or False."""
        deadline = time.monotonic() + seconds
        while not (result := found()):
            assert time.monotonic() < deadline, f"it did not happen within {seconds:.0f} s"
            time.sleep(0.1)
        return result


def _events(response: httpx.Response) -> Iterator[tuple[str, Any]]:
    name = ""
    for line in response.iter_lines():
        kind, _, value = line.partition(": ")
        if kind == "event":
            name = value
        elif kind == "data":
            yield name, json.loads(value)
            if name == "done":
                return
