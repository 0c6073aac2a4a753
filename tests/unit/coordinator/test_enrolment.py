"""Whose an agent is that is heard though its host was removed."""

import pytest

from bus.messages.joining import AdmittedHost
from coordinator.agents.enrolment import is_removed

WALNUT = AdmittedHost(name="walnut", agents=("big-card",))


@pytest.mark.parametrize(
    ("agent", "known", "removed"),
    [
        ("walnut", (), True),
        ("walnut-2", (), True),
        ("big-card", (), True),
        ("walnuts", (), False),
        ("oak", (), False),
        ("walnut", (WALNUT,), False),  # it joined again
        ("walnut-2", (AdmittedHost(name="walnut-2"),), False),
        ("walnut-3", (AdmittedHost(name="walnut-2"),), True),
        ("big-card", (AdmittedHost(name="oak", agents=("big-card",)),), False),
    ],
)
def test_an_agent_of_a_removed_host_is_removed_unless_it_is_anothers(
    agent: str, known: tuple[AdmittedHost, ...], removed: bool
) -> None:
    assert is_removed(agent, (WALNUT,), known) is removed
