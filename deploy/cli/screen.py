"""How commands print: JSON for programs, tables for people, text that a model wrote exactly as it came."""

import sys
from collections.abc import Iterable, Sequence
from datetime import datetime

from pydantic import BaseModel
from rich.console import Console
from rich.table import Column, Table
from rich.text import Text

PIPE_WIDTH = 200
"""Nobody looks at a pipe or a file through a window of 80 columns."""

console = Console(highlight=False, width=None if sys.stdout.isatty() else PIPE_WIDTH)


def print_json(value: BaseModel | str) -> None:
    print(value if isinstance(value, str) else value.model_dump_json(indent=2))


def print_table(columns: Sequence[str], rows: Iterable[Sequence[object]], empty: str) -> None:
    """The first column is never cut, since it is what one copies. `empty` is the sentence for no rows at all."""
    first, *others = columns
    head = Column(first, no_wrap=True, overflow="ignore")
    table = Table(head, *others, box=None, header_style="bold", pad_edge=False, padding=(0, 2, 0, 0))
    for row in rows:
        table.add_row(*(value if isinstance(value, Text) else Text(str(value if value is not None else "")) for value in row))
    console.print(table if table.row_count else empty)


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
