"""How commands print: JSON for programs, tables for people, text that a model wrote exactly as it came."""

import sys
from collections.abc import Iterable, Sequence
from datetime import datetime

from pydantic import BaseModel
from rich.console import Console
from rich.table import Column, Table
from rich.text import Text

PIPE_WIDTH = 10_000
"""Nobody looks at a pipe or a file through a window: each row is one line there."""
GAP = 2
LEAST_WIDTH = 20
"""Of a column that is made narrower: a time and most names of models stay whole, a reason goes on in the next line."""

console = Console(highlight=False, width=None if sys.stdout.isatty() else PIPE_WIDTH)


def print_json(value: BaseModel | str) -> None:
    print(value if isinstance(value, str) else value.model_dump_json(indent=2))


def print_table(columns: Sequence[str], rows: Iterable[Sequence[object]], empty: str) -> None:
    """`empty` is the sentence for no rows at all. In a narrow window the last columns are left out rather than all cut to pieces."""
    cells = [
        [value if isinstance(value, Text) else Text(str(value if value is not None else "")) for value in row] for row in rows
    ]
    if not cells:
        console.print(empty)
        return
    lengths = [max(len(name), *(row[place].cell_len for row in cells)) for place, name in enumerate(columns)]
    widths = fitted(lengths, console.width)
    shown = [Column(name, width=width, overflow="fold") for name, width in zip(columns, widths, strict=False)]
    table = Table(*shown, box=None, header_style="bold", pad_edge=False, padding=(0, GAP, 0, 0))
    for row in cells:
        table.add_row(*row[: len(widths)])
    console.print(table)
    if left_out := columns[len(widths) :]:
        note(f"Not shown: {', '.join(left_out)}. A wider window shows more, and --json everything.")


def fitted(lengths: Sequence[int], room: int) -> list[int]:
    """Widths of as many columns as there is room for, from those that their longest cells would take.

    The first is never cut, since it is what one copies; no other is made narrower than LEAST_WIDTH.
    """
    least = [lengths[0], *(min(length, LEAST_WIDTH) for length in lengths[1:])]
    number = len(lengths)
    while number > 1 and sum(least[:number]) + GAP * (number - 1) > room:
        number -= 1
    widths = list(lengths[:number])
    while sum(widths) + GAP * (number - 1) > room and (
        wide := [place for place in range(number) if widths[place] > least[place]]
    ):
        widths[max(wide, key=lambda place: widths[place])] -= 1
    return widths


def print_facts(facts: Iterable[tuple[str, str]]) -> None:
    """Name and value a line; never wrapped, so that a link or a key can be copied whole."""
    facts = list(facts)
    width = max(len(name) for name, _ in facts)
    for name, value in facts:
        console.print(Text.assemble((f"  {name:<{width}}  ", "bold"), value), soft_wrap=True)


def say(message: str, style: str = "") -> None:
    """A sentence as it stands: what looks like markup in it is none."""
    console.print(Text(message, style=style), soft_wrap=True)


def note(message: str) -> None:
    """Beside the answer, for people: `KEY=$(hive keys create ada)` does not catch it."""
    Console(stderr=True, highlight=False).print(Text(message, style="dim"), soft_wrap=True)


_STYLES = {
    **dict.fromkeys(("online", "running", "completed", "ok"), "green"),
    **dict.fromkeys(("waiting", "degraded", "draining", "starting", "restarting", "assigned", "warn"), "yellow"),
    **dict.fromkeys(("offline", "stopped", "failed", "fail"), "red"),
}


def state(value: str) -> Text:
    return Text(value, style=_STYLES.get(value, ""))


def local_second(value: datetime) -> str:
    return value.astimezone().strftime("%Y-%m-%d %H:%M:%S")


def local_time(value: datetime | None) -> str:
    return value.astimezone().strftime("%Y-%m-%d %H:%M") if value else ""
