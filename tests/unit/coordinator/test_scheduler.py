"""Who gets which task: what holds for every hive, by properties, and each rule of the choice by an example."""

from typing import TypeVar

from hypothesis import given
from hypothesis import strategies as st

from bus.messages import AgentStatus, Explanation, ModelInfo, Requirements
from coordinator.agents.agent import Agent
from coordinator.scheduling.choice import Ask, Candidate, choose, consider
from coordinator.scheduling.explaining import explain
from coordinator.scheduling.queue import Queue
from coordinator.scheduling.scheduler import Scheduler
from coordinator.scheduling.shapes import Shape
from coordinator.scheduling.speed import Speed
from tests.unit.coordinator.parts import COLD, NOON, WARM, agent, task

NAMES = ("acacia", "birch", "cedar", "douglas")
_Drawn = TypeVar("_Drawn")
OTHER = ModelInfo(name="llama3", loaded=True, size_bytes=4_000_000_000)
MODELS = st.sampled_from(((WARM, OTHER), (WARM,), (COLD,), (OTHER, COLD), (OTHER,), ()))
LEVELS = st.sampled_from((0.2, 0.5, 0.9))
ROOMS = st.sampled_from(("a", "b"))
GIGABYTES = st.sampled_from((4.0, 8.0, 24.0))


def seldom(draw: st.DrawFn, strategy: st.SearchStrategy[_Drawn]) -> _Drawn | None:
    """Most agents are able to do most tasks: else hardly anything would be chosen, and no rule be seen broken."""
    return draw(strategy) if draw(st.integers(0, 4)) == 4 else None


def named(name: str, value: _Drawn | None) -> dict[str, _Drawn]:
    return {} if value is None else {name: value}


@st.composite
def hives(draw: st.DrawFn) -> list[Agent]:
    made = [
        agent(
            name,
            slots=draw(st.integers(0, 2)),
            busy=draw(st.sampled_from((0, 0, 0, 1, 2))),
            models=draw(MODELS),
            status=seldom(draw, st.sampled_from(AgentStatus)) or AgentStatus.ONLINE,
            capabilities=named("code", draw(LEVELS)),
            labels=named("room", draw(ROOMS)),
            vram_gb=draw(GIGABYTES),
        )
        for name in draw(st.permutations(NAMES))[: draw(st.integers(0, len(NAMES)))]
    ]
    for known in made:
        for taken in known.attempts.values():
            taken.ends_at = draw(st.sampled_from((None, 1.0)))
    return made


@st.composite
def shapes(draw: st.DrawFn) -> Shape:
    require = Requirements(
        capabilities=named("code", seldom(draw, LEVELS)),
        labels=named("room", seldom(draw, ROOMS)),
        vram_gb=seldom(draw, GIGABYTES),
    )
    model = draw(st.sampled_from((None, WARM.name, OTHER.name)))
    avoid = draw(st.frozensets(st.sampled_from(NAMES), max_size=3))
    return Shape.of(model, require, seldom(draw, st.sampled_from(NAMES)), avoid)


def chosen(shape: Shape, hive: list[Agent], now: float = 0, *, patient: bool = True) -> Candidate | None:
    fleet = Scheduler().fleet(hive, now)
    return choose(Ask(shape, patient=patient), fleet, fleet.free_places(shape, None))


def table_of(shape: Shape, hive: list[Agent]) -> Explanation:
    return explain(Ask(shape), Scheduler().fleet(hive, 0))


def is_able(shape: Shape, known: Agent) -> bool:
    """The rule once more, in its plainest form."""
    offered = {capability.name: capability.proficiency for capability in known.registration.capabilities}
    return (
        known.status is AgentStatus.ONLINE
        and shape.pin in (None, known.agent_id)
        and any(shape.model in (None, model.name) for model in known.models)
        and all(offered.get(name, 0) >= least for name, least in shape.capabilities)
        and all(known.registration.labels.get(name) == value for name, value in shape.labels)
        and (known.registration.hardware.vram_gb or 0) >= (shape.vram_gb or 0)
    )


@given(shapes(), hives())
def test_whoever_is_chosen_is_able_and_has_a_free_slot(shape: Shape, hive: list[Agent]) -> None:
    able = {known.agent_id for known in hive if known.slots and is_able(shape, known)}
    free = {known.agent_id for known in hive if known.agent_id in able and len(known.attempts) < known.slots}
    found = chosen(shape, hive, patient=False)
    assert found.agent.agent_id in free if found else not free or (free <= shape.avoid and able > free)
    patient = chosen(shape, hive)
    assert patient is None or patient == found


@given(shapes(), hives())
def test_an_agent_that_failed_the_task_is_chosen_only_where_no_other_is_able(shape: Shape, hive: list[Agent]) -> None:
    found = chosen(shape, hive, patient=False)
    if found is not None and found.agent.agent_id in shape.avoid:
        assert not any(known.slots and is_able(shape, known) for known in hive if known.agent_id not in shape.avoid)


@given(shapes(), hives())
def test_the_explanation_is_the_choice(shape: Shape, hive: list[Agent]) -> None:
    table, found = table_of(shape, hive), chosen(shape, hive)
    assert table.choice == (found.agent.agent_id if found else None)
    assert {row.agent_id: row.able for row in table.agents} == {known.agent_id: is_able(shape, known) for known in hive}
    assert [row.able for row in table.agents] == sorted((row.able for row in table.agents), reverse=True)


def test_a_task_that_is_kept_for_a_busy_agent_is_explained_so() -> None:
    busy, free = agent("acacia", busy=1), agent("birch", models=(COLD,))
    for taken in busy.attempts.values():
        taken.ends_at = 1.0
    table = table_of(Shape.of(WARM.name, Requirements()), [busy, free])
    assert (table.choice, [row.agent_id for row in table.agents]) == (None, ["acacia", "birch"])
    assert table.reason.startswith("waits for acacia, which is busy")


def test_a_task_waits_for_a_busy_agent_rather_than_go_back_to_one_that_failed_it() -> None:
    """The broken one is always free, since it fails fast: the task would spend all its attempts there."""
    broken, good = agent("acacia"), agent("birch", busy=1)
    shape = Shape.of(WARM.name, Requirements(), None, frozenset({"acacia"}))
    assert chosen(shape, [broken, good], patient=False) is None
    table = table_of(shape, [broken, good])
    assert table.reason == "waits for birch, which is busy; acacia, which is free, failed this task before"
    refusing = agent("birch")
    refusing.refuse(2.0, 0)
    away, without = agent("birch", status=AgentStatus.OFFLINE), agent("birch", slots=0)
    for nobody_else in ([broken], [broken, away], [broken, without], [broken, refusing]):
        found = chosen(shape, nobody_else)
        assert found is not None, "a lone host is tried again"


def test_nobody_waits_for_an_agent_that_has_no_slots_any_more() -> None:
    assert chosen_of(agent("acacia", slots=0, busy=1), agent("birch", models=(COLD,))) == "birch"


def chosen_of(*hive: Agent, model: str | None = WARM.name, avoid: frozenset[str] = frozenset()) -> str | None:
    found = chosen(Shape.of(model, Requirements(), None, avoid), list(hive))
    return found.agent.agent_id if found else None


def test_warm_comes_before_cold() -> None:
    assert chosen_of(agent("acacia", models=(COLD,)), agent("birch")) == "birch"


def test_a_cold_agent_that_is_free_comes_before_a_warm_one_that_is_full() -> None:
    assert chosen_of(agent("acacia", busy=1), agent("birch", models=(COLD,))) == "birch"


def test_the_measured_faster_agent_is_chosen() -> None:
    slow, fast = agent("acacia"), agent("birch")
    slow.speeds[WARM.name], fast.speeds[WARM.name] = Speed(generation_rate=10), Speed(generation_rate=90)
    assert chosen_of(slow, fast) == "birch"


def test_among_equals_the_less_busy_is_chosen() -> None:
    assert chosen_of(agent("acacia", slots=2, busy=1), agent("birch", slots=2)) == "birch"


def test_among_equally_busy_the_more_proficient_is_chosen() -> None:
    assert chosen_of(agent("acacia", capabilities={"chat": 0.1}), agent("birch", capabilities={"chat": 0.9})) == "birch"


def test_without_other_differences_the_choice_is_the_same_each_time() -> None:
    assert chosen_of(agent("birch"), agent("acacia")) == "acacia" == chosen_of(agent("acacia"), agent("birch"))


def test_an_agent_that_failed_it_gets_it_again_where_no_other_is_able() -> None:
    assert chosen_of(agent("acacia"), agent("birch"), avoid=frozenset({"acacia"})) == "birch"
    avoid = frozenset({"acacia"})
    assert chosen_of(agent("acacia"), agent("birch", models=(COLD,)), avoid=avoid) == "birch"
    assert chosen_of(agent("acacia"), agent("birch", models=(OTHER,)), avoid=avoid) == "acacia"


def test_an_agent_that_has_just_said_busy_is_left_alone_until_its_pause_ends() -> None:
    paused = agent()
    paused.full_until = 5.0
    shape = Shape.of(WARM.name, Requirements())
    assert chosen(shape, [paused], 4.9) is None
    assert chosen(shape, [paused], 5.0) is not None


def test_a_task_that_names_no_model_gets_the_one_that_is_warm() -> None:
    candidate = consider(Ask(Shape.of(None, Requirements())), agent(models=(ModelInfo(name="cold"), OTHER)), 0)
    assert candidate.model == OTHER


def test_no_tag_means_latest() -> None:
    assert chosen_of(agent(models=(ModelInfo(name="llama3:latest"),)), model="llama3") == "acacia"
    assert chosen_of(agent(models=(OTHER,)), model="llama3:latest") == "acacia"
    assert chosen_of(agent(models=(OTHER,)), model="llama3:8b") is None


def test_the_urgent_task_that_cannot_run_holds_nobody_up() -> None:
    queue, urgent, other = Queue(), task(priority=1, model="llama3"), task(priority=5, model=WARM.name, sequence=2)
    for waiting in (urgent, other):
        queue.add(waiting, NOON)
    scheduler = Scheduler()
    placement = scheduler.next(queue, scheduler.fleet([agent()], 0), NOON)
    assert placement is not None
    assert placement.task == other


def test_the_table_says_why_not() -> None:
    hive = [
        agent("acacia", status=AgentStatus.DRAINING),
        agent("birch", models=(OTHER,)),
        agent("cedar", capabilities={"code": 0.2}),
        agent("douglas", capabilities={"code": 0.9}),
        agent("elm", capabilities={"code": 0.9}, labels={"room": "a"}, vram_gb=4),
        agent("fir", capabilities={"code": 0.9}, labels={"room": "a"}, vram_gb=24, busy=1),
    ]
    require = Requirements(capabilities={"code": 0.5}, labels={"room": "a"}, vram_gb=8)
    table = table_of(Shape.of(WARM.name, require), hive)
    assert {row.agent_id: row.reason for row in table.agents} == {
        "acacia": "draining",
        "birch": f"it does not have the model {WARM.name}",
        "cedar": "its proficiency in code is 0.2, asked is 0.5",
        "douglas": "it does not have the label room=a",
        "elm": "it has 4 GiB of VRAM, asked are 8",
        "fir": "all its slots are taken",
    }
    assert (table.choice, table.reason) == (None, "waits: every able agent is busy")
    assert table_of(Shape.of(WARM.name, require, "zelkova"), hive).reason == "waits: no agent is able"
    assert table_of(Shape.of(WARM.name, require), []).reason == "waits: no agent has registered yet"
