"""Which topics there are, who may follow them, and what becomes of what the bus says; and what a slow client is told."""

from typing import Any

import pytest

from bus import subjects
from bus.errors import InvalidRequest, PermissionDenied
from bus.messages import Claims, Role
from coordinator.gateway.live.outbox import Outbox
from coordinator.gateway.live.topics import Said, heard, parse

EXECUTION = "6f9fd1b2-98a5-4f3a-9a0e-2f6f4f0c2f4e"


def claims(*roles: Role, sub: str = "ann") -> Claims:
    return Claims(sub=sub, roles=roles)


@pytest.mark.parametrize(
    "name",
    [
        "agent.acacia",
        "agent.*",
        f"execution.{EXECUTION}",
        "execution.*",
        "cluster.status",
        "alerts.critical",
        "alerts.*",
        "user.ann",
    ],
)
def test_the_seed_s_topics_are_there(name: str) -> None:
    assert str(parse(name)) == name


@pytest.mark.parametrize(
    "name",
    [
        "",
        "agent",
        "agent.",
        "agent.A",
        "agent.>",
        "agent.a.b",
        "execution.7",
        "cluster.*",
        "alerts.bad",
        "user.>",
        "user.a b",
        "task.1",
    ],
)
def test_what_is_no_topic_is_refused(name: str) -> None:
    with pytest.raises(InvalidRequest, match="There is no topic"):
        parse(name)


@pytest.mark.parametrize(
    ("name", "who", "may"),
    [
        ("agent.acacia", claims(Role.VIEWER), True),
        ("alerts.critical", claims(Role.VIEWER), True),
        ("alerts.critical", claims(), False),
        ("execution.*", claims(Role.DEVELOPER), True),
        ("cluster.status", claims(), False),
        ("user.ann", claims(), True),
        ("user.ann", Claims(sub="ann", roles=(Role.ADMIN,), scopes=("models.view",)), False),
        ("user.bob", claims(Role.DEVELOPER), False),
        ("user.*", claims(Role.VIEWER), False),
        ("user.*", claims(Role.ADMIN), True),
    ],
)
def test_each_topic_has_its_permission_and_what_is_one_s_own_is_free(name: str, who: Claims, may: bool) -> None:
    if may:
        parse(name).require(who)
    else:
        with pytest.raises(PermissionDenied):
            parse(name).require(who)


def event(kind: str, **data: Any) -> dict[str, Any]:
    return {"id": "1", "type": kind, "source": "x", "timestamp": "2026-11-27T12:00:00Z", "data": data}


QUOTA = event("quota.warning", owner="ann", owners=["ann", "bob"])


@pytest.mark.parametrize(
    ("topic", "body", "said"),
    [
        (
            "agent.*",
            {"agent_id": "acacia", "timestamp": "now", "cpu_usage": 67.2, "tokens_per_second": 18.5},
            Said("agent.acacia", {"performance": {"tps": 18.5, "cpu_usage": 67.2, "tokens_per_second": 18.5}}),
        ),
        (
            "agent.acacia",
            event("agent.status_changed", agent_id="acacia", status="offline"),
            Said("agent.acacia", {"event": "agent.status_changed", "agent_id": "acacia", "status": "offline"}),
        ),
        ("alerts.critical", event("system.alert", severity="critical"), Said("alerts.critical", {"severity": "critical"})),
        ("alerts.critical", event("system.alert", severity="info"), None),
        ("alerts.*", event("system.alert", severity="info"), Said("alerts.info", {"severity": "info"})),
        ("user.ann", event("task.queued", owner="ann"), Said("user.ann", {"event": "task.queued", "owner": "ann"})),
        ("user.ann", event("task.queued", owner="bob"), None),
        ("user.*", event("workflow.message", name="x"), None),
        ("user.bob", QUOTA, Said("user.bob", {"event": "quota.warning", "owner": "bob"})),
        ("user.cid", QUOTA, None),
        ("user.*", QUOTA, Said("user.ann", {"event": "quota.warning", "owner": "ann", "owners": ["ann", "bob"]})),
        (
            f"execution.{EXECUTION}",
            event("workflow.node_completed", node="Set", workflow_id="w"),
            Said(
                f"execution.{EXECUTION}",
                {
                    "type": "node_completed",
                    "execution_id": EXECUTION,
                    "workflow_id": "w",
                    "timestamp": "2026-11-27T12:00:00Z",
                    "data": {"node_id": "Set", "node": "Set", "workflow_id": "w"},
                },
            ),
        ),
        ("execution.*", event("workflow.message", name="x"), None),
    ],
)
def test_what_is_heard_is_told_in_the_seed_s_form(topic: str, body: dict[str, Any], said: Said | None) -> None:
    assert heard(parse(topic), subjects.events(entity_id=EXECUTION), body) == said


def test_a_quota_of_a_workflow_is_for_everybody_who_ran_it() -> None:
    assert [str(topic) for topic in parse("user.cid").concerned(QUOTA)] == ["user.ann", "user.bob", "user.*"]


def test_a_full_outbox_drops_the_oldest_and_counts_it() -> None:
    outbox = Outbox(most=2)
    for number in range(5):
        outbox.put(f"t{number % 2}", str(number))
    assert outbox.missed() == {"t0": 2, "t1": 1}
    assert outbox.missed() == {}
    assert [outbox.next(), outbox.next(), outbox.next()] == ["3", "4", None]


def test_an_outbox_is_bounded_by_its_characters_too() -> None:
    outbox = Outbox(characters=10)
    for text in ("1234567", "890", "abc", "a very long message"):
        outbox.put("t", text)
    assert (outbox.missed(), outbox.next(), outbox.next()) == ({"t": 3}, "a very long message", None)
