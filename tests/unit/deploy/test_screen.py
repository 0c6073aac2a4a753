"""Tables in windows of any width: what is shown can be read."""

import io

import pytest
from hypothesis import given
from hypothesis import strategies as st
from rich.console import Console

from deploy.cli import screen
from deploy.cli.screen import GAP, LEAST_WIDTH, PIPE_WIDTH, fitted, print_table

ID = "199773cb-7391-48dd-ab49-5d29b022ab42"
COLUMNS = ("Job", "State", "Model", "Agent", "Asked by", "Begun")
ROW = (ID, "failed", "smollm2:135m", "walnut", "models.yaml version 1", "2026-11-26 11:10")


@given(st.lists(st.integers(1, 90), min_size=1, max_size=9), st.integers(1, 300))
def test_columns_fit_or_are_left_out_and_none_is_cut_to_pieces(lengths: list[int], room: int) -> None:
    widths = fitted(lengths, room)
    assert widths[0] == lengths[0]
    assert all(min(length, LEAST_WIDTH) <= width <= length for width, length in zip(widths, lengths, strict=False))
    assert len(widths) == 1 or sum(widths) + GAP * (len(widths) - 1) <= room
    if sum(lengths) + GAP * (len(lengths) - 1) <= room:
        assert widths == lengths


def printed(monkeypatch: pytest.MonkeyPatch, width: int, row: tuple[str, ...] = ROW) -> list[str]:
    output = io.StringIO()
    console = Console(file=output, width=width, force_terminal=True, color_system=None, highlight=False)
    monkeypatch.setattr(screen, "console", console)
    print_table(COLUMNS, [row], "Nothing.")
    return [line.rstrip() for line in output.getvalue().splitlines()]


def test_a_narrow_window_shows_whole_cells_and_says_what_it_leaves_out(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    head, line = printed(monkeypatch, 80)
    assert head.split() == ["Job", "State", "Model", "Agent"]
    assert line.split() == list(ROW[:4])
    assert "Not shown: Asked by, Begun." in capsys.readouterr().err


def test_a_long_reason_goes_on_in_the_next_line(monkeypatch: pytest.MonkeyPatch) -> None:
    lines = printed(monkeypatch, 80, (ID, "failed: the host has gone and nobody knows where to", *ROW[2:]))
    assert all(len(line) <= 80 for line in lines)
    assert len(lines) > 2
    assert ID in lines[1]
    assert "the host has gone" in " ".join(line[len(ID) :][: LEAST_WIDTH + GAP].strip() for line in lines)


def test_a_pipe_gets_one_line_for_each_row(monkeypatch: pytest.MonkeyPatch) -> None:
    reason = "because " * 60
    _, line = printed(monkeypatch, PIPE_WIDTH, (*ROW[:4], reason, ROW[5]))
    assert reason.strip() in line
