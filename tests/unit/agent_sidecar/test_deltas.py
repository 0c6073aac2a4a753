"""How an attempt's output is cut into deltas."""

import asyncio

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from agent_sidecar.backends.backend import Piece
from agent_sidecar.deltas import Deltas
from bus.errors import BackendError
from bus.messages import OutputChunk, TokenLogprob, ToolCallDelta

MIB = 1024 * 1024


class Sent(list[OutputChunk]):
    async def __call__(self, chunk: OutputChunk) -> None:
        self.append(chunk)


async def until_sent(sent: Sent, count: int) -> None:
    async with asyncio.timeout(5):
        while len(sent) < count:
            await asyncio.sleep(0.001)


async def test_the_first_delta_goes_at_once_and_the_next_ones_together() -> None:
    sent = Sent()
    deltas = Deltas(sent, 2, MIB)
    for word in ("one ", "two ", "three"):
        assert await deltas.add(Piece(text=word))
    assert [chunk.text for chunk in sent] == ["one "]
    await until_sent(sent, 2)
    assert [(chunk.number, chunk.offset, chunk.text) for chunk in sent] == [(2, 0, "one "), (2, 4, "two three")]
    assert [chunk.tokens for chunk in sent] == [1, 3]
    assert deltas.output("stop").text == "one two three"
    assert deltas.offset == 13


async def test_a_delta_after_a_pause_does_not_wait() -> None:
    sent = Sent()
    deltas = Deltas(sent, 1, MIB)
    await deltas.add(Piece(text="one"))
    await deltas.add(Piece(text="two"))
    await until_sent(sent, 2)
    await asyncio.sleep(0.02)
    await deltas.add(Piece(text="three"))
    assert [chunk.text for chunk in sent] == ["one", "two", "three"]


async def test_the_end_sends_what_is_left_and_no_timer_remains() -> None:
    sent = Sent()
    deltas = Deltas(sent, 1, MIB)
    await deltas.add(Piece(text="one"))
    await deltas.add(Piece(text="two"))
    await deltas.flush()
    await deltas.flush()
    assert [chunk.text for chunk in sent] == ["one", "two"]
    await asyncio.sleep(0.03)
    assert len(sent) == 2


async def test_thinking_after_text_begins_a_new_delta() -> None:
    sent = Sent()
    deltas = Deltas(sent, 1, MIB)
    for piece in (Piece(thinking="a"), Piece(text="b"), Piece(thinking="c"), Piece(text="d")):
        await deltas.add(piece)
    await deltas.flush()
    seen = ""
    for chunk in sent:
        assert chunk.offset == len(seen)
        seen += chunk.thinking + chunk.text
    assert seen == "abcd"
    output = deltas.output(None)
    assert (output.thinking, output.text) == ("ac", "bd")


async def test_what_no_store_takes_is_left_out() -> None:
    sent = Sent()
    deltas = Deltas(sent, 1, MIB)
    await deltas.add(Piece(text="a\x00b"))
    assert deltas.output(None).text == sent[0].text == "ab"


CALL = (ToolCallDelta(index=0, id="c1", name="weather", arguments='{"to'), ToolCallDelta(index=0, arguments='wn": "Ulm"}'))


async def test_tool_calls_are_sent_in_parts_and_kept_whole() -> None:
    sent = Sent()
    deltas = Deltas(sent, 1, MIB)
    for part in CALL:
        await deltas.add(Piece(tool_calls=(part,)))
    await deltas.flush()
    assert [chunk.tool_calls for chunk in sent] == [(CALL[0],), (CALL[1],)]
    assert [chunk.offset for chunk in sent] == [0, 1 + len(CALL[0].arguments)]
    [call] = deltas.output("tool_calls").tool_calls
    assert (call.id, call.name, call.arguments) == ("c1", "weather", {"town": "Ulm"})
    assert call.arguments_text == '{"town": "Ulm"}'


async def test_a_call_whose_arguments_are_no_object_is_an_error_unless_the_answer_was_cut() -> None:
    deltas = Deltas(Sent(), 1, MIB)
    await deltas.add(Piece(tool_calls=(CALL[0],)))
    with pytest.raises(BackendError, match="no JSON object"):
        deltas.output("tool_calls")
    [call] = deltas.output("length").tool_calls
    assert (call.arguments, call.arguments_text) == ({}, '{"to')


async def test_text_behind_a_call_begins_a_new_delta() -> None:
    sent = Sent()
    deltas = Deltas(sent, 1, MIB)
    for piece in (Piece(text="a"), Piece(text="b", tool_calls=CALL), Piece(text="c")):
        await deltas.add(piece)
    await deltas.flush()
    assert [(chunk.text, len(chunk.tool_calls)) for chunk in sent] == [("a", 0), ("b", 2), ("c", 0)]


async def test_several_answers_share_one_line_of_offsets() -> None:
    sent = Sent()
    deltas = Deltas(sent, 1, MIB)
    await deltas.add(Piece(text="one"))
    await deltas.begin_answer()
    await deltas.add(Piece(text="two"))
    await deltas.flush()
    assert [(chunk.choice, chunk.offset, chunk.text) for chunk in sent] == [(0, 0, "one"), (1, 3, "two")]
    output = deltas.output("stop", "length")
    assert (output.text, output.finish_reason) == ("one", "stop")
    assert [(other.text, other.finish_reason) for other in output.others] == [("two", "length")]


async def test_the_logprobs_of_a_token_that_shows_nothing_go_with_the_text_behind_it() -> None:
    sent = Sent()
    deltas = Deltas(sent, 1, MIB)
    odd, good = TokenLogprob(token="\ufffd", logprob=-1.0, bytes=(240,)), TokenLogprob(token="!", logprob=-0.5)
    await deltas.add(Piece(logprobs=(odd,)))
    assert sent == []
    await deltas.add(Piece(text="!", logprobs=(good,)))
    assert [chunk.logprobs for chunk in sent] == [(odd, good)]
    assert deltas.output("stop").logprobs == (odd, good)


@settings(max_examples=50)
@given(pieces=st.lists(st.text(min_size=1, max_size=40), min_size=1, max_size=20), limit=st.integers(1, 200))
def test_the_output_never_passes_its_bound_and_is_a_beginning_of_what_was_said(pieces: list[str], limit: int) -> None:
    async def run() -> None:
        sent = Sent()
        deltas = Deltas(sent, 1, limit)
        fits = [await deltas.add(Piece(text=piece)) for piece in pieces]
        await deltas.flush()
        said = "".join(pieces).replace("\x00", "")
        output = deltas.output(None)
        size = len(output.model_dump_json(include={"text"})) - len('{"text":""}')
        assert len(output.model_dump_json(include={"text"}).encode()) - len('{"text":""}') <= limit
        assert size >= 0
        if all(fits):
            assert output.text == said
        cut = fits.index(False) if False in fits else len(fits)
        assert said.startswith("".join(pieces[:cut]).replace("\x00", ""))
        assert "".join(chunk.text for chunk in sent) == output.text

    asyncio.run(run())


@pytest.mark.parametrize(
    ("name", "call_id", "arguments"), [("a\x00", None, "{}"), ("a", "\x00", "{}"), ("a", None, '{"x": "\x00')]
)
async def test_what_a_failed_attempt_wrote_of_a_call_can_be_told_whatever_it_is(
    name: str, call_id: str | None, arguments: str
) -> None:
    deltas = Deltas(Sent(), 1, MIB)
    await deltas.add(Piece(tool_calls=(ToolCallDelta(index=0, id=call_id, name=name, arguments=arguments),)))
    with pytest.raises(BackendError):
        deltas.output("tool_calls")
    [call] = deltas.output().tool_calls
    assert call.name == "a"
    assert call.arguments_text == arguments.replace("\x00", "")
