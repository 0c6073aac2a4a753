"""What can be gone on with, what becomes of a stream that cannot, and what a host that died had sent adds up to."""

import pytest

from bus.messages import (
    Continuation,
    FailureInfo,
    OutcomeStatus,
    Output,
    OutputChunk,
    TaskRequest,
    ToolCall,
    ToolCallDelta,
    Usage,
    Work,
)
from coordinator.leading.continuing import broken_off, continuation, pieced_together, written
from coordinator.store.rows import task_from
from coordinator.tasks import Streaming, streaming_of
from tests.unit.coordinator.parts import attempt, task
from tests.unit.coordinator.test_rows import outcome

SAID = outcome(OutcomeStatus.FAILED, "Once upon")
BEFORE = Continuation(output=Output(text="Once"), usage=Usage(prompt_tokens=4, completion_tokens=1))


@pytest.mark.parametrize(
    ("work", "goes_on"),
    [
        ({"messages": [{"role": "user", "content": "hi"}]}, True),
        ({"prompt": "hi", "kind": "generate", "raw": True}, True),
        ({"prompt": "hi", "tools": [{"name": "f"}]}, True),
        ({"prompt": "hi", "format": "json"}, False),
        ({"prompt": "hi", "options": {"format": "json"}}, False),
        ({"prompt": "hi", "logprobs": True}, False),
        ({"prompt": "hi", "n": 2}, False),
        ({"prompt": "hi", "kind": "generate", "suffix": "}"}, False),
        ({"input": ["hi"], "kind": "embed"}, False),
    ],
)
def test_what_another_attempt_may_write_on_behind(work: dict[str, object], goes_on: bool) -> None:
    request = TaskRequest.model_validate(work)
    assert request.can_go_on is goes_on
    assert (continuation(request, written(SAID)) is not None) is goes_on
    assert streaming_of(request) is Streaming.NOT
    shown = streaming_of(request.model_copy(update={"streamed": True}))
    assert shown is (Streaming.GOES_ON if goes_on else Streaming.BREAKS)


@pytest.mark.parametrize(
    ("streaming", "output", "breaks"),
    [
        (Streaming.NOT, Output(text="Once"), False),
        (Streaming.GOES_ON, Output(text="Once"), False),
        (Streaming.BREAKS, Output(text="Once"), True),
        (Streaming.BREAKS, Output(), False),
        (Streaming.BREAKS, Output(text=" \n"), False),
        (Streaming.GOES_ON, Output(text="\n\n"), False),
        (Streaming.GOES_ON, Output(text="\n", thinking="Hm"), True),
        (Streaming.GOES_ON, Output(thinking="Hm"), True),
        (Streaming.GOES_ON, Output(text="Look", tool_calls=(ToolCall(name="f"),)), True),
        (Streaming.GOES_ON, Output(text="a", others=(Output(text="b"),)), True),
    ],
)
def test_a_stream_that_cannot_be_gone_on_with_ends_in_words(streaming: Streaming, output: Output, breaks: bool) -> None:
    error = FailureInfo(code="backend_error", message="it broke")
    broken = broken_off(task(streaming=streaming), SAID.model_copy(update={"output": output, "error": error}))
    assert (broken is not None) is breaks
    if broken is not None:
        assert broken.code == "stream_interrupted"
        assert "it broke" in broken.message


def test_white_space_is_not_gone_on_from() -> None:
    assert written(outcome(OutcomeStatus.FAILED, " \n")) is None
    assert written(outcome(OutcomeStatus.FAILED, "\nOnce")) is not None


def test_a_successor_knows_of_a_stream_what_its_predecessor_knew() -> None:
    known = task()
    columns = {name: getattr(known, name) for name in known.__slots__}
    asked = {"require": None, "options": None, "session": None, "prompt_length": 1, "images": 0, "kind": None}
    for work in (None, Work(streamed=True), Work(streamed=True, n=2)):
        row = columns | asked | {"pinned_agent": None, "streamed_work": work and work.model_dump_json(exclude_defaults=True)}
        assert task_from(row).streaming is (Streaming.NOT if work is None else streaming_of(work))


def chunk(offset: int, text: str, tokens: int, begins_at: int = 0, **more: object) -> OutputChunk:
    return OutputChunk(number=1, offset=offset, text=text, tokens=tokens, begins_at=begins_at).model_copy(update=more)


def test_pieces_add_up_to_what_was_written_and_what_it_took() -> None:
    lost = attempt()
    found = pieced_together(lost, [chunk(0, "", 1, thinking="Hm."), chunk(3, "Once", 2), chunk(7, " upon", 4)], None)
    assert found is not None
    assert (found.attempt_id, found.begins_at) == (lost.id, 0)
    assert found.output == Output(text="Once upon", thinking="Hm.")
    assert written(found) == Continuation(output=found.output, usage=Usage(completion_tokens=4))


def test_one_that_went_on_adds_to_what_stood_before() -> None:
    found = pieced_together(attempt(), [chunk(4, " upon", 2, begins_at=4)], BEFORE)
    assert found is not None
    assert (found.output.text, found.begins_at) == ("Once upon", 4)
    assert found.usage == Usage(prompt_tokens=4, completion_tokens=3)


def test_one_that_began_anew_replaces_it() -> None:
    found = pieced_together(attempt(), [chunk(0, "In", 1)], BEFORE)
    assert found is not None
    assert (found.output.text, found.begins_at, found.usage) == ("In", 0, Usage(completion_tokens=1))


def test_what_comes_after_a_gap_does_not_count() -> None:
    found = pieced_together(attempt(), [chunk(0, "Once", 1), chunk(9, " a time", 4)], None)
    assert found is not None
    assert (found.output.text, found.usage.completion_tokens) == ("Once", 1)


@pytest.mark.parametrize(
    ("chunks", "before"),
    [
        ([], BEFORE),
        ([chunk(3, "upon", 2)], None),
        ([chunk(4, " upon", 2, begins_at=4)], None),
        ([chunk(9, " upon", 2, begins_at=9)], BEFORE),
        ([chunk(4, "", 0, begins_at=4)], BEFORE),
    ],
    ids=["nothing", "no beginning", "what stood before is not known", "another text stood before", "nothing was added"],
)
def test_where_nothing_can_be_told_what_stands_is_left(chunks: list[OutputChunk], before: Continuation | None) -> None:
    assert pieced_together(attempt(), chunks, before) is None


def test_a_call_of_a_tool_is_seen_so_that_nobody_goes_on_from_it() -> None:
    found = pieced_together(
        attempt(), [chunk(0, "See:", 1), chunk(4, "", 2, tool_calls=(ToolCallDelta(index=0, name="look"),))], None
    )
    assert found is not None
    assert written(found) is None


def test_several_answers_and_calls_in_parts_add_up_as_the_sidecar_would_have_told_them() -> None:
    look = ToolCallDelta(index=0, id="c", name="look", arguments='{"at":')
    chunks = [
        chunk(0, "See", 1, thinking="Hm"),
        chunk(5, "", 2, tool_calls=(look,)),
        chunk(12, "", 3, tool_calls=(ToolCallDelta(index=0, arguments="1}"),)),
        chunk(14, "Or", 4, choice=1),
    ]
    found = pieced_together(attempt(), chunks, None)
    assert found is not None
    call = ToolCall(id="c", name="look", arguments={"at": 1}, written='{"at":1}')
    assert found.output == Output(text="See", thinking="Hm", tool_calls=(call,), others=(Output(text="Or"),))
    assert (written(found), found.usage.completion_tokens) == (None, 4)
    assert broken_off(task(streaming=Streaming.GOES_ON), found) is not None


def test_vectors_count_and_are_not_gone_on_from() -> None:
    found = pieced_together(attempt(), [chunk(0, "", 1, embeddings=("AAAA",)), chunk(1, "", 2, embeddings=("BBBB",))], None)
    assert found is not None
    assert found.output.embeddings == ("AAAA", "BBBB")
    assert written(found) is None


@pytest.mark.parametrize("arguments", ['{"at":', "[1]", "\x00", '{"at":"\\u0000"}'])
def test_a_call_that_was_broken_off_is_kept_as_it_was_written(arguments: str) -> None:
    broken = ToolCallDelta(index=0, name="look", arguments=arguments)
    found = pieced_together(attempt(), [chunk(0, "", 1, tool_calls=(broken,))], None)
    assert found is not None
    assert found.output.tool_calls[0].name == "look"
    assert "\x00" not in found.model_dump_json()
    assert "\\u0000" not in str(found.output.tool_calls[0].arguments)
