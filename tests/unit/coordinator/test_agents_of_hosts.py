"""As whom a host that has joined may speak: never as another host, nor as what is called after one."""

from uuid import uuid4

import pytest

from bus.errors import NameTaken
from bus.messages.joining import AdmittedHost
from coordinator.agents.enrolment import KnownHost, agents_of, require_free_agents, require_free_name

WALNUT, NEXT, OAK = AdmittedHost(name="walnut", agents=("acacia",)), AdmittedHost(name="walnut-2"), AdmittedHost(name="oak")
ALL = (WALNUT, NEXT, OAK)


@pytest.mark.parametrize(
    ("asked", "granted"),
    [
        ((), ("walnut",)),
        (("walnut", "walnut-builtin"), ("walnut", "walnut-builtin")),
        (("acacia",), ("walnut", "acacia")),
        (("oak", "oak-2", "walnuts", "elm", "*", ">"), ("walnut",)),
        (("walnut-2", "walnut-2-builtin", "walnut-3"), ("walnut", "walnut-3")),
    ],
)
def test_a_host_speaks_for_what_is_called_after_it_and_for_what_it_named(
    asked: tuple[str, ...], granted: tuple[str, ...]
) -> None:
    assert agents_of(WALNUT, asked, ALL) == granted


def test_what_another_named_is_not_for_who_is_called_likewise() -> None:
    assert agents_of(NEXT, ("walnut-2-a",), (*ALL, AdmittedHost(name="elm", agents=("walnut-2-a",)))) == ("walnut-2",)


def known(name: str, *agents: str) -> KnownHost:
    return KnownHost(key=f"U{name}", name=name, token_id=uuid4(), agents=agents)


@pytest.mark.parametrize("agent", ["oak", "oak-2", "beech", "pine"])
def test_names_of_others_are_taken(agent: str) -> None:
    with pytest.raises(NameTaken):
        require_free_agents((agent,), "Uwalnut", [known("oak", "beech"), known("walnut")], present={"pine"})


def test_its_own_may_be_named_again_while_they_run() -> None:
    require_free_agents(("acacia",), "Uwalnut", [known("walnut", "acacia")], present={"acacia"})


def test_a_host_is_not_called_as_an_agent_of_another() -> None:
    with pytest.raises(NameTaken):
        require_free_name("acacia", "Uother", [known("walnut", "acacia")], present=False)
