"""What is announced: an event's id is the same however often it is told, and the outbox gives back what it was given."""

from bus.messages import AgentEvent, AgentStatus, EventType, TaskEvent, TaskStatus
from coordinator.leading.facts import Fact, agent_fact, created_fact, task_fact
from tests.unit.coordinator.parts import NOON, after, task

TASK = task(traceparent="00-1-2-01", attempts=1)


def test_an_event_told_twice_has_one_id_and_another_event_another() -> None:
    told, again = (task_fact(TASK, TaskStatus.COMPLETED, at) for at in (NOON, after(60)))
    assert told.message_id == again.message_id
    others = (
        task_fact(TASK, TaskStatus.FAILED, NOON),
        task_fact(TASK.evolve(attempts=2), TaskStatus.COMPLETED, NOON),
        task_fact(TASK, TaskStatus.QUEUED, NOON),
        created_fact(TASK, NOON),
        task_fact(task(), TaskStatus.COMPLETED, NOON),
        task_fact(TASK.evolve(tenant="umbrella"), TaskStatus.COMPLETED, NOON),
    )
    assert len({told.message_id, *(fact.message_id for fact in others)}) == len(others) + 1


def test_ends_are_durable_and_steps_are_not() -> None:
    durable = {status for status in TaskStatus if status is not TaskStatus.PENDING and task_fact(TASK, status, NOON).durable}
    assert durable == {TaskStatus.COMPLETED, TaskStatus.FAILED, TaskStatus.CANCELLED}


def test_a_task_s_event_names_its_subject_and_its_task() -> None:
    fact = task_fact(TASK, TaskStatus.ASSIGNED, NOON, agent_id="acacia")
    event = TaskEvent.model_validate_json(fact.body)
    assert fact.subject == f"hive.events.default.task.assigned.{TASK.id}"
    assert (event.correlation_id, event.data.agent_id, event.data.attempt) == (str(TASK.id), "acacia", 1)
    assert fact.traceparent == "00-1-2-01"


def test_an_agent_s_event_says_what_it_was_before() -> None:
    fact = agent_fact(EventType.AGENT_STATUS_CHANGED, "acacia", AgentStatus.OFFLINE, NOON, AgentStatus.ONLINE, "silent")
    event = AgentEvent.model_validate_json(fact.body)
    assert fact.subject == "hive.events.default.agent.status_changed.acacia"
    assert (event.data.status, event.data.previous, event.data.reason) == (AgentStatus.OFFLINE, AgentStatus.ONLINE, "silent")


def test_the_outbox_gives_back_what_it_was_given() -> None:
    facts = [task_fact(TASK, TaskStatus.COMPLETED, NOON), created_fact(TASK, NOON)]
    assert [Fact(*fact.to_row()) for fact in facts] == facts
