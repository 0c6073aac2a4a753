"""Between decisions and columns: nothing is lost on the way, and what PostgreSQL cannot hold does not get there."""

import json
from uuid import uuid4

from hypothesis import example, given
from hypothesis import strategies as st

from bus.messages import AttemptOutcome, FailureInfo, OutcomeStatus, Output, TaskRequest, TaskStatus, Usage
from coordinator.rows import EndRow, NewRow, asked_of, dependency_edges, end_arguments, insert_arguments, storable, task_from
from coordinator.tasks import Submitted, interpret
from tests.unit.coordinator.parts import NOON, after, submit, task

JSON = st.recursive(st.text(), lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner), max_leaves=5)


@given(JSON)
@example("\x00\x00")
@example("a \\u0000 in the code of an answer")
@example("\\\x00")
def test_stored_json_is_the_json_without_u_0000(value: object) -> None:
    text = json.dumps(value)
    assert json.loads(storable(text)) == _without_nul(value)


def _without_nul(value: object) -> object:
    match value:
        case str():
            return value.replace("\x00", "�")
        case list():
            return [_without_nul(inner) for inner in value]
        case dict():
            return {str(_without_nul(key)): _without_nul(inner) for key, inner in value.items()}
    return value


def new_row(body: bytes = b'{"prompt":"hi"}', status: TaskStatus = TaskStatus.QUEUED) -> NewRow:
    found = interpret(submit(body))
    assert isinstance(found, Submitted)
    return NewRow(task=found.task, status=status, request=found.request, body=found.body)


def test_dependencies_are_those_of_rows_that_have_not_failed() -> None:
    first, second = uuid4(), uuid4()
    body = json.dumps({"prompt": "hi", "depends_on": [str(first), str(second)]}).encode()
    waiting, failed, alone = new_row(body, TaskStatus.PENDING), new_row(body, TaskStatus.FAILED), new_row()
    assert dependency_edges([waiting, failed, alone]) == [(waiting.task.id, first), (waiting.task.id, second)]


def test_rows_become_columns_and_no_rows_as_many_empty_ones() -> None:
    columns = insert_arguments([new_row(), new_row()], NOON)
    assert {len(column) for column in columns} == {2}
    assert [len(column) for column in insert_arguments([], NOON)] == [0] * len(columns)


def test_only_what_has_ended_has_an_end() -> None:
    rows = [new_row(status=TaskStatus.QUEUED), new_row(status=TaskStatus.FAILED)]
    [ended] = [column for column in insert_arguments(rows, after(9)) if column == [None, after(9)]]
    assert ended == [None, after(9)]


def outcome(status: OutcomeStatus, text: str = "hello") -> AttemptOutcome:
    output, usage = Output(text=text), Usage(completion_tokens=5)
    names = {"attempt_id": uuid4(), "task_id": uuid4(), "agent_id": "acacia", "instance": "one"}
    return AttemptOutcome.model_validate({**names, "status": status, "output": output, "usage": usage})


def test_output_and_usage_are_kept_of_what_completed_and_of_nothing_else() -> None:
    error = FailureInfo(code="backend_error", message="a\x00b")
    ends = [
        EndRow(
            task=task(), attempt_id=uuid4(), status=TaskStatus.COMPLETED, outcome=outcome(OutcomeStatus.COMPLETED, "a\x00b")
        ),
        EndRow(task=task(), attempt_id=uuid4(), status=TaskStatus.FAILED, outcome=outcome(OutcomeStatus.FAILED), error=error),
    ]
    _, _, statuses, outputs, usages, _, codes, messages = end_arguments(ends)
    assert statuses == ["completed", "failed"]
    assert Output.model_validate_json(outputs[0]).text == "a�b"
    assert Usage.model_validate_json(usages[0]).completion_tokens == 5
    assert (outputs[1], usages[1], codes[1], messages[1]) == (None, None, "backend_error", "a�b")


def test_a_task_comes_back_from_its_row_as_it_was() -> None:
    known = task(model="llama3", title="t", attempts=2, attempts_allowed=4, started_at=NOON, not_before=after(3), pin="acacia")
    columns = {name: getattr(known, name) for name in known.__slots__}
    row = columns | {"require": '{"vram_gb": 8}', "pinned_agent": known.pin, "avoid": ["birch"]}
    loaded = task_from(row)
    assert (loaded.require.vram_gb, loaded.avoid) == (8.0, frozenset({"birch"}))
    assert loaded == known.evolve(require=loaded.require, avoid=loaded.avoid)


def test_a_record_repeats_what_was_asked() -> None:
    request = TaskRequest(prompt="hi", options={"seed": 1}, metadata={"a": 1}, description="d")
    said = asked_of(request)
    assert all(said[name] == getattr(request, name) for name in ("prompt", "options", "metadata", "description", "depends_on"))
