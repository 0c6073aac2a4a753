"""The fold: any order and any repetition of the same events give the same picture."""

from datetime import timedelta
from uuid import UUID

from hypothesis import given
from hypothesis import strategies as st

from bus.messages import AgentPerformance, AgentStatus, ClusterPerformance, TaskEvent, TaskStatus, Timings, Usage
from bus.messages.cluster import ModelQuality, UserQuality, WorkflowQuality
from bus.messages.readings import ServiceVitals
from bus.messages.workflows import ExecutionStatus
from bus.vitals import FRESH_SECONDS
from monitor.groups import Groups
from monitor.ingest import Ledger
from monitor.tally import Tally
from monitor.vitals import Vitals
from monitor.window import LastHour
from tests.unit.monitor.events import NOON, agent_event, execution_event, metrics, task_event

ENDS = [TaskStatus.COMPLETED, TaskStatus.FAILED, TaskStatus.CANCELLED]
seconds = st.none() | st.floats(min_value=0.000_001, max_value=86_400)


def ledger(*, remembered: int = 1000) -> Ledger:
    return Ledger(NOON, fresh_seconds=30, remembered=remembered)


def told(events: list[TaskEvent]) -> ClusterPerformance:
    found = ledger()
    for event in events:
        found.count(event)
    return found.performance(0)


def agents(performance: ClusterPerformance) -> dict[str, AgentPerformance]:
    return {agent.agent_id: agent for agent in performance.agents}


@st.composite
def task_events(draw: st.DrawFn) -> TaskEvent:
    return task_event(
        draw(st.sampled_from([*ENDS, TaskStatus.QUEUED])),
        agent_id=draw(st.sampled_from(["acacia", "walnut", None])),
        task_id=UUID(int=draw(st.integers(0, 10))),
        attempt=draw(st.integers(1, 10)),
        owner=draw(st.sampled_from(["ann", "bo"])),
        model=draw(st.sampled_from(["qwen3", "qwen3:latest", "llama3.2:3b", None])),
        usage=Usage(completion_tokens=draw(st.integers(0, 10_000))),
        timings=Timings(
            total_seconds=draw(seconds), generation_seconds=draw(seconds), generation_tokens_per_second=draw(seconds)
        ),
        timestamp=NOON + timedelta(seconds=draw(st.integers(-1000, 1000))),
    )


@given(st.lists(task_events(), max_size=20, unique_by=lambda event: event.id), st.data())
def test_any_order_and_repetition_of_the_events_give_the_same_counts(events: list[TaskEvent], data: st.DataObject) -> None:
    repeated = events + (data.draw(st.lists(st.sampled_from(events), max_size=10)) if events else [])
    assert told(data.draw(st.permutations(repeated))) == told(events)


@given(st.lists(task_events(), max_size=20, unique_by=lambda event: event.id))
def test_the_whole_is_the_sum_of_what_ended(events: list[TaskEvent]) -> None:
    found = told(events)
    by_status = [sum(event.data.status is status for event in events) for status in ENDS]
    assert [found.completed, found.failed, found.cancelled] == by_status
    assert found.completed >= sum(agent.completed for agent in found.agents)


def test_it_says_whether_it_counted() -> None:
    found, event, execution = ledger(), task_event(), execution_event()
    assert [found.count(event), found.count(event), found.count(task_event(TaskStatus.QUEUED))] == [True, False, False]
    assert [found.count_execution(execution) for _ in range(2)] == [True, False]


def test_what_never_reached_an_agent_counts_for_nobody() -> None:
    found = told([task_event(TaskStatus.FAILED, agent_id=None)])
    assert (found.failed, found.agents) == (1, ())


def test_a_requeued_task_counts_for_the_agent_that_failed_it_and_for_the_one_that_did_it() -> None:
    task_id = UUID(int=7)
    found = told(
        [
            task_event(TaskStatus.FAILED, task_id=task_id, attempt=3, agent_id="acacia"),
            task_event(TaskStatus.COMPLETED, task_id=task_id, attempt=4, agent_id="walnut"),
        ]
    )
    assert (agents(found)["acacia"].failed, agents(found)["walnut"].completed) == (1, 1)


def test_counts_reach_back_to_the_oldest_end_that_was_told() -> None:
    assert told([]).since == NOON
    assert told([task_event(timestamp=NOON - timedelta(days=2)), task_event()]).since == NOON - timedelta(days=2)


def test_the_memory_of_what_was_counted_is_bounded_and_forgets_the_oldest() -> None:
    found, events = ledger(remembered=2), [task_event() for _ in range(3)]
    for event in [*events, events[2], events[1]]:
        found.count(event)
    assert found.performance(0).completed == 3
    found.count(events[0])
    assert found.performance(0).completed == 4


def test_the_latest_metrics_are_shown_until_they_are_stale() -> None:
    found = ledger()
    found.measure(metrics("acacia", cpu_usage=10), 100)
    found.measure(metrics("acacia", cpu_usage=20), 105)
    assert agents(found.performance(105))["acacia"].metrics == metrics("acacia", cpu_usage=20)
    assert agents(found.performance(135))["acacia"].metrics is not None
    assert agents(found.performance(136))["acacia"].metrics is None


def test_an_agent_that_went_offline_has_no_present_metrics_but_keeps_its_counts() -> None:
    found = ledger()
    found.count(task_event(agent_id="acacia"))
    found.measure(metrics("acacia", cpu_usage=10), 100)
    found.meet(agent_event("acacia", AgentStatus.OFFLINE).data)
    assert agents(found.performance(100))["acacia"] == AgentPerformance(
        agent_id="acacia", completed=1, success_rate=1.0, error_rate=0.0
    )


def test_an_agent_is_shown_from_the_moment_it_registers() -> None:
    found = ledger()
    found.meet(agent_event("walnut", AgentStatus.ONLINE).data)
    assert agents(found.performance(0)) == {"walnut": AgentPerformance(agent_id="walnut")}


def test_the_rate_and_the_mean_are_those_of_the_last_hour() -> None:
    found = ledger()
    for minutes, seconds in ((90, 100.0), (59, 4.0), (0, 2.0)):
        at = NOON - timedelta(minutes=minutes)
        found.count(task_event(timings=Timings(total_seconds=seconds), timestamp=at))
        found.count_execution(execution_event(ExecutionStatus.ERROR if minutes else ExecutionStatus.SUCCESS, timestamp=at))
    found.count_execution(execution_event(ExecutionStatus.CANCELED))
    told = found.readings(NOON, 0)
    assert (told.mean_task_seconds, told.execution_success_rate) == (3.0, 0.5)
    later = found.readings(NOON + timedelta(hours=1), 0)
    assert (later.mean_task_seconds, later.execution_success_rate) == (None, None)


def test_an_execution_that_is_told_twice_counts_once() -> None:
    found, failed = ledger(), execution_event(ExecutionStatus.ERROR)
    found.count_execution(execution_event())
    for _ in range(2):
        found.count_execution(failed)
    assert found.readings(NOON, 0).execution_success_rate == 0.5


def test_a_process_that_is_silent_has_gone() -> None:
    found = Vitals()
    for instance, at in (("1", 0.0), ("2", FRESH_SECONDS / 2)):
        found.hear(ServiceVitals(service="gui", instance=instance, memory_bytes=1), at)
    assert [each.instance for each in found.present(FRESH_SECONDS)] == ["1", "2"]
    assert [each.instance for each in found.present(FRESH_SECONDS + 1)] == ["2"]


def test_quality_is_told_by_agent_model_user_and_workflow() -> None:
    found = ledger()
    found.count(task_event(agent_id="acacia", owner="ann", model="qwen3", attempt=3))
    found.count(task_event(TaskStatus.FAILED, agent_id="acacia", owner="bo", model="qwen3:latest"))
    found.count(task_event(TaskStatus.CANCELLED, agent_id="walnut", owner="bo", model="llama3.2:3b"))
    workflow_id = UUID(int=9)
    found.count_execution(execution_event(ExecutionStatus.ERROR, workflow_id=workflow_id))
    found.count_execution(execution_event(workflow_id=workflow_id, mode="retry"))
    told = found.performance(0)
    half = {"completed": 1, "failed": 1, "success_rate": 0.5, "error_rate": 0.5}
    assert told.models == (
        ModelQuality(model="llama3.2:3b", cancelled=1),
        ModelQuality(model="qwen3:latest", retries=2, **half),
    )
    assert told.users == (
        UserQuality(user="ann", completed=1, retries=2, success_rate=1, error_rate=0),
        UserQuality(user="bo", failed=1, cancelled=1, success_rate=0, error_rate=1),
    )
    assert told.workflows == (WorkflowQuality(workflow_id=workflow_id, retries=1, **half),)
    assert agents(told)["acacia"] == AgentPerformance(agent_id="acacia", retries=2, **half)
    assert (told.retries, told.success_rate, told.cancelled) == (2, 0.5, 1)


def test_rates_of_models_and_workflows_are_of_the_last_hour_and_their_counts_of_all() -> None:
    found, workflow_id = ledger(), UUID(int=9)
    for minutes in (*range(120, 70, -1), 30):
        ended, at = minutes > 60, NOON - timedelta(minutes=minutes)
        status = TaskStatus.COMPLETED if ended else TaskStatus.FAILED
        found.count(task_event(status, model="qwen3:8b", timestamp=at))
        found.count_execution(
            execution_event(ExecutionStatus.SUCCESS if ended else ExecutionStatus.ERROR, workflow_id=workflow_id, timestamp=at),
        )
    for told in (found.models(NOON), found.workflows(NOON), found.readings(NOON, 0).models):
        assert [(each.completed, each.failed, each.success_rate, each.error_rate) for each in told] == [(50, 1, 0, 1)]
    later = found.models(NOON + timedelta(hours=1))
    assert [(each.failed, each.success_rate, each.error_rate) for each in later] == [(1, None, None)]
    assert found.performance(0).models[0].error_rate == 1 / 51


def test_an_hour_that_nobody_asks_for_holds_no_more_than_two() -> None:
    hour = LastHour()
    for minutes in range(1000):
        hour.add(NOON + timedelta(minutes=minutes), Tally(completed=1))
    assert hour.sum(NOON).completed == 120
    assert hour.sum(NOON + timedelta(minutes=999)).completed == 60


@given(st.lists(st.tuples(st.integers(-200, 200), st.booleans()), max_size=60))
def test_what_an_hour_adds_up_to_is_that_of_its_minutes_whenever_it_is_asked(steps: list[tuple[int, bool]]) -> None:
    """Ends come in any order, of clocks that are ahead, too; time goes on by a few minutes between two questions."""
    hour, added, now = LastHour(), list[int](), 0
    for minutes, asked in steps:
        if asked:
            now += abs(minutes) // 20
            added = [minute for minute in added if minute > now - 60]
            assert hour.sum(NOON + timedelta(minutes=now)).completed == len(added)
        else:
            hour.add(NOON + timedelta(minutes=minutes), Tally(completed=1))
            added.append(minutes)


def test_retries_of_a_task_that_was_requeued_by_hand_count_once() -> None:
    task_id = UUID(int=7)
    found = ledger()
    found.count(task_event(TaskStatus.FAILED, task_id=task_id, attempt=3))
    found.count(task_event(task_id=task_id, attempt=4, round_number=1))
    assert found.performance(0).retries == 2


def test_of_more_names_than_are_kept_the_one_that_ended_nothing_for_longest_is_forgotten() -> None:
    found = Groups(most=2)
    for name in ("a", "b", "a", "c"):
        found.add(name, Tally(completed=1))
    assert [(name, tally.completed) for name, tally in found] == [("a", 2), ("c", 1)]


def test_users_and_workflows_are_told_to_their_tenant_and_to_who_runs_the_hive() -> None:
    found, workflow_id = ledger(), UUID(int=7)
    found.count(task_event(owner="ann"))
    found.count(task_event(owner="ann", task_id=UUID(int=1)), "acme")
    found.count_execution(execution_event(ExecutionStatus.SUCCESS, workflow_id=workflow_id), "acme")
    users = {tenant: [each.user for each in found.performance(0, tenant).users] for tenant in (None, "acme", "burns")}
    assert users == {None: ["acme/ann", "ann"], "acme": ["ann"], "burns": []}
    workflows = [len(found.performance(0, tenant).workflows) for tenant in (None, "acme", "default")]
    assert workflows == [1, 1, 0]
