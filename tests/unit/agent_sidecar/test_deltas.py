"""How an attempt's output is cut into deltas."""

import asyncio

from hypothesis import given, settings
from hypothesis import strategies as st

from agent_sidecar.backends.backend import Piece
from agent_sidecar.deltas import Deltas
from bus.messages import OutputChunk, ToolCall

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


async def test_tool_calls_are_sent_and_kept() -> None:
    sent = Sent()
    call = ToolCall(name="weather", arguments={"town": "Ulm"})
    deltas = Deltas(sent, 1, MIB)
    await deltas.add(Piece(tool_calls=(call,)))
    assert sent[0].tool_calls == deltas.output("tool_calls").tool_calls == (call,)


@settings(max_examples=50, deadline=None)
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
