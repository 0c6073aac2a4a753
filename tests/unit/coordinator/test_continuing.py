"""What can be gone on with, and what becomes of a stream that cannot."""

import pytest

from bus.messages import FailureInfo, OutcomeStatus, Output, TaskRequest, ToolCall, Work
from coordinator.continuing import broken_off, continuation, written
from coordinator.rows import task_from
from coordinator.tasks import Streaming, streaming_of
from tests.unit.coordinator.parts import task
from tests.unit.coordinator.test_rows import outcome

SAID = outcome(OutcomeStatus.FAILED, "Once upon")


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


def test_a_successor_knows_of_a_stream_what_its_predecessor_knew() -> None:
    known = task()
    columns = {name: getattr(known, name) for name in known.__slots__}
    asked = {"require": None, "options": None, "session": None, "prompt_length": 1, "images": 0, "kind": None}
    for work in (None, Work(streamed=True), Work(streamed=True, n=2)):
        row = columns | asked | {"pinned_agent": None, "streamed_work": work and work.model_dump_json(exclude_defaults=True)}
        assert task_from(row).streaming is (Streaming.NOT if work is None else streaming_of(work))
