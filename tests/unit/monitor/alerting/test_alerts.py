"""What becomes of alerts, by a clock that the test moves."""

from uuid import uuid4

import pytest

from bus.errors import Conflict, InvalidRequest, NotFound
from bus.messages.alerts import DAY_SECONDS, AlertScope, AlertState, Severity
from monitor.alerting.alerts import Alerts, grouped
from monitor.alerting.rules import defaults, read
from monitor.alerting.samples import FRESH_SECONDS
from tests.unit.monitor.alerting.scene import Scene, rule

FIRING, RESOLVED, SILENCED = AlertState.FIRING, AlertState.RESOLVED, AlertState.SILENCED


def test_the_seed_s_rules_are_the_defaults() -> None:
    assert {name: (r.condition, r.severity, r.cooldown) for name, r in defaults().items()} == {
        "high_cpu": ("cpu_usage > 85", Severity.WARNING, 300),
        "agent_down": ("agent_available == false", Severity.CRITICAL, 60),
        "slow_response": ("avg_response_time > 60", Severity.WARNING, 180),
    }
    scene = Scene()
    scene.hear(cpu_usage=90, response_time=61, agent_available=True)
    assert scene.states() == {"high_cpu": FIRING, "slow_response": FIRING}


def test_for_is_read_as_prometheus_writes_it() -> None:
    text = "alerts: {hot: {condition: cpu_usage > 85, severity: info, for: 20}}"
    assert read(text)["hot"].for_seconds == 20


def test_a_rule_that_is_wrong_is_named() -> None:
    with pytest.raises(InvalidRequest, match=r"alerts\.odd\.severity"):
        read("alerts: {odd: {condition: cpu_usage > 1, severity: bad}}")
    with pytest.raises(InvalidRequest, match=r"alerts\.odd\.condition"):
        Scene(odd=rule("cpu > 1"))


def test_it_fires_once_and_is_resolved_once() -> None:
    scene = Scene(hot=rule("cpu_usage > 85"))
    (fired,) = scene.hear(cpu_usage=90).judge()
    assert (fired.state, fired.entity, fired.values, fired.rank) == (FIRING, "acacia", {"cpu_usage": 90}, 1)
    assert scene.wait(5).hear(cpu_usage=95).judge() == []
    (resolved,) = scene.wait(5).hear(cpu_usage=50).judge()
    assert (resolved.id, resolved.state, resolved.rank, resolved.resolved_at) == (fired.id, RESOLVED, 2, scene.now)
    assert scene.wait(5).hear(cpu_usage=40).judge() == []


def test_each_thing_has_its_own_alert() -> None:
    scene = Scene(hot=rule("cpu_usage > 85"))
    changed = scene.hear("acacia", cpu_usage=90).hear("walnut", cpu_usage=91).hear("oak", cpu_usage=1).judge()
    assert sorted(alert.entity for alert in changed) == ["acacia", "walnut"]
    (group,) = grouped(scene.alerts.active)
    assert (group.rule, group.entities) == ("hot", ("acacia", "walnut"))


@pytest.mark.parametrize(
    ("scope", "condition", "values"),
    [
        (AlertScope.MODEL, "error_rate > 0.1 and completed + failed > 10", {"error_rate": 0.5, "completed": 9, "failed": 9}),
        (AlertScope.WORKFLOW, "success_rate < 0.5", {"success_rate": 0.2}),
        (AlertScope.QUEUE, "avg(waiting, 60) >= 100", {"waiting": 100}),
    ],
)
def test_models_workflows_and_the_queue_have_rules_too(scope: AlertScope, condition: str, values: dict[str, float]) -> None:
    scene = Scene(it=rule(condition, scope=scope))
    (fired,) = scene.hear("it", scope, **values).judge()
    assert (fired.scope, fired.entity) == (scope, "it")


def test_it_waits_for_as_long_as_the_rule_says_and_a_break_begins_anew() -> None:
    scene = Scene(hot=rule("cpu_usage > 85", for_seconds=20))
    assert scene.hear(cpu_usage=90).states() == {}
    assert scene.wait(10).hear(cpu_usage=80).states() == {}
    assert scene.wait(10).hear(cpu_usage=90).states() == {}
    assert scene.wait(19).hear(cpu_usage=90).states() == {}
    assert scene.wait(1).hear(cpu_usage=90).states() == {"hot": FIRING}


def test_it_fires_not_again_before_the_cooldown_is_over() -> None:
    scene = Scene(hot=rule("cpu_usage > 85", cooldown=60))
    assert scene.hear(cpu_usage=90).states() == {"hot": FIRING}
    assert scene.wait(10).hear(cpu_usage=80).states() == {"hot": RESOLVED}
    assert scene.wait(10).hear(cpu_usage=90).states() == {}
    assert scene.wait(39).hear(cpu_usage=90).states() == {}
    assert scene.wait(1).hear(cpu_usage=90).states() == {"hot": FIRING}


def test_a_host_that_is_down_silences_its_other_alerts_and_nobody_else_s() -> None:
    scene = Scene()
    scene.hear(cpu_usage=90, agent_available=True).hear("walnut", cpu_usage=90, agent_available=True)
    assert [alert.state for alert in scene.judge()] == [FIRING, FIRING]
    changed = {(a.rule, a.entity): a for a in scene.wait(1).hear(agent_available=False).judge()}
    assert {key: alert.state for key, alert in changed.items()} == {
        ("agent_down", "acacia"): FIRING,
        ("high_cpu", "acacia"): SILENCED,
    }
    assert changed["high_cpu", "acacia"].reason == "agent_down fires for acacia"
    assert scene.wait(1).hear(agent_available=True).states() == {"agent_down": RESOLVED, "high_cpu": FIRING}


def test_a_rule_may_say_itself_whether_it_inhibits() -> None:
    mild = rule("agent_available == false", inhibits=False)
    scene = Scene(down=mild, hot=rule("cpu_usage > 85"))
    assert scene.hear(cpu_usage=90, agent_available=False).states() == {"down": FIRING, "hot": FIRING}


def test_a_rule_that_asks_for_more_than_whether_its_agent_is_there_silences_nothing_unless_it_says_so() -> None:
    hot = "agent_available == true and gpu_temperature > 90"
    for written, others in ((rule(hot), FIRING), (rule(hot, inhibits=True), SILENCED)):
        scene = Scene(hot=written, busy=rule("cpu_usage > 85"), gone=rule("not agent_available"))
        scene.hear(agent_available=True, gpu_temperature=95, cpu_usage=90)
        assert scene.states() == {"hot": FIRING, "busy": others}
        assert [each.name for each in scene.rules if each.inhibits and each.name != "hot"] == ["gone"]


def test_what_is_silenced_fires_when_the_silence_ends() -> None:
    scene = Scene(hot=rule("cpu_usage > 85"))
    scene.silence(30, rule="hot", entity="acacia")
    assert [a.state for a in scene.hear(cpu_usage=90).hear("walnut", cpu_usage=90).judge()] == [SILENCED, FIRING]
    assert scene.wait(30).hear(cpu_usage=90).hear("walnut", cpu_usage=90).states() == {"hot": FIRING}


def test_an_acknowledged_alert_stays_so_until_it_is_resolved() -> None:
    scene = Scene(hot=rule("cpu_usage > 85"))
    (fired,) = scene.hear(cpu_usage=90).judge()
    taken = scene.alerts.acknowledge(fired.id, "ann", scene.now)
    assert (taken.state, taken.acknowledged_by, taken.rank) == (AlertState.ACKNOWLEDGED, "ann", 2)
    assert scene.alerts.acknowledge(fired.id, "bob", scene.now) == taken
    scene.silence(30, severity="warning")
    assert scene.wait(5).hear(cpu_usage=90).states() == {}
    assert scene.wait(5).hear(cpu_usage=1).states() == {"hot": RESOLVED}
    with pytest.raises(Conflict):
        scene.alerts.acknowledge(fired.id, "ann", scene.now)
    with pytest.raises(NotFound):
        scene.alerts.acknowledge(uuid4(), "ann", scene.now)


def test_what_a_monitor_told_before_it_died_is_not_told_again_and_its_end_is() -> None:
    before = Scene(hot=rule("cpu_usage > 85"))
    (fired,) = before.hear(cpu_usage=90).judge()
    after = Scene(hot=rule("cpu_usage > 85"))
    after.alerts = Alerts([fired])
    assert after.wait(10).states() == {}, "it has heard of nobody yet"
    assert after.hear(cpu_usage=90).states() == {}
    assert after.wait(5).hear(cpu_usage=2).states() == {"hot": RESOLVED}


def test_what_nothing_is_heard_of_is_over_after_a_while() -> None:
    scene = Scene(hot=rule("cpu_usage > 85"))
    assert scene.hear(cpu_usage=90).states() == {"hot": FIRING}
    scene.samples.forget((AlertScope.AGENT, "acacia"))
    assert scene.wait(299).states() == {}
    (over,) = scene.wait(1).judge() or scene.wait(300).judge()
    assert (over.state, over.reason) == (RESOLVED, "nothing was heard of acacia for 5 minutes")


def test_an_alert_ends_with_its_rule() -> None:
    scene = Scene(hot=rule("cpu_usage > 85"))
    scene.hear(cpu_usage=90).judge()
    scene.rules = ()
    (over,) = scene.judge()
    assert (over.state, over.reason) == (RESOLVED, "its rule is gone or disabled")


def test_what_is_silenced_and_unknown_is_not_told_to_fire() -> None:
    scene = Scene()
    scene.hear(cpu_usage=90, agent_available=False).judge()
    assert scene.wait(FRESH_SECONDS + 1).hear(agent_available=True).states() == {"agent_down": RESOLVED}
    assert scene.wait(1).hear(agent_available=True, cpu_usage=90).states() == {"high_cpu": FIRING}


def test_what_vanishes_and_comes_back_holds_anew() -> None:
    scene = Scene(hot=rule("cpu_usage > 85", for_seconds=20))
    assert scene.hear(cpu_usage=90).states() == {}
    scene.samples.forget((AlertScope.AGENT, "acacia"))
    assert scene.wait(10).states() == {}
    assert scene.wait(10).hear(cpu_usage=90).states() == {}
    assert scene.wait(20).hear(cpu_usage=90).states() == {"hot": FIRING}


def test_a_rule_that_changes_holds_anew() -> None:
    scene = Scene(hot=rule("cpu_usage > 85", for_seconds=20), warm=rule("cpu_usage > 60", for_seconds=20))
    assert scene.hear(cpu_usage=90).states() == {}
    scene.alerts.begin_anew(["hot"])
    assert scene.wait(20).hear(cpu_usage=90).states() == {"warm": FIRING}
    assert scene.wait(20).hear(cpu_usage=90).states() == {"hot": FIRING}


def test_what_is_over_is_forgotten_once_no_cooldown_can_go_on() -> None:
    scene = Scene(hot=rule("cpu_usage > 85"))
    (fired,) = scene.hear(cpu_usage=90).judge()
    assert scene.wait(DAY_SECONDS + 5).hear(cpu_usage=1).states() == {"hot": RESOLVED}
    assert scene.wait(5).hear(cpu_usage=1).states() == {}
    with pytest.raises(NotFound):
        scene.alerts.acknowledge(fired.id, "ann", scene.now)
