"""How tasks become rows."""

from itertools import permutations
from uuid import uuid4

from bus.messages import FailureInfo, TaskStatus
from gui.rows import Revision
from gui.tasks import MAX_HELD, SLACK, TaskFold
from tests.unit.gui.samples import after, event, record


def test_a_task_is_followed_from_its_queue_to_its_end() -> None:
    fold, task_id = TaskFold(Revision()), uuid4()
    fold.apply_event(event(task_id, TaskStatus.QUEUED, title="Digest", at=after(0)))
    fold.apply_event(event(task_id, TaskStatus.ASSIGNED, attempt=1, agent_id="acacia", at=after(1)))
    fold.apply_event(event(task_id, TaskStatus.RUNNING, attempt=1, agent_id="acacia", at=after(2)))
    fold.apply_event(event(task_id, TaskStatus.COMPLETED, attempt=1, agent_id="acacia", tokens=40, at=after(5)))
    row = fold.rows.get(str(task_id))
    assert row is not None
    assert (row.status, row.title, row.agent_id, row.tokens) == (TaskStatus.COMPLETED, "Digest", "acacia", 40)
    assert row.ended_ms is not None
    assert row.started_ms is not None
    assert row.ended_ms - row.started_ms == 3000


def test_events_in_any_order_leave_the_last_state() -> None:
    task_id = uuid4()
    events = [
        event(task_id, TaskStatus.QUEUED),
        event(task_id, TaskStatus.RUNNING, attempt=1, agent_id="acacia"),
        event(task_id, TaskStatus.COMPLETED, attempt=1, agent_id="acacia"),
    ]
    for order in permutations(events):
        fold = TaskFold(Revision())
        for one in order:
            fold.apply_event(one)
        row = fold.rows.get(str(task_id))
        assert row is not None
        assert row.status is TaskStatus.COMPLETED


def test_a_task_that_goes_back_to_the_queue_has_no_agent_and_no_start() -> None:
    fold, task_id = TaskFold(Revision()), uuid4()
    fold.apply_event(event(task_id, TaskStatus.RUNNING, attempt=1, agent_id="acacia"))
    fold.apply_event(event(task_id, TaskStatus.QUEUED, attempt=1))
    fold.apply_event(event(task_id, TaskStatus.RUNNING, attempt=1, agent_id="acacia"))
    row = fold.rows.get(str(task_id))
    assert row is not None
    assert (row.status, row.agent_id, row.started_ms) == (TaskStatus.QUEUED, None, None)


def test_a_task_that_came_back_to_the_queue_can_be_cancelled_there() -> None:
    fold, task_id = TaskFold(Revision()), uuid4()
    fold.apply_event(event(task_id, TaskStatus.FAILED, attempt=1, at=after(1)))
    fold.apply_event(event(task_id, TaskStatus.QUEUED, attempt=1, at=after(2)))
    fold.apply_event(event(task_id, TaskStatus.CANCELLED, attempt=1, at=after(3)))
    row = fold.rows.get(str(task_id))
    assert row is not None
    assert row.status is TaskStatus.CANCELLED


def test_a_list_mends_what_a_lost_event_left_wrong() -> None:
    fold, task_id = TaskFold(Revision()), uuid4()
    fold.apply_event(event(task_id, TaskStatus.RUNNING, attempt=1, agent_id="acacia"))
    fold.apply_records([record(TaskStatus.COMPLETED, task_id=task_id, attempts=1)], asked_at=1)
    row = fold.rows.get(str(task_id))
    assert row is not None
    assert row.status is TaskStatus.COMPLETED


def test_an_old_list_does_not_undo_what_was_heard_since() -> None:
    fold, task_id = TaskFold(Revision()), uuid4()
    asked_at = 0
    fold.apply_event(event(task_id, TaskStatus.COMPLETED, attempt=1, agent_id="acacia"))
    fold.apply_records([record(TaskStatus.RUNNING, task_id=task_id, attempts=1)], asked_at=asked_at)
    row = fold.rows.get(str(task_id))
    assert row is not None
    assert row.status is TaskStatus.COMPLETED


def test_a_list_is_believed_over_what_has_not_changed_since_it_was_asked_for() -> None:
    revision = Revision()
    fold, task_id = TaskFold(revision), uuid4()
    fold.apply_event(event(task_id, TaskStatus.FAILED, attempt=1))
    fold.apply_records([record(TaskStatus.RUNNING, task_id=task_id, attempts=1)], asked_at=revision.number)
    row = fold.rows.get(str(task_id))
    assert row is not None
    assert row.status is TaskStatus.RUNNING


def test_a_task_that_failed_without_an_attempt_can_be_put_back_into_the_queue() -> None:
    fold, task_id = TaskFold(Revision()), uuid4()
    queued = event(task_id, TaskStatus.QUEUED, at=after(0))
    fold.apply_event(queued)
    fold.apply_event(event(task_id, TaskStatus.FAILED, at=after(5)))
    fold.apply_event(queued)
    row = fold.rows.get(str(task_id))
    assert row is not None
    assert row.status is TaskStatus.FAILED
    fold.apply_event(event(task_id, TaskStatus.QUEUED, at=after(9)))
    row = fold.rows.get(str(task_id))
    assert row is not None
    assert row.status is TaskStatus.QUEUED


def test_ends_are_counted_once_in_their_minute() -> None:
    fold, good, bad = TaskFold(Revision()), uuid4(), uuid4()
    failure = FailureInfo(code="backend_error", message="The backend answered 500.")
    for _ in range(2):
        fold.apply_event(event(good, TaskStatus.COMPLETED, attempt=1, tokens=7, at=after(61)))
        fold.apply_event(event(bad, TaskStatus.FAILED, attempt=1, error=failure, at=after(0)))
    minutes = fold.minutes(after(65))
    assert [(minute.completed, minute.failed, minute.tokens) for minute in minutes[-2:]] == [(0, 1, 0), (1, 0, 7)]


def test_minutes_that_passed_are_forgotten() -> None:
    fold = TaskFold(Revision())
    fold.apply_event(event(uuid4(), TaskStatus.COMPLETED, attempt=1, at=after(0)))
    assert sum(minute.completed for minute in fold.minutes(after(59 * 60))) == 1
    assert sum(minute.completed for minute in fold.minutes(after(61 * 60))) == 0


def test_the_oldest_that_ended_go_first_and_what_runs_stays() -> None:
    fold, running, waiting = TaskFold(Revision()), uuid4(), uuid4()
    fold.apply_event(event(running, TaskStatus.RUNNING, attempt=1, agent_id="acacia", at=after(-100)))
    fold.apply_event(event(waiting, TaskStatus.QUEUED, at=after(-90)))
    ended = [uuid4() for _ in range(MAX_HELD + SLACK)]
    for number, task_id in enumerate(ended):
        fold.apply_event(event(task_id, TaskStatus.COMPLETED, attempt=1, at=after(number)))
    assert len(fold.rows) <= MAX_HELD + SLACK
    assert fold.rows.get(str(running)) is not None
    assert fold.rows.get(str(waiting)) is not None
    assert fold.rows.get(str(ended[0])) is None
    assert fold.rows.get(str(ended[-1])) is not None
