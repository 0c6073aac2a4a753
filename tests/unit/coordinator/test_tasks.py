"""A task's life as decisions: what a submit becomes, when a failure is tried again, and how its changes are ordered."""

from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bus import subjects
from bus.client import Received
from bus.messages import FailureInfo, TaskClass, TaskKind, TaskRequest, TaskStatus
from coordinator.scheduling.sizes import Size
from coordinator.tasks import (
    MAX_BACKOFF_SECONDS,
    GiveUp,
    Poison,
    Retry,
    Submitted,
    Task,
    after_failure,
    backoff_seconds,
    change,
    interpret,
    rank,
)
from tests.unit.coordinator.parts import NOON, after, submit, task

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


FAILED = FailureInfo(code="backend_error", message="it broke")


def decided(known: Task, *, error: FailureInfo = FAILED, retryable: bool = True, seconds: float = 1) -> Retry | GiveUp:
    return after_failure(known, "acacia", error, retryable=retryable, now=after(seconds))


def test_a_failure_is_tried_again_later_and_elsewhere() -> None:
    decision = decided(task(attempts=1, started_at=NOON))
    assert isinstance(decision, Retry)
    assert (decision.task.not_before, decision.task.avoid) == (after(1.5), frozenset({"acacia"}))


def test_attempts_that_were_refused_or_yielded_do_not_lengthen_the_back_off() -> None:
    """Nor do those before a requeue by hand: six refusals made the first failure wait for half a minute."""
    decision = decided(task(attempts=7, attempts_allowed=9, max_attempts=3, started_at=NOON))
    assert isinstance(decision, Retry)
    assert decision.task.not_before == after(1.5)


def test_a_lost_agent_costs_no_back_off() -> None:
    decision = decided(task(attempts=2, started_at=NOON), error=FailureInfo(code="agent_lost", message=""))
    assert isinstance(decision, Retry)
    assert decision.task.not_before is None


LOST = FailureInfo(code="agent_lost", message="")


@pytest.mark.parametrize(
    ("attempts", "allowed", "wrote", "again"),
    [(3, 3, True, True), (3, 3, False, False), (1, 1, True, False), (9, 9, True, True), (10, 10, True, False)],
    ids=["it wrote", "it did not", "only one was allowed", "nine hosts", "ten hosts"],
)
def test_a_host_that_was_lost_while_it_wrote_costs_no_attempt(attempts: int, allowed: int, *, wrote: bool, again: bool) -> None:
    known = task(attempts=attempts, attempts_allowed=allowed, started_at=NOON)
    decision = after_failure(known, "acacia", LOST, retryable=True, now=NOON, wrote=wrote)
    assert isinstance(decision, Retry) is again
    if isinstance(decision, Retry):
        assert decision.task.attempts_allowed == allowed + 1


def test_a_host_that_wrote_and_failed_costs_one() -> None:
    known = task(attempts=3, attempts_allowed=3, started_at=NOON)
    assert isinstance(after_failure(known, "acacia", FAILED, retryable=True, now=NOON, wrote=True), GiveUp)


def test_what_would_end_the_same_is_not_tried_again_and_keeps_its_own_error() -> None:
    assert decided(task(attempts=1, started_at=NOON), retryable=False) == GiveUp(error=FAILED)


@pytest.mark.parametrize("code", ["unsupported_by_backend", "stream_interrupted"])
def test_who_cannot_do_it_is_passed_over_at_once_and_costs_no_attempt(code: str) -> None:
    unable = FailureInfo(code=code, message="not here")
    decision = after_failure(task(attempts=1, attempts_allowed=1), "acacia", unable, retryable=True, now=NOON)
    assert isinstance(decision, Retry)
    assert (decision.task.avoid, decision.task.attempts_allowed, decision.task.not_before) == ({"acacia"}, 2, None)
    again = after_failure(decision.task, "acacia", unable, retryable=True, now=NOON)
    assert again == GiveUp(error=unable)


def test_the_last_attempt_says_how_it_failed() -> None:
    decision = decided(task(attempts=3, attempts_allowed=3, started_at=NOON))
    assert isinstance(decision, GiveUp)
    assert decision.error.code == "attempts_exhausted"
    assert decision.error.message == "3 attempts failed; the last on acacia with backend_error: it broke"


@pytest.mark.parametrize(("seconds", "code"), [(9.9, None), (10, "task_timeout")])
def test_past_its_timeout_a_task_is_not_tried_again(seconds: float, code: str | None) -> None:
    decision = decided(task(attempts=1, started_at=NOON, timeout_seconds=10), seconds=seconds)
    assert (decision.error.code if isinstance(decision, GiveUp) else None) == code


def test_the_timeout_runs_from_the_first_dispatch() -> None:
    assert task().deadline is None
    assert task(started_at=after(5), timeout_seconds=10).deadline == after(15)


@given(st.integers(1, 10_000))
def test_the_back_off_grows_to_its_bound(attempts: int) -> None:
    assert 0 < backoff_seconds(attempts) <= backoff_seconds(attempts + 1) <= MAX_BACKOFF_SECONDS


STEPS = st.lists(st.sampled_from(("refused", "failed")), max_size=4)
ENDS = st.sampled_from((TaskStatus.COMPLETED, TaskStatus.FAILED, TaskStatus.CANCELLED))


@given(STEPS, ENDS, st.booleans())
def test_ranks_grow_along_a_life(steps: list[str], end: TaskStatus, waiting: bool) -> None:
    life = [(TaskStatus.PENDING, 0), (TaskStatus.QUEUED, 0)]
    for number, step in enumerate(steps, 1):
        life.append((TaskStatus.ASSIGNED, number))
        if step == "failed":
            life.append((TaskStatus.RUNNING, number))
        life.append((TaskStatus.QUEUED, number))
    number = len(steps)
    if not waiting:
        number += 1
        life += [(TaskStatus.ASSIGNED, number), (TaskStatus.RUNNING, number)]
    life.append((end, number))
    ranks = [rank(status, attempt) for status, attempt in life] + [rank(TaskStatus.QUEUED, number, 1)]
    assert ranks == sorted(set(ranks))


def test_a_change_tells_neither_prompt_nor_output() -> None:
    told = change(task(id=ID, model="llama3", attempts=2), TaskStatus.ASSIGNED, agent_id="acacia", model="llama3:8b")
    assert (told.task_id, told.attempt, told.agent_id, told.model, told.owner) == (ID, 2, "acacia", "llama3:8b", "ada")
    assert not {"prompt", "messages", "output"} & set(type(told).model_fields)


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


def test_every_class_stands_for_a_priority_of_its_own() -> None:
    assert len({name.priority for name in TaskClass}) == len(TaskClass)
