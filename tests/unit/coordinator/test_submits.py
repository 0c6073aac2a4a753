"""What a submit becomes, whatever it says: work that is understood, or a failed task that says why."""

from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bus import subjects
from bus.client import Received
from bus.messages import FailureInfo, TaskKind, TaskRequest, TaskStatus
from coordinator.scheduling.sizes import Size
from coordinator.submits import Poison, Submitted, interpret
from coordinator.tasks import Task, change
from tests.unit.coordinator.parts import NOON, submit

ID = UUID("0197e0aa-0000-7000-8000-000000000001")


def understood(received: Received) -> Submitted:
    found = interpret(received)
    assert isinstance(found, Submitted), found
    return found


def refused(received: Received) -> FailureInfo:
    found = interpret(received)
    assert isinstance(found, Poison), found
    return found.error


def test_a_submit_is_understood_by_its_subject_headers_and_body() -> None:
    headers = {subjects.HEADER_OWNER: "ada", subjects.HEADER_BODY_HASH: "f00", subjects.HEADER_TRACEPARENT: "00-1-2-01"}
    body = b'{"prompt":"hi","model":"llama3","title":"t","timeout_seconds":9,"max_attempts":2,"require":{"vram_gb":8}}'
    found = understood(submit(body, task_id=ID, headers=headers))
    expected = Task(
        id=ID,
        tenant="default",
        owner="ada",
        priority=3,
        sequence=7,
        created_at=NOON,
        model="llama3",
        title="t",
        require=TaskRequest.model_validate_json(body).require,
        timeout_seconds=9,
        attempts_allowed=2,
        max_attempts=2,
        traceparent="00-1-2-01",
        size=Size(1),
    )
    assert (found.task, found.body_hash, found.request.prompt) == (expected, "f00", "hi")


def test_whoever_publishes_without_a_name_is_the_bus() -> None:
    assert understood(submit()).task.owner == "bus"


@pytest.mark.parametrize(("task_class", "priority"), [("high", 1), ("medium", 3), ("low", 5)])
def test_a_body_without_priority_has_that_of_its_class(task_class: str, priority: int) -> None:
    assert understood(submit(task_class=task_class)).task.priority == priority


@pytest.mark.parametrize(("said", "priority"), [(b"2", 2), (b'"low"', 5)])
def test_the_body_s_priority_wins_over_the_class(said: bytes, priority: int) -> None:
    assert understood(submit(b'{"prompt":"hi","priority":' + said + b"}", task_class="high")).task.priority == priority


@pytest.mark.parametrize(
    ("body", "code", "words"),
    [
        (b"not json", "invalid_json", "not valid JSON"),
        (b'{"prompt":"\xff"}', "invalid_json", "not valid JSON"),
        (b"", "invalid_request", "`prompt` or `messages`"),
        (b"[]", "invalid_request", "object"),
        (b'{"prompt":"hi","promt":"x"}', "invalid_request", "`promt` is not a field"),
        (b'{"prompt":"a\\u0000b"}', "invalid_request", "U+0000"),
        (b'{"prompt":"hi","priority":9}', "invalid_request", "`priority`"),
        (b'{"prompt":"hi","messages":[]}', "invalid_request", "messages"),
        (b'{"prompt":"hi","options":{"seed":NaN}}', "invalid_request", "options"),
        (b'{"prompt":"hi","metadata":{"a":1e5000}}', "invalid_request", "metadata"),
    ],
)
def test_a_body_that_cannot_be_work_is_poison_that_says_why(body: bytes, code: str, words: str) -> None:
    error = refused(submit(body))
    assert error.code == code
    assert words in error.message


def test_poison_keeps_the_id_and_the_owner_of_its_subject_and_headers() -> None:
    found = interpret(submit(b"not json", task_id=ID, headers={subjects.HEADER_OWNER: "ada"}))
    assert (found.task.id, found.task.owner) == (ID, "ada")


def test_a_bad_id_is_poison_with_an_id_of_its_own_which_is_the_same_each_time() -> None:
    first, again, other = (interpret(submit(task_id=token)) for token in ("nonsense", "nonsense", "more"))
    assert isinstance(first, Poison)
    assert first.error.code == "invalid_id"
    assert first.task.id == again.task.id != other.task.id


def test_foreign_subjects_are_poison() -> None:
    assert refused(submit(tenant="Umbrella")).code == "invalid_subject"
    assert refused(submit(task_class="urgent")).code == "invalid_subject"


TOKENS = st.text(st.characters(codec="utf-8", exclude_characters=". "), min_size=1, max_size=20)


@given(st.binary(max_size=60), TOKENS, TOKENS, st.dictionaries(st.text(max_size=4), st.text(max_size=9)))
def test_whatever_is_published_is_understood_or_poison(
    body: bytes, token: str, task_class: str, headers: dict[str, str]
) -> None:
    interpret(submit(body, task_id=token, task_class=task_class, headers=headers))


@given(st.text(), TOKENS)
def test_no_header_or_subject_brings_what_postgresql_cannot_hold(owner: str, token: str) -> None:
    headers = {subjects.HEADER_OWNER: owner, subjects.HEADER_TRACEPARENT: owner, subjects.HEADER_BODY_HASH: owner}
    for received in (submit(headers=headers), submit(task_id=token, headers=headers)):
        found = interpret(received)
        texts = [found.task.owner, found.task.traceparent or ""]
        texts.append(found.error.message if isinstance(found, Poison) else found.body_hash or "")
        assert not any("\x00" in text for text in texts)


def test_what_is_stored_of_a_request_is_what_was_understood_of_it() -> None:
    """A tool call may carry fields that Hive ignores, and in them what PostgreSQL refuses."""
    body = b'{"messages":[{"role":"assistant","tool_calls":[{"name":"f","odd":"\\u0000"}]}],"priority":"high"}'
    found = understood(submit(body))
    assert TaskRequest.model_validate_json(found.body) == found.request
    assert b"\\u0000" not in found.body


@pytest.mark.parametrize(
    ("body", "kind"),
    [
        (b'{"prompt":"hi"}', TaskKind.CHAT),
        (b'{"prompt":"hi","kind":"generate"}', TaskKind.GENERATE),
        (b'{"input":["hi"],"kind":"embed"}', TaskKind.EMBED),
        (b"no work", None),
    ],
)
def test_a_change_tells_what_kind_of_work_it_is_where_that_could_be_read(body: bytes, kind: TaskKind | None) -> None:
    found = interpret(submit(body))
    assert found is not None
    assert change(found.task, TaskStatus.FAILED).kind is kind
