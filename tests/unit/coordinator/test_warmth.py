"""Which agents have a model in memory: kept up, never less than it is, and what they could do is never too little."""

from hypothesis import given
from hypothesis import strategies as st

from bus.messages import ModelInfo, Requirements
from coordinator.agents.agent import Agent
from coordinator.scheduling.choice import Ask, Candidate, is_better_kept
from coordinator.scheduling.prediction import done_by
from coordinator.scheduling.scheduler import Scheduler
from coordinator.scheduling.shapes import Shape
from coordinator.scheduling.sizes import Size
from coordinator.scheduling.speed import Speed
from coordinator.scheduling.warmth import LOOK_AGAIN_SECONDS, Reach, Warmth
from tests.unit.coordinator.parts import COLD, WARM, agent, attempt

SHAPE = Shape.of(WARM.name, Requirements())


def names(warmth: Warmth, model: str | None = WARM.name) -> set[str]:
    return {each.agent_id for each in warmth.agents(model)}


def test_what_an_agent_tells_is_seen_a_moment_later_and_so_is_that_it_went() -> None:
    acacia, birch, warmth = agent("acacia"), agent("birch", models=(COLD,)), Warmth()
    warmth.look([acacia, birch], 0)
    assert (names(warmth), names(warmth, None), names(warmth, "another:1b")) == ({"acacia"}, {"acacia"}, set())
    birch.models, acacia.models = (WARM,), (COLD,)
    warmth.look([acacia, birch], LOOK_AGAIN_SECONDS)
    assert names(warmth) == {"birch"}
    warmth.look([acacia], 2 * LOOK_AGAIN_SECONDS)
    assert names(warmth) == names(warmth, None) == set()


def test_an_attempt_loads_its_model_at_once() -> None:
    birch, warmth = agent("birch", models=(COLD,)), Warmth()
    warmth.look([birch], 0)
    warmth.begun(birch, COLD.name)
    assert names(warmth) == {"birch"}


def test_a_name_without_a_tag_is_the_latest() -> None:
    warmth = Warmth()
    warmth.look([agent("acacia", models=(ModelInfo(name="llama:latest", loaded=True),))], 0)
    assert names(warmth, "llama") == {"acacia"}


def test_an_agent_that_has_become_warm_since_the_last_look_is_waited_for() -> None:
    """What nobody could do a moment ago is looked at again as soon as somebody could."""
    slow, quick = agent("acacia", models=(COLD,)), agent("birch", models=(COLD,))
    slow.speeds[COLD.name], quick.speeds[COLD.name] = Speed(generation_rate=1), Speed(generation_rate=100)
    other = agent("cedar", busy=1, models=(ModelInfo(name="another:1b", loaded=True),))
    scheduler, ask = Scheduler(), Ask(SHAPE)
    assert not is_better_kept(ask, Candidate(slow, None, COLD, 200, 1), scheduler.fleet([slow, quick, other], 0))
    taken = attempt("birch")
    quick.attempts[taken.id] = taken
    fleet = scheduler.fleet([slow, quick, other], 0.1)
    fleet.given(quick, COLD)
    assert is_better_kept(ask, Candidate(slow, None, COLD, 200, 1), fleet)


_HOSTS = st.lists(
    st.tuples(
        st.integers(1, 4), st.floats(1, 200), st.floats(50, 5000), st.floats(1, 2000), st.lists(st.floats(0, 60), max_size=4)
    ),
    min_size=1,
    max_size=6,
)


def host(number: int, known: tuple[int, float, float, float, list[float]]) -> Agent:
    slots, generation, prompt, tokens, ends = known
    made = agent(f"host-{number}", slots=slots, busy=max(slots, len(ends)))
    made.speeds[WARM.name] = Speed(prompt_rate=prompt, generation_rate=generation, completion_tokens=tokens)
    for taken, ends_at in zip(made.attempts.values(), ends, strict=False):
        taken.ends_at = ends_at
    return made


@given(_HOSTS, st.integers(1, 8000), st.none() | st.integers(1, 4000), st.floats(0, 300))
def test_what_could_be_done_is_never_less_than_what_would_be(
    hosts: list[tuple[int, float, float, float, list[float]]], prompt: int, most: int | None, within: float
) -> None:
    places = [(host(number, known), WARM) for number, known in enumerate(hosts)]
    size = Size(prompt, most)
    done = sum(done_by(each, model, size, 0.0, within) for each, model in places)
    assert Reach.of(places).most(size, within) >= done
