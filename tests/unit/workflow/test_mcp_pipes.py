"""Lines of a stdio server: whole, bounded, and what a line that was too long still says."""

import asyncio

import pytest

from workflow.mcp.pipes import Lines, TooLong


async def read(*pieces: bytes, max_bytes: int = 10) -> list[bytes | TooLong]:
    stream = asyncio.StreamReader(limit=2**16)
    for piece in pieces:
        stream.feed_data(piece)
    stream.feed_eof()
    lines, found = Lines(stream, max_bytes), []
    while (line := await lines.read()) is not None:
        found.append(line)
    return found


async def test_lines_come_whole_however_they_are_cut() -> None:
    assert await read(b"one\ntw", b"o\n\n", b"0123456789\nno end") == [b"one", b"two", b"", b"0123456789"]


async def test_of_a_line_without_room_the_ends_alone_are_kept() -> None:
    (long, after) = await read(b"a" + b"x" * 300_000 + b"z\nok\n")
    assert isinstance(long, TooLong)
    assert (long.head[:2], long.tail[-2:], len(long.head), len(long.tail)) == (b"ax", b"xz", 256, 256)
    assert after == b"ok"


@pytest.mark.parametrize(
    ("line", "answers"),
    [
        (b'{"jsonrpc":"2.0","id":7,"result":{"content":[{"text":"xxxx"}]}}', 7),
        (b'{"result":{"content":[{"text":"xxxx"}]},"jsonrpc":"2.0","id":8}', 8),
        (b'{"result": {"content": []}, "id": 9, "jsonrpc": "2.0"}', 9),
        (b'{"jsonrpc":"2.0","result":{"structuredContent":{"of":{},"jsonrpc":"2.0","id":8}}}', None),
        (b'{"jsonrpc":"2.0","method":"notifications/message","params":{"id":8}}', None),
        (b"xxxxxxxxxxxxxxx", None),
    ],
)
async def test_what_it_answers_is_at_one_of_the_ends(line: bytes, answers: int | None) -> None:
    (long,) = await read(line + b"\n")
    assert isinstance(long, TooLong)
    assert long.answers == answers
