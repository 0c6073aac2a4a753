"""Whose turn it is to be asked how it is."""

from coordinator.agents.checkups import CHECK_SECONDS, LEAST_AT_ONCE, Rota


def test_an_agent_is_asked_as_soon_as_it_is_known_and_then_every_ten_seconds() -> None:
    rota = Rota()
    assert rota.due(["acacia"], 0) == ["acacia"]
    assert rota.due(["acacia", "birch"], 1) == ["birch"]
    assert rota.due(["acacia", "birch"], CHECK_SECONDS - 0.1) == []
    assert rota.due(["acacia", "birch"], CHECK_SECONDS) == ["acacia"]


def test_a_thousand_agents_are_asked_in_equal_parts_and_nobody_is_left_out() -> None:
    rota, agents = Rota(), [f"agent-{number}" for number in range(1000)]
    rounds = [rota.due(agents, second) for second in range(20)]
    assert {len(asked) for asked in rounds} == {100}
    assert sorted(agent for asked in rounds[:10] for agent in asked) == sorted(agents)
    assert rounds[:10] == rounds[10:]


def test_a_few_are_asked_together_and_one_that_was_forgotten_and_came_back_at_once() -> None:
    rota, agents = Rota(), [f"agent-{number}" for number in range(LEAST_AT_ONCE)]
    assert rota.due(agents, 0) == agents
    assert rota.due(agents[1:], 1) == []
    assert rota.due(agents, 2) == agents[:1]
