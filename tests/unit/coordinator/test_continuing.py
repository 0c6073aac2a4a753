"""What a host that died had sent adds up to what it would have reported, as far as it has no gap."""

import pytest

from bus.messages import Continuation, Output, OutputChunk, ToolCall, Usage
from coordinator.continuing import pieced_together, written
from tests.unit.coordinator.parts import attempt

BEFORE = Continuation(output=Output(text="Once"), usage=Usage(prompt_tokens=4, completion_tokens=1))


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
    found = pieced_together(attempt(), [chunk(0, "See:", 1), chunk(4, "", 2, tool_calls=(ToolCall(name="look"),))], None)
    assert found is not None
    assert written(found) is None
