"""Between decisions and columns: nothing is lost on the way, and what PostgreSQL cannot hold does not get there."""

import json
from uuid import uuid4

from hypothesis import example, given
from hypothesis import strategies as st

from bus.messages import AttemptOutcome, FailureInfo, OutcomeStatus, Output, TaskRequest, TaskStatus, Usage
from coordinator.scheduling.sizes import Size
from coordinator.store.rows import EndRow, NewRow, asked_of, dependency_edges, new_task, storable, task_end, task_from
from coordinator.submits import Submitted, interpret
from coordinator.tasks import session_hash
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


def test_only_what_has_ended_has_an_end() -> None:
    waiting, failed = (new_task(new_row(status=status), after(9)) for status in (TaskStatus.QUEUED, TaskStatus.FAILED))
    assert after(9) not in waiting
    assert after(9) in failed


def outcome(status: OutcomeStatus, text: str = "hello") -> AttemptOutcome:
    output, usage = Output(text=text), Usage(completion_tokens=5)
    names = {"attempt_id": uuid4(), "task_id": uuid4(), "agent_id": "acacia", "instance": "one"}
    return AttemptOutcome.model_validate({**names, "status": status, "output": output, "usage": usage})


def test_output_and_usage_are_kept_of_what_completed_and_of_nothing_else() -> None:
    error = FailureInfo(code="backend_error", message="a\x00b")
    reported = outcome(OutcomeStatus.COMPLETED, "a\x00b")
    ends = [
        EndRow(task=task(), attempt_id=uuid4(), status=TaskStatus.COMPLETED, outcome=reported),
        EndRow(task=task(), attempt_id=uuid4(), status=TaskStatus.FAILED, outcome=outcome(OutcomeStatus.FAILED), error=error),
    ]
    (_, _, status, output, usage, _, *_), (_, _, *other) = (task_end(end) for end in ends)
    assert status == "completed"
    assert Output.model_validate_json(output).text == "a�b"
    assert Usage.model_validate_json(usage).completion_tokens == 5
    assert other == ["failed", None, None, None, "backend_error", "a�b", 0]


def test_a_task_comes_back_from_its_row_as_it_was() -> None:
    known = task(model="llama3", title="t", attempts=2, attempts_allowed=4, started_at=NOON, not_before=after(3), pin="acacia")
    columns = {name: getattr(known, name) for name in known.__slots__}
    asked = {
        "require": '{"vram_gb": 8}',
        "options": '{"num_predict": 64}',
        "session": "a",
        "prompt_length": 1200,
        "images": 1,
        "kind": None,
        "streamed_work": None,
    }
    loaded = task_from(columns | asked | {"pinned_agent": known.pin, "avoid": ["birch"]})
    assert (loaded.require.vram_gb, loaded.avoid) == (8.0, frozenset({"birch"}))
    assert (loaded.size, loaded.session) == (Size(1024, 64), session_hash(known.owner, "a"))
    assert loaded == known.evolve(require=loaded.require, avoid=loaded.avoid, size=loaded.size, session=loaded.session)


def test_a_record_repeats_what_was_asked() -> None:
    request = TaskRequest(prompt="hi", options={"seed": 1}, metadata={"a": 1}, description="d")
    said = asked_of(request)
    assert all(said[name] == getattr(request, name) for name in ("prompt", "options", "metadata", "description", "depends_on"))
