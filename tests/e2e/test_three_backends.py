"""Three real backends of different speed in one hive, each with a sidecar of its own: who gets the work, and what a lost host costs."""

from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from itertools import chain
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest

from agent_sidecar.backends.builtin import installed, weights
from bus.messages import AgentStatus, AttemptStatus, TaskRecord, TaskStatus
from bus.messages.models import ReplicaState
from tests.conftest import folder_for_others
from tests.e2e.three_hosts import BUILTIN, FAST, SLOW, ThreeHosts
from tests.parts.ollama import Ollama, ollama_binary
from tests.parts.refrain import REFRAIN, SURE
from tests.parts.registry import Registry

pytestmark = pytest.mark.slow

TOKENS = 40
PULLED, WISHED = "pulled:135m", "wished:135m"
NAME = b"Smollm2 135M 8k Lc100K Mix1 Ep2"


@pytest.fixture(scope="module")
def registry(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Registry]:
    """With two models that no host has a byte of: the small one, and its name in its file is another."""
    folder, file = tmp_path_factory.mktemp("origin"), weights()
    origin = Ollama(ollama_binary(), folder)
    assert file is not None
    origin.start()
    try:
        for model in (PULLED, WISHED):
            origin.make_model(model, renamed(file, folder / f"{model.partition(':')[0]}.gguf"))
    finally:
        origin.stop()
    found = Registry(origin.store)
    found.start()
    yield found
    found.stop()


def renamed(weights: Path, copy: Path) -> Path:
    content = weights.read_bytes()
    assert content.count(NAME) == 1
    copy.write_bytes(content.replace(NAME, copy.stem.encode().ljust(len(NAME))))
    return copy


@pytest.fixture(scope="module")
def running(registry: Registry) -> Iterator[ThreeHosts]:
    if not installed():
        pytest.skip("the built-in model is not installed (extra `embedded`)")
    with folder_for_others("three") as folder:
        hosts = ThreeHosts(folder, registry.address)
        try:
            hosts.start()
            yield hosts
        finally:
            hosts.stop()


@pytest.fixture
def hosts(running: ThreeHosts) -> ThreeHosts:
    running.whole()
    return running


def test_the_faster_a_host_is_the_more_it_gets(hosts: ThreeHosts) -> None:
    hosts.ended(
        *(hosts.submit(f"Say {number}.", tokens=12) for number in range(6))
    )  # until then nobody knows how fast they are
    tasks = hosts.ended(*(hosts.submit(f"Count from one to {number}.", tokens=12) for number in range(2, 16)))
    assert {task.status for task in tasks} == {TaskStatus.COMPLETED}
    done = Counter(task.assigned_agent_id for task in tasks)
    speeds = {name: speed_of(hosts, name) for name in (BUILTIN, FAST, SLOW)}
    assert speeds[BUILTIN] > speeds[FAST] > speeds[SLOW], speeds
    assert done[BUILTIN] > done[FAST] >= done[SLOW], (done, speeds)
    assert done[BUILTIN] >= 2 * done[SLOW] + 2, (done, speeds)


def speed_of(hosts: ThreeHosts, name: str) -> float:
    [speed] = hosts.agent(name).merits.speeds.values()
    return speed.generation_tokens_per_second or 0.0


def test_a_drained_host_ends_what_it_has_and_gets_nothing_until_it_is_resumed(hosts: ThreeHosts) -> None:
    begun = hosts.submit("Count from one to thirty.", tokens=24, on=FAST)
    hosts.until(lambda: hosts.running_on(begun))
    assert hosts.post(f"/api/agents/{FAST}/drain", {"reason": "a new card"})["running"] == 1
    only_there = hosts.submit("Say hello.", tokens=4, on=FAST)
    others = [hosts.submit(f"Count from one to {number}.", tokens=8) for number in range(2, 6)]
    [row] = [row for row in hosts.get(f"/api/tasks/{only_there}/explain")["agents"] if row["agent_id"] == FAST]
    assert not row["able"]
    assert "a new card" in row["reason"]
    assert FAST not in {task.assigned_agent_id for task in hosts.ended(*others)}
    [ended] = hosts.ended(begun)
    assert (ended.status, len(ended.attempts)) == (TaskStatus.COMPLETED, 1)
    hosts.until(lambda: hosts.agent(FAST).drained)
    assert hosts.task(only_there).status is TaskStatus.QUEUED
    hosts.hive.run("agents", "resume", FAST)
    [after] = hosts.ended(only_there)
    assert (after.status, after.assigned_agent_id) == (TaskStatus.COMPLETED, FAST)


def test_a_model_is_pulled_loaded_unloaded_and_deleted_at_the_backend_itself(hosts: ThreeHosts, registry: Registry) -> None:
    ollama, model = hosts.hosts[SLOW].ollama, registry.name(PULLED)
    assert model not in ollama.on_disk()
    before = registry.pulled
    hosts.hive.run("models", "pull", model, "--on", SLOW)
    assert model in ollama.on_disk()
    assert registry.pulled > before
    hosts.hive.run("models", "load", model, "--on", SLOW)
    assert model in ollama.in_memory()
    hosts.hive.run("models", "unload", model, "--on", SLOW)
    assert model not in ollama.in_memory()
    hosts.hive.run("models", "delete", model, "--on", SLOW)
    assert model not in ollama.on_disk()
    refused = hosts.hive.run("models", "pull", model, "--on", BUILTIN, check=False)
    assert refused.returncode == 1
    assert "takes no orders about models" in refused.stderr


def test_the_fleet_becomes_as_models_yaml_wishes_and_again_when_a_host_has_died(
    hosts: ThreeHosts, registry: Registry, tmp_path: Path
) -> None:
    model = registry.name(WISHED)
    wish = tmp_path / "models.yaml"
    wish.write_text(f"models:\n  {model}:\n    replicas: 1\n    prefer: [{FAST}]\n    num_ctx: 1024\n")
    hosts.hive.run("apply", "-f", str(wish))
    hosts.until(lambda: ready_on(hosts) == [FAST])
    assert model in hosts.hosts[FAST].ollama.in_memory()
    assert model not in hosts.hosts[SLOW].ollama.on_disk()
    hosts.hosts[FAST].kill()
    hosts.until(lambda: ready_on(hosts) == [SLOW])
    assert model in hosts.hosts[SLOW].ollama.in_memory()
    hosts.put("/api/placement", {"models": []})


def ready_on(hosts: ThreeHosts) -> list[str]:
    [model] = hosts.placement().state.models
    return [replica.agent_id for replica in model.replicas if replica.state is ReplicaState.READY]


def test_the_others_finish_what_a_killed_host_had_begun(hosts: ThreeHosts) -> None:
    """The client that watches has the whole answer: it is gone on from what was sent, or told to forget that first."""
    with begun_on(hosts, FAST) as (task_id, events):
        hosts.hosts[FAST].kill()
        resume_others(hosts)
        seen = list(events)
    [ended] = hosts.ended(task_id)
    assert [attempt.status for attempt in ended.attempts] == [AttemptStatus.LOST, AttemptStatus.COMPLETED]
    assert ended.attempts[0].agent_id == FAST
    assert hosts.agent(FAST).status is AgentStatus.OFFLINE
    restarts = [number for number, (name, _) in enumerate(seen) if name == "restart"]
    assert restarts or ended.attempts[1].begins_at > 0
    told = seen[restarts[-1] :] if restarts else seen
    assert "".join(data["text"] for name, data in told if name == "delta") == text_of(ended)
    at_once = hosts.answer(REFRAIN, tokens=TOKENS, on=ended.assigned_agent_id, **SURE)
    assert (text_of(ended), counted(ended)) == (text_of(at_once), counted(at_once))


def counted(task: TaskRecord) -> tuple[int, int]:
    """Tokens of prompt and answer; what of the prompt was cached depends on what ran before."""
    assert task.usage is not None
    return task.usage.prompt_tokens, task.usage.completion_tokens


def test_another_host_goes_on_with_what_one_that_is_stopped_had_written(hosts: ThreeHosts) -> None:
    with begun_on(hosts, FAST) as (task_id, events):
        hosts.hosts[FAST].stop_sidecar()
        resume_others(hosts)
        list(events)
    [ended] = hosts.ended(task_id)
    first, *refused, last = ended.attempts
    assert {attempt.status for attempt in refused} <= {AttemptStatus.REFUSED}, "by the one that stops, before that is known"
    assert first.agent_id == FAST != last.agent_id
    assert last.begins_at > 0
    at_once = hosts.answer(REFRAIN, tokens=TOKENS, on=last.agent_id, **SURE)
    assert text_of(ended) == text_of(at_once)


@contextmanager
def begun_on(hosts: ThreeHosts, name: str) -> Iterator[tuple[UUID, Iterator[tuple[str, Any]]]]:
    """A task that any host may have has said its first words there; the others are drained. With the events that follow."""
    for other in others(hosts, name):
        hosts.post(f"/api/agents/{other}/drain", {"reason": "so that it begins elsewhere"})
    task_id = hosts.submit(REFRAIN, tokens=TOKENS, **SURE)
    with hosts.watched(task_id) as events:
        first = next(events)
        assert first[0] == "delta"
        yield task_id, chain([first], events)


def resume_others(hosts: ThreeHosts) -> None:
    for name in others(hosts, FAST):
        hosts.post(f"/api/agents/{name}/resume")


def others(hosts: ThreeHosts, name: str) -> list[str]:
    return [other for other in hosts.agents() if other != name]


def text_of(task: TaskRecord) -> str:
    assert task.output is not None
    return task.output.text


def test_requests_with_other_contexts_and_times_in_memory_load_the_model_once(hosts: ThreeHosts) -> None:
    ollama = hosts.hosts[FAST].ollama
    hosts.answer("Say hello.", tokens=2, on=FAST, num_ctx=4096)
    loads, runners = ollama.loads(), [process.pid for process in ollama.processes()[1:]]
    for options in ({"num_ctx": 512}, {"num_ctx": 2048, "keep_alive": 0}, {"keep_alive": "1s"}, {"num_thread": 2}):
        assert hosts.answer("Say hello.", tokens=2, on=FAST, **options).status is TaskStatus.COMPLETED
    assert ollama.loads() == loads
    assert [process.pid for process in ollama.processes()[1:]] == runners
