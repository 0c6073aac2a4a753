"""A checker that finds nothing proves nothing: each promise is broken here once, in a history that holds otherwise."""

from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from uuid import UUID, uuid4

import pytest

from bus import subjects
from bus.messages import (
    AttemptRecord,
    AttemptStatus,
    EventType,
    FailureInfo,
    HiveEvent,
    Output,
    TaskChange,
    TaskRecord,
    TaskStatus,
)
from tests.chaos.backend import expected
from tests.chaos.checker import judge
from tests.chaos.history import Acknowledged, Announced, Entry, Final, GenerationBegan, Log, RequestFailed, Streamed

NOW = datetime(2026, 1, 1, tzinfo=UTC)
TOKENS = 3
History = list[Entry]


def attempt(number: int, status: AttemptStatus) -> AttemptRecord:
    return AttemptRecord(id=uuid4(), number=number, agent_id="acacia", model="slow", status=status, offered_at=NOW)


def record(op: str, generation: int = 2) -> TaskRecord:
    """Of a task whose first attempt was lost and whose second completed."""
    return TaskRecord(
        id=uuid4(),
        owner="ada",
        status=TaskStatus.COMPLETED,
        priority=3,
        created_at=NOW,
        attempts=(attempt(1, AttemptStatus.LOST), attempt(2, AttemptStatus.COMPLETED)),
        output=Output(text=expected(op, generation, TOKENS)),
    )


def event(
    task: TaskRecord, event_type: EventType, status: TaskStatus, rank: int, attempt_id: UUID | None
) -> HiveEvent[TaskChange]:
    change = TaskChange(task_id=task.id, status=status, rank=rank, priority=3, owner="ada", attempt_id=attempt_id)
    return HiveEvent[TaskChange](id=f"{task.id}.{rank}", type=event_type, source="coordinator", timestamp=NOW, data=change)


def history_of(op: str, first: int = 1) -> History:
    """Everything that is seen of one task that went well. `first`: the sequence of its first event."""
    task = record(op)
    steps = (
        (EventType.TASK_QUEUED, TaskStatus.QUEUED, 1, None),
        (EventType.TASK_ASSIGNED, TaskStatus.ASSIGNED, 1002, task.attempts[0].id),
        (EventType.TASK_ASSIGNED, TaskStatus.ASSIGNED, 2002, task.attempts[1].id),
    )
    end = event(task, EventType.TASK_COMPLETED, TaskStatus.COMPLETED, 2004, task.attempts[1].id)
    return [
        Acknowledged(op=op, task_id=task.id, asked_at=0.0, tokens=TOKENS),
        *(GenerationBegan(name=op, agent_id="acacia", number=number) for number in (1, 2)),
        *(
            Announced(stream=subjects.PROGRESS, sequence=first + number, event=event(task, *step))
            for number, step in enumerate(steps)
        ),
        Announced(stream=subjects.EVENTS, sequence=first, event=end),
        Streamed(task_id=task.id, text=expected(op, 2, TOKENS), connections=1),
        Final(op=op, record=task),
    ]


@pytest.fixture
def history() -> History:
    return [*history_of("one"), *history_of("two", first=10)]


def final(history: History) -> Final:
    return next(entry for entry in history if isinstance(entry, Final))


def become(history: History, **changed: object) -> None:
    """The first task's record is another."""
    found = final(history)
    history[history.index(found)] = found.model_copy(update={"record": found.record.model_copy(update=changed)})


def lose_a_task(history: History) -> None:
    history.remove(final(history))


def leave_a_task_open(history: History) -> None:
    become(history, status=TaskStatus.RUNNING)


def fail_a_task(history: History) -> None:
    error = FailureInfo(code="attempts_exhausted", message="")
    become(history, status=TaskStatus.FAILED, error=error)


def complete_a_task_twice(history: History) -> None:
    become(history, attempts=(attempt(1, AttemptStatus.COMPLETED), *final(history).record.attempts[1:]))


def make_two_tasks_of_one_retry(history: History) -> None:
    history.append(Acknowledged(op="one", task_id=uuid4(), asked_at=0.0, tokens=TOKENS))


def keep_a_second_task_that_nobody_was_told_of(history: History) -> None:
    history.append(Final(op="one", record=record("one")))


def announce_nothing(history: History) -> None:
    history.remove(end(history))


def announce_twice(history: History) -> None:
    again = end(history).event
    history.append(Announced(stream=subjects.EVENTS, sequence=99, event=again))


def announce_another_end(history: History) -> None:
    announced(history, status=TaskStatus.FAILED)


def announce_the_end_of_another_attempt(history: History) -> None:
    announced(history, attempt_id=final(history).record.attempts[0].id)


def announced(history: History, **changed: object) -> None:
    found = end(history)
    data = found.event.data.model_copy(update=changed)
    history[history.index(found)] = found.model_copy(update={"event": found.event.model_copy(update={"data": data})})


def end(history: History) -> Announced:
    return next(entry for entry in history if isinstance(entry, Announced) and entry.stream == subjects.EVENTS)


def turn_events_round(history: History) -> None:
    first, second = [entry for entry in history if isinstance(entry, Announced)][:2]
    history[history.index(first)] = first.model_copy(update={"sequence": second.sequence})
    history[history.index(second)] = second.model_copy(update={"sequence": first.sequence})


def tell_a_step_twice(history: History) -> None:
    step = next(entry for entry in history if isinstance(entry, Announced))
    history.append(step.model_copy(update={"sequence": 99}))


def mix_two_attempts(history: History) -> None:
    one, two = expected("one", 1, TOKENS), expected("one", 2, TOKENS)
    become(history, output=Output(text=one[: len(one) // 3] + two[len(one) // 3 :]))


def cut_an_output_off(history: History) -> None:
    become(history, output=Output(text=expected("one", 2, TOKENS - 1)))


def give_an_output_that_never_ran(history: History) -> None:
    become(history, output=Output(text=expected("one", 3, TOKENS)))


def give_one_task_the_output_of_another(history: History) -> None:
    become(history, output=Output(text=expected("two", 2, TOKENS)))


def stream_something_else(history: History) -> None:
    found = next(entry for entry in history if isinstance(entry, Streamed))
    history[history.index(found)] = found.model_copy(update={"text": expected("one", 1, TOKENS)})


def test_a_history_in_which_all_went_well_breaks_no_promise(history: History) -> None:
    verdict = judge(history)
    assert verdict.broken == {}
    assert verdict.acknowledged == 2


@pytest.mark.parametrize(
    ("plant", "found"),
    [
        (lose_a_task, "lost"),
        (leave_a_task_open, "lost"),
        (fail_a_task, "not_completed"),
        (complete_a_task_twice, "recorded_twice"),
        (make_two_tasks_of_one_retry, "made_twice"),
        (keep_a_second_task_that_nobody_was_told_of, "made_twice"),
        (announce_nothing, "announced_otherwise"),
        (announce_twice, "announced_otherwise"),
        (announce_another_end, "announced_otherwise"),
        (announce_the_end_of_another_attempt, "announced_otherwise"),
        (turn_events_round, "out_of_order"),
        (tell_a_step_twice, "out_of_order"),
        (mix_two_attempts, "mixed_output"),
        (cut_an_output_off, "mixed_output"),
        (give_an_output_that_never_ran, "mixed_output"),
        (give_one_task_the_output_of_another, "mixed_output"),
        (stream_something_else, "streamed_otherwise"),
    ],
)
def test_a_broken_promise_is_found(history: History, plant: Callable[[History], None], found: str) -> None:
    plant(history)
    assert found in judge(history).broken


def test_a_task_that_was_never_promised_may_be_missing(history: History) -> None:
    history.append(RequestFailed(op="three", request="submit", why="bus_unavailable"))
    verdict = judge(history)
    assert verdict.broken == {}
    assert verdict.failed_requests == {"submit: bus_unavailable": 1}


def test_the_text_of_a_real_model_is_its_own_affair(history: History) -> None:
    promised = history[0]
    history[0] = promised.model_copy(update={"tokens": None})
    become(history, output=Output(text="Yes."))
    assert "mixed_output" not in judge(history).broken


def test_a_history_is_the_same_when_it_is_read_from_its_file(history: History, tmp_path: Path) -> None:
    log = Log(tmp_path / "history.jsonl")
    for entry in history:
        log.write(entry)
    log.close()
    assert Log.read(tmp_path / "history.jsonl") == history
