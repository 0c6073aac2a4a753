"""What a follower of server-sent events has before it."""

from tests.chaos.clients import Reading


def read(*lines: str) -> Reading:
    reading = Reading()
    for line in lines:
        reading.take(line)
    return reading


def delta(number: int, offset: int, text: str) -> tuple[str, ...]:
    data = f'data: {{"number": {number}, "offset": {offset}, "text": "{text}"}}'
    return (f"id: {number}:{offset + len(text)}", "event: delta", data, "")


def test_deltas_add_up_and_the_last_id_is_kept() -> None:
    reading = read(": still here", *delta(1, 0, "Hel"), *delta(1, 3, "lo"))
    assert (reading.text, reading.last_id, reading.done) == ("Hello", "1:5", False)


def test_a_restart_begins_from_nothing() -> None:
    reading = read(*delta(1, 0, "Hel"), "id: 2:0", "event: restart", 'data: {"number": 2}', "", *delta(2, 0, "Good"))
    assert (reading.text, reading.last_id) == ("Good", "2:4")


def test_a_piece_that_was_left_out_shows() -> None:
    assert read(*delta(1, 0, "He"), *delta(1, 4, "o")).text == "He\ufffd\ufffdo"


def test_done_and_error_are_told() -> None:
    assert read("event: done", 'data: {"id": "x"}').done
    assert read("event: error", 'data: {"code": "bus_unavailable"}').error == "bus_unavailable"
