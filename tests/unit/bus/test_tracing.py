"""Spans: what belongs to what, and that nothing is made while they are off."""

from collections.abc import Iterator

import pytest

from bus import telemetry, tracing
from bus.errors import NoLeader
from bus.tracing import NOTHING, Span

GIVEN = f"00-{'a' * 32}-{'b' * 16}-01"
UNSAMPLED = f"{GIVEN[:-2]}00"


@pytest.fixture
def spans() -> Iterator[list[Span]]:
    taken: list[Span] = []
    tracing.take_with(taken.append)
    yield taken
    tracing.take_with(None)


def test_off_it_makes_nothing_and_leaves_the_context_alone() -> None:
    with telemetry.trace(GIVEN), tracing.span("work", attributes={"a": 1}) as span:
        assert span is NOTHING
        assert telemetry.current_traceparent() == GIVEN
        assert (tracing.exemplar(), tracing.carried()) == (None, {})


def test_a_span_is_a_child_of_the_one_around_it(spans: list[Span]) -> None:
    with telemetry.trace(GIVEN), tracing.span("outer"), tracing.span("inner", "client", {"number": 1, "none": None}) as span:
        span.set("word", "a")
        assert telemetry.current_traceparent() != GIVEN
    inner, outer = spans
    assert (outer.parent, inner.parent) == ("b" * 16, outer.traceparent[36:52])
    assert {span.traceparent[3:35] for span in spans} == {"a" * 32}
    assert (inner.name, inner.kind, inner.attributes, inner.error) == ("inner", "client", {"number": 1, "word": "a"}, None)
    assert outer.start_ns <= inner.start_ns <= inner.end_ns <= outer.end_ns


def test_the_first_of_a_trace_has_no_parent(spans: list[Span]) -> None:
    with tracing.span("alone"):
        pass
    with telemetry.trace(None) as made, tracing.span("door", root=True):
        assert tracing.exemplar() == made[3:35]
    assert [span.parent for span in spans] == [None, None]
    assert spans[1].traceparent == made


def test_a_trace_that_its_caller_does_not_sample_is_none_of_ours(spans: list[Span]) -> None:
    with telemetry.trace(UNSAMPLED), tracing.span("work"):
        assert telemetry.current_traceparent() == UNSAMPLED
    tracing.record("wait", UNSAMPLED, tracing.span_id(1), (1, 2))
    assert spans == []


@pytest.mark.parametrize(("ratio", "made"), [(0.0, 0), (1.0, 1)])
def test_of_new_traces_a_part_is_exported(spans: list[Span], ratio: float, made: int) -> None:
    telemetry.sample(ratio)
    try:
        with tracing.span("alone"):
            pass
    finally:
        telemetry.sample(1)
    assert len(spans) == made


def test_a_failure_is_told_by_its_code_and_never_by_its_words(spans: list[Span]) -> None:
    with pytest.raises(NoLeader), tracing.span("asks"):
        raise NoLeader("Nobody answers to private words.")
    with pytest.raises(ValueError, match="private"), tracing.span("reads"):
        raise ValueError("private")
    assert [span.error for span in spans] == [NoLeader.code, "ValueError"]
    assert "private" not in repr(spans)


def test_what_ended_elsewhere_is_recorded_under_an_id_that_others_knew_before(spans: list[Span]) -> None:
    own = tracing.span_id("execution", 7)
    with telemetry.trace(tracing.named(GIVEN, own)), tracing.span("within"):
        pass
    tracing.record("execution", GIVEN, own, (5, 3), error="canceled")
    tracing.record("execution", tracing.new_trace(), own, (1, 2))
    tracing.record("execution", None, own, (1, 2))
    within, first, alone = spans
    assert within.parent == first.traceparent[36:52] == tracing.span_id("execution", 7)
    assert (first.parent, first.start_ns, first.end_ns, first.error) == ("b" * 16, 5, 5, "canceled")
    assert alone.parent is None
