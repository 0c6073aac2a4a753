"""What a page may ask: the verbs that are listed, in their shapes, in the name of whoever is signed in."""

import re
from pathlib import Path
from typing import Any

import pytest

import gui
from bus import auth, subjects
from bus.errors import InvalidRequest, PermissionDenied
from bus.messages import Claims, KeyList, NoReply, Role, TaskRecord, TaskStatus
from bus.messages.tasks import ListTasks
from bus.service import Call, Endpoint, Service
from bus.testing import InMemoryBus
from gui import asks
from gui.sessions import May, may
from tests.unit.gui.samples import unlimited

VIEWER = Claims(sub="vic", roles=(Role.VIEWER,))


@pytest.mark.parametrize("verb", ["tasks.erase", "keys.ticket", "keys.redeem", "agents.benchmarked", "nothing", None, 7])
def test_what_no_page_asks_is_refused(verb: Any) -> None:
    with pytest.raises(InvalidRequest, match="No page of the dashboard"):
        asks.understood(verb, {})


@pytest.mark.parametrize("body", [{"limit": 10_000}, {"sort": "name"}, [], "all"])
def test_a_body_that_is_not_the_verbs_is_refused_before_the_bus(body: Any) -> None:
    with pytest.raises(InvalidRequest):
        asks.understood("tasks.list", body)


def test_a_listed_verb_is_understood() -> None:
    verb, body = asks.understood("tasks.list", {"status": ["failed"], "limit": 5})
    assert (verb.service, verb.verb) == ("tasks", "list")
    assert body == ListTasks(status=(TaskStatus.FAILED,), limit=5)
    assert asks.understood("tasks.get", {"id": "00000000-0000-4000-8000-000000000001"})[0].answer is TaskRecord


async def test_it_is_asked_in_the_name_of_who_is_signed_in_and_the_room_refuses() -> None:
    bus = InMemoryBus()

    async def listed(_call: Call[NoReply]) -> KeyList:
        return KeyList(keys=())

    endpoint = Endpoint(verb="list", body=NoReply, handler=listed, permission=auth.Permission.KEYS_MANAGE)
    await bus.serve(Service(name=subjects.SERVICE_KEYS, version="1.0.0", description="keys", endpoints=(endpoint,)))
    with pytest.raises(PermissionDenied):
        await asks.ask(bus, VIEWER, "keys.list", {}, unlimited)
    assert await asks.ask(bus, Claims(sub="ada", roles=(Role.ADMIN,)), "keys.list", {}, unlimited) == KeyList(keys=())


def test_what_a_role_may_not_is_not_offered() -> None:
    offered = may(VIEWER)
    assert offered.view_agents
    assert offered.view_metrics
    assert offered.view_models
    assert not any((offered.submit, offered.cancel_all, offered.requeue, offered.manage_agents, offered.manage_keys))
    assert not any((offered.manage_models, offered.manage_alerts, offered.manage_alert_targets))


def test_what_a_page_asks_whether_it_may_is_what_it_is_told() -> None:
    """A name that there is not would hide a button from everybody."""
    texts = [path.read_text() for path in (Path(gui.__file__).parent / "elements").rglob("*.js")]
    assert {name for text in texts for name in re.findall(r"\bmay\.(\w+)", text)} <= set(May.model_fields)


def test_who_manages_models_alone_is_offered_that_alone() -> None:
    assert not may(Claims(sub="ada", roles=(Role.ADMIN,), tenant="acme")).manage_quotas
    assert may(Claims(sub="ada", roles=(Role.ADMIN,), scopes=("quotas.*",))).manage_quotas
    offered = may(Claims(sub="ada", roles=(Role.ADMIN,), scopes=("models.*",)))
    assert {name for name, value in offered if value} == {"view_models", "manage_models"}
