"""How agents become rows."""

from bus.messages import AgentChange, AgentStatus, ModelInfo, PerformanceMetrics
from gui.agents import AgentFold
from gui.rows import Revision
from tests.unit.gui.samples import NOON, after, agent, heartbeat


def test_a_heartbeat_says_how_busy_an_agent_is_and_the_leader_what_it_is() -> None:
    fold = AgentFold(Revision())
    fold.apply_record("acacia", agent("acacia", AgentStatus.DEGRADED, reason="It hung."))
    fold.apply_heartbeat(heartbeat("acacia", running=2, models=(ModelInfo(name="phi3", loaded=True),)), NOON)
    row = fold.rows.get("acacia")
    assert row is not None
    assert (row.status, row.reason, row.running) == (AgentStatus.DEGRADED, "It hung.", 2)
    assert row.models[0].loaded


def test_a_heartbeat_of_an_agent_that_nobody_introduced_shows_nothing() -> None:
    fold = AgentFold(Revision())
    fold.apply_heartbeat(heartbeat("stranger"), NOON)
    assert len(fold.rows) == 0


def test_heartbeats_that_say_nothing_new_send_nothing() -> None:
    revision = Revision()
    fold = AgentFold(revision)
    fold.apply_record("acacia", agent("acacia"))
    before = revision.number
    for second in range(5):
        fold.apply_heartbeat(heartbeat("acacia"), after(second))
        fold.notice_silence(after(second))
    assert revision.number == before


def test_an_agent_whose_heartbeats_stop_is_silent_until_it_is_heard_again() -> None:
    fold = AgentFold(Revision())
    fold.apply_record("acacia", agent("acacia"))
    fold.apply_heartbeat(heartbeat("acacia"), NOON)
    fold.notice_silence(after(6))
    row = fold.rows.get("acacia")
    assert row is not None
    assert row.silent
    fold.apply_heartbeat(heartbeat("acacia"), after(7))
    row = fold.rows.get("acacia")
    assert row is not None
    assert not row.silent


def test_silence_while_this_side_was_away_is_held_against_nobody() -> None:
    fold = AgentFold(Revision())
    fold.apply_record("acacia", agent("acacia"))
    fold.apply_heartbeat(heartbeat("acacia"), NOON)
    fold.pardon(after(60))
    fold.notice_silence(after(61))
    row = fold.rows.get("acacia")
    assert row is not None
    assert not row.silent


def test_what_a_host_cannot_measure_is_left_out() -> None:
    fold = AgentFold(Revision())
    fold.apply_record("acacia", agent("acacia"))
    fold.apply_metrics(PerformanceMetrics(agent_id="acacia", timestamp=NOON, cpu_usage=12.4))
    row = fold.rows.get("acacia")
    assert row is not None
    assert (row.gauges.cpu, row.gauges.gpu) == (12, None)


def test_a_change_of_status_shows_before_the_record_does() -> None:
    fold = AgentFold(Revision())
    fold.apply_record("acacia", agent("acacia"))
    fold.apply_change(AgentChange(agent_id="acacia", status=AgentStatus.OFFLINE, reason="Its connection closed."))
    row = fold.rows.get("acacia")
    assert row is not None
    assert (row.status, row.reason) == (AgentStatus.OFFLINE, "Its connection closed.")


def test_a_host_that_is_gone_shows_no_old_figures() -> None:
    fold = AgentFold(Revision())
    fold.apply_record("acacia", agent("acacia"))
    warm = PerformanceMetrics(agent_id="acacia", timestamp=NOON, cpu_usage=80.0)
    fold.apply_metrics(warm)
    fold.apply_change(AgentChange(agent_id="acacia", status=AgentStatus.OFFLINE))
    fold.apply_record("acacia", agent("acacia", AgentStatus.OFFLINE))
    fold.apply_record("acacia", agent("acacia"))
    row = fold.rows.get("acacia")
    assert row is not None
    assert row.gauges.cpu is None
