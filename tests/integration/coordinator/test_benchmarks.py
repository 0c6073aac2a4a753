"""Benchmarks: asked for or by themselves, kept with their history, and never in the way of a task."""

import asyncio
from collections.abc import Callable

import pytest

from bus import subjects
from bus.client import Received
from bus.errors import AgentNotFound, Conflict, ModelNotOnAgent
from bus.messages import AgentEvent, AgentStatus, ControlAction
from bus.messages.benchmarks import (
    AgentBenchmark,
    BenchmarkAgent,
    BenchmarkList,
    BenchmarkStatus,
    BenchmarkTrigger,
    ListBenchmarks,
)
from coordinator.agents import benchmarks
from tests.integration.coordinator.conftest import Hive
from tests.parts.scripted_sidecar import MODEL

FIGURES = {
    "prompt_tokens_per_second": 900.0,
    "generation_tokens_per_second": 80.0,
    "load_seconds": 2.5,
    "parallel_tokens_per_second": {1: 80.0, 2: 120.0},
    "slots": 2,
}


@pytest.fixture(autouse=True)
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(benchmarks, "LOOK_SECONDS", 0.1)


async def ask(hive: Hive, agent_id: str = "acacia", **more: object) -> AgentBenchmark:
    wish = BenchmarkAgent.model_validate({"agent_id": agent_id, **more})
    return await hive.ask("benchmark", wish, AgentBenchmark, service=subjects.SERVICE_AGENTS)


async def listed(hive: Hive, **more: object) -> BenchmarkList:
    asked = ListBenchmarks.model_validate({"agent_id": "acacia", **more})
    return await hive.ask("benchmarks", asked, BenchmarkList, service=subjects.SERVICE_AGENTS)


async def newest_is(hive: Hive, holds: Callable[[AgentBenchmark], bool]) -> AgentBenchmark:
    async with asyncio.timeout(15):
        while not ((found := (await listed(hive)).benchmarks) and holds(found[0])):
            await asyncio.sleep(0.02)
    return found[0]


async def test_a_benchmark_that_is_asked_for_is_followed_kept_and_makes_the_scheduler_s_speeds(hive: Hive) -> None:
    told: asyncio.Queue[AgentEvent] = asyncio.Queue()

    async def hear(received: Received) -> None:
        told.put_nowait(received.decode(AgentEvent))

    await hive.bus.subscribe(subjects.events("agent.performance_update"), hear)
    sidecar = await hive.sidecar("acacia")
    begun = await ask(hive)
    order = await sidecar.controlled()
    assert order.benchmark is not None
    assert (order.action, order.model, order.benchmark.id) == (ControlAction.BENCHMARK, MODEL.name, begun.id)
    assert order.benchmark.reload
    await sidecar.measured(order, BenchmarkStatus.RUNNING, step="writing", progress=0.4)
    assert (await listed(hive)).benchmarks[0].progress == 0.4
    await sidecar.measured(order, BenchmarkStatus.RUNNING, step="loading the model", progress=0.1)  # came late
    assert (await listed(hive)).benchmarks[0].step == "writing"
    await sidecar.measured(order, BenchmarkStatus.COMPLETED, progress=1.0, **FIGURES)
    await sidecar.measured(order, BenchmarkStatus.FAILED, error="its end was told already")
    [found] = (await listed(hive)).benchmarks
    assert (found.status, found.trigger, found.error) == (BenchmarkStatus.COMPLETED, BenchmarkTrigger.REQUEST, None)
    assert (found.parallel_tokens_per_second, found.started_at) == ({1: 80.0, 2: 120.0}, begun.started_at)
    async with asyncio.timeout(10):
        events = [(await told.get()).data.benchmark for _ in range(3)]
    assert [event and (event.status, event.progress) for event in events] == [
        (BenchmarkStatus.RUNNING, 0.0),
        (BenchmarkStatus.RUNNING, 0.4),
        (BenchmarkStatus.COMPLETED, 1.0),
    ]
    async with asyncio.timeout(10):
        while MODEL.name not in (speeds := (await hive.agent("acacia")).merits.speeds):
            await asyncio.sleep(0.02)
    assert (speeds[MODEL.name].generation_tokens_per_second, speeds[MODEL.name].load_seconds) == (80.0, 2.5)


async def test_an_agent_that_works_is_not_measured_and_nor_is_what_it_does_not_have(hive: Hive) -> None:
    sidecar = await hive.sidecar("acacia")
    with pytest.raises(AgentNotFound):
        await ask(hive, "walnut")
    with pytest.raises(ModelNotOnAgent, match="qwen3"):
        await ask(hive, model="qwen3:8b")
    await hive.submit()
    await sidecar.offered()
    with pytest.raises(Conflict, match="works on 1 attempts"):
        await ask(hive)
    assert (await listed(hive)).benchmarks == ()


async def test_an_agent_that_is_measured_has_no_free_slot_and_yields_it_to_a_task_within_a_moment(hive: Hive) -> None:
    sidecar = await hive.sidecar("acacia")
    await ask(hive)
    order = await sidecar.controlled()
    async with asyncio.timeout(10):
        while not (await hive.agent("acacia")).measuring:
            await asyncio.sleep(0.02)
    assert (await hive.leading()).slots_free == 0
    with pytest.raises(Conflict, match="measured already"):
        await ask(hive)
    foreign = await hive.submit(require={"vram_gb": 80})
    await hive.stored(foreign)
    await sidecar.beaten(10)
    assert sidecar.controls.empty()  # a task that it could not have needs no slot of it
    task_id = await hive.submit()
    assert (await sidecar.controlled(5)).action is ControlAction.YIELD
    assert (await sidecar.offered(5)).task_id == task_id
    await sidecar.measured(order, BenchmarkStatus.INTERRUPTED, error="It gave way to a task.")
    assert (await listed(hive)).benchmarks[0].status is BenchmarkStatus.INTERRUPTED


async def test_a_benchmark_whose_agent_goes_ends(hive: Hive) -> None:
    sidecar = await hive.distant_sidecar("acacia")
    await ask(hive)
    await sidecar.controlled()
    await sidecar.lose_connection()
    found = await newest_is(hive, lambda each: each.status is BenchmarkStatus.INTERRUPTED)
    assert found.ended_at is not None
    await hive.agent_is("acacia", AgentStatus.OFFLINE)
    with pytest.raises(Conflict, match="offline"):
        await ask(hive)


async def test_a_new_leader_ends_what_its_predecessor_began_and_nobody_speaks_of(
    hive: Hive, monkeypatch: pytest.MonkeyPatch
) -> None:
    sidecar = await hive.sidecar("acacia")
    await ask(hive)
    await sidecar.controlled()
    [leader] = hive.coordinators
    await hive.stop(leader)
    monkeypatch.setattr(benchmarks, "MOST_SECONDS", 0)
    hive.start_coordinator()
    await newest_is(hive, lambda each: each.status is BenchmarkStatus.INTERRUPTED)


async def test_a_benchmark_of_which_a_new_leader_has_lost_sight_yields_to_a_task(hive: Hive) -> None:
    """It would hold all slots of its host until it is over, minutes later."""
    sidecar = await hive.sidecar("acacia")
    await ask(hive)
    await sidecar.controlled()
    [leader] = hive.coordinators
    await hive.stop(leader)
    await hive.sql("UPDATE agent_benchmarks SET status = 'interrupted'")
    hive.start_coordinator()
    await hive.leading()
    task_id = await hive.submit()
    assert (await sidecar.controlled()).action is ControlAction.YIELD
    await sidecar.complete(await sidecar.offered())
    await hive.ended(task_id)


@pytest.mark.slow
async def test_what_is_new_is_measured_once_it_has_been_idle_and_not_again_by_the_next_leader(idle_hive: Hive) -> None:
    hive = idle_hive
    leader = hive.start_coordinator(benchmark_idle_seconds=1)
    sidecar = await hive.sidecar("acacia")
    order = await sidecar.controlled()
    assert order.benchmark is not None
    assert (order.action, order.benchmark.trigger, order.benchmark.reload) == (
        ControlAction.BENCHMARK,
        BenchmarkTrigger.NEW,
        False,
    )
    await sidecar.measured(order, BenchmarkStatus.INTERRUPTED)
    again = await sidecar.controlled()  # it was not measured to the end
    assert again.benchmark is not None
    assert again.benchmark.id != order.benchmark.id
    await sidecar.measured(again, BenchmarkStatus.COMPLETED, **FIGURES)
    await hive.stop(leader)
    hive.start_coordinator(benchmark_idle_seconds=1)
    await hive.leading()
    await sidecar.beaten(25)
    assert sidecar.controls.empty()


async def test_nothing_is_measured_by_itself_where_that_is_switched_off(idle_hive: Hive) -> None:
    idle_hive.start_coordinator(benchmark_idle_seconds=1, benchmark_new=False)
    sidecar = await idle_hive.sidecar("acacia")
    await sidecar.beaten(20)
    assert sidecar.controls.empty()


async def test_an_agent_keeps_its_newest_benchmarks_page_by_page(hive: Hive) -> None:
    sidecar = await hive.sidecar("acacia")
    for _ in range(3):
        await ask(hive)
        await sidecar.measured(await sidecar.controlled(), BenchmarkStatus.COMPLETED, **FIGURES)
    first = await listed(hive, limit=2)
    second = await listed(hive, before=first.next_before)
    assert (len(first.benchmarks), len(second.benchmarks), second.next_before) == (2, 1, None)
    assert len({each.id for each in (*first.benchmarks, *second.benchmarks)}) == 3
