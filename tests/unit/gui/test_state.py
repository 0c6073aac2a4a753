"""What a page is sent."""

from uuid import uuid4

from bus.messages import AgentStatus, Claims, ClusterStatus, FailureInfo, Role, TaskStatus
from gui.frames import Frame, Level
from gui.sight import Sight
from gui.state import HiveState
from gui.tasks import MAX_HELD, SLACK, milliseconds
from tests.unit.gui.samples import NOON, after, agent, event, heartbeat


def cut(state: HiveState, since: int = 0, owner: str | None = None) -> Frame:
    return state.frame(since=since, sight=Sight(owner=owner), now=after(1))


def status(**queue: int) -> ClusterStatus:
    return ClusterStatus(version="1", leader="one", queue=queue, slots=2, slots_free=2, updated_at=NOON)


def test_a_page_that_has_seen_a_frame_gets_only_what_changed() -> None:
    state = HiveState()
    old, new = uuid4(), uuid4()
    state.tasks.apply_event(event(old, TaskStatus.QUEUED))
    first = cut(state)
    state.tasks.apply_event(event(new, TaskStatus.QUEUED))
    second = cut(state, since=first.revision)
    assert first.full
    assert not second.full
    assert [row.id for row in second.tasks] == [str(new)]


def test_an_agent_that_went_is_taken_off_the_page() -> None:
    state = HiveState()
    state.agents.apply_record("acacia", agent("acacia"))
    seen = cut(state).revision
    state.agents.apply_record("acacia", None)
    frame = cut(state, since=seen)
    assert (frame.agents, frame.agents_gone) == ((), ("acacia",))


def test_who_may_not_see_everybodys_tasks_sees_only_their_own() -> None:
    state = HiveState()
    mine, theirs = uuid4(), uuid4()
    failure = FailureInfo(code="backend_error", message="It answered 500.")
    state.tasks.apply_event(event(mine, TaskStatus.QUEUED, owner="ada"))
    state.tasks.apply_event(event(theirs, TaskStatus.FAILED, attempt=1, owner="grace", error=failure))
    frame = cut(state, owner="ada")
    assert [row.id for row in frame.tasks] == [str(mine)]
    assert not any(problem.failed_tasks for problem in frame.problems)
    assert any(problem.failed_tasks for problem in cut(state).problems)


def test_a_page_with_a_key_that_is_bound_to_less_is_sent_no_tasks() -> None:
    state, bound = HiveState(), Claims(sub="ada", roles=(Role.ADMIN,), scopes=("models.view",))
    state.tasks.apply_event(event(uuid4(), TaskStatus.QUEUED, owner="ada"))
    assert state.frame(since=0, sight=Sight.of(bound), now=after(1)).tasks == ()
    assert len(state.frame(since=0, sight=Sight.of(bound.model_copy(update={"scopes": ()})), now=after(1)).tasks) == 1


def test_a_page_of_another_tenant_is_sent_nothing_of_a_task_not_even_that_it_went() -> None:
    state, claims = HiveState(), Claims(sub="ada", roles=(Role.ADMIN,), tenant="acme")
    sight, at_home = Sight.of(claims), Sight.of(Claims(sub="ada", roles=(Role.VIEWER,)))
    mine, theirs = uuid4(), uuid4()
    failure = FailureInfo(code="backend_error", message="It answered 500.")
    state.tasks.apply_event(event(mine, TaskStatus.QUEUED, owner="ada"), "acme")
    state.tasks.apply_event(event(theirs, TaskStatus.FAILED, attempt=1, owner="ada", error=failure))
    frame = state.frame(since=0, sight=sight, now=after(1))
    assert [row.id for row in frame.tasks] == [str(mine)]
    assert not any(problem.failed_tasks for problem in frame.problems)
    assert [row.id for row in state.frame(since=0, sight=at_home, now=after(1)).tasks] == [str(theirs)]
    assert {row.id for row in state.frame(since=0, sight=Sight(), now=after(1)).tasks} == {str(mine), str(theirs)}
    for task_id in (uuid4() for _ in range(MAX_HELD + SLACK)):
        state.tasks.apply_event(event(task_id, TaskStatus.RUNNING, attempt=1))
    gone = {seen: state.frame(since=frame.revision, sight=seen, now=after(1)).tasks_gone for seen in (sight, at_home)}
    assert gone == {sight: (str(mine),), at_home: (str(theirs),)}


def test_a_bus_that_is_away_is_the_only_problem_worth_naming() -> None:
    state = HiveState()
    state.agents.apply_record("acacia", agent("acacia", AgentStatus.OFFLINE))
    state.apply_bus(True, NOON)
    state.apply_bus(False, after(9))
    [problem] = cut(state).problems
    assert (problem.code, problem.as_of_ms) == ("bus_unavailable", milliseconds(NOON))


def test_errors_stand_before_warnings() -> None:
    state = HiveState()
    state.agents.apply_record("acacia", agent("acacia", AgentStatus.DEGRADED, reason="Slow."))
    state.agents.apply_record("oak", agent("oak", AgentStatus.OFFLINE))
    problems = cut(state).problems
    assert [(problem.code, problem.level) for problem in problems] == [
        ("agent_offline", Level.ERROR),
        ("agent_degraded", Level.WARNING),
    ]


def test_what_many_agents_have_is_said_in_one_line() -> None:
    state = HiveState()
    for name in ("acacia", "birch", "cedar", "elm", "fir"):
        state.agents.apply_record(name, agent(name, AgentStatus.OFFLINE))
    state.agents.apply_record("oak", agent("oak", AgentStatus.DEGRADED, reason="Slow."))
    found = [(problem.title, problem.text, problem.agents) for problem in cut(state).problems]
    assert found == [
        ("5 agents are offline", "acacia, birch, cedar and 2 more", True),
        ("oak is degraded", "Slow.", False),
    ]


def test_tasks_that_wait_for_nobody_are_a_problem() -> None:
    state = HiveState()
    state.agents.apply_record("oak", agent("oak", AgentStatus.OFFLINE))
    state.apply_cluster(status(medium=3), NOON)
    titles = [problem.title for problem in cut(state).problems]
    assert "3 tasks wait and no agent is online" in titles


def test_failures_of_another_hour_are_no_problem_of_this_one() -> None:
    state = HiveState()
    failure = FailureInfo(code="backend_error", message="It answered 500.")
    state.tasks.apply_event(event(uuid4(), TaskStatus.FAILED, attempt=1, error=failure, at=after(-4000)))
    assert cut(state).problems == ()


def test_without_a_leader_the_last_numbers_stay_and_the_page_says_so() -> None:
    state = HiveState()
    state.apply_cluster(status(high=1), NOON)
    seen = state.revision.number
    state.apply_cluster(None, after(9))
    frame = cut(state, since=seen)
    assert frame.revision > seen
    assert frame.cluster is not None
    assert [problem.code for problem in frame.problems] == ["no_leader", "no_agent"]
    assert frame.problems[0].as_of_ms == milliseconds(NOON)


def test_an_unchanged_hive_sends_nothing() -> None:
    state = HiveState()
    state.agents.apply_record("acacia", agent("acacia"))
    state.apply_cluster(status(), NOON)
    seen = state.revision.number
    for second in range(3):
        state.apply_bus(True, after(second))
        state.agents.apply_heartbeat(heartbeat("acacia"), after(second))
        state.apply_cluster(status().model_copy(update={"updated_at": after(second)}), after(second))
        state.tick(after(second))
    assert state.revision.number == seen
