"""What the scheduler asks of all agents at once is what it would find by asking each."""

from itertools import product

import pytest

from bus.messages import Requirements
from coordinator.agents.agent import Agent
from coordinator.scheduling.bands import Line
from coordinator.scheduling.scheduler import Scheduler
from coordinator.scheduling.shapes import Shape
from tests.unit.coordinator.parts import WARM, agent

SHAPE = Shape.of(WARM.name, Requirements())
NAMES = ("acacia", "birch", "cedar")


def made(name: str, state: str) -> Agent:
    return agent(name, busy=int(state == "busy"), models=() if state == "unable" else (WARM,))


@pytest.mark.parametrize("home", [None, "acacia", "elsewhere"])
@pytest.mark.parametrize("states", list(product(("free", "busy", "unable"), repeat=len(NAMES))))
def test_who_has_a_place_is_who_is_free_and_able_unless_its_home_is_waited_for(
    states: tuple[str, ...], home: str | None
) -> None:
    agents = [made(name, state) for name, state in zip(NAMES, states, strict=True)]
    fleet, line = Scheduler().fleet(agents, 0), Line(SHAPE, home)
    waits = home == "acacia" and states[0] == "busy"
    wanted = {} if waits else {each.agent_id: WARM for each, state in zip(agents, states, strict=True) if state == "free"}
    assert {each.agent_id: model for each, model in fleet.free_places(SHAPE, home)} == wanted
    assert {each.agent_id: fleet.free_model(SHAPE, home, each) for each in agents} == {name: wanted.get(name) for name in NAMES}
    assert fleet.has_place(SHAPE, home) == bool(wanted)
    assert fleet.with_place([line]) == ({line} if wanted else set())
