"""Print a model's words as they come, and what they cost at the end."""

import sys
from collections.abc import AsyncIterator

from rich.console import Console

from bus.errors import HiveError
from bus.follow import Delta, Done, Restart
from bus.messages import TaskRecord, TaskStatus
from bus.messages.places import QueuePlace
from deploy.cli.places import in_words

_notes = Console(stderr=True, highlight=False)


def notes_are_read() -> bool:
    """Whether somebody sits there."""
    return _notes.is_terminal


async def print_stream(items: AsyncIterator[Delta | Restart | Done | QueuePlace], *, quiet: bool) -> TaskRecord:
    """The answer goes to standard output exactly as it is; thinking and notes go beside it, to a terminal only."""
    async for item in items:
        match item:
            case Done(record=record):
                if not quiet:
                    _finish(record)
                return record
            case Delta() if not quiet:
                _write(item)
            case QueuePlace() if not quiet:
                _note(in_words(item))
            case Restart() if not quiet:
                _note(f"\n[attempt {item.number}: the one before was lost, the answer begins again]")
    raise HiveError("The task's output ended without its end; see `hive task get`.")


def _write(delta: Delta) -> None:
    if delta.thinking and _notes.is_terminal:
        _notes.print(delta.thinking, end="", style="dim", markup=False, soft_wrap=True)
    sys.stdout.write(delta.text)
    for call in delta.tool_calls:
        sys.stdout.write(call.arguments if call.name is None else f"\n{call.name} {call.arguments}")
    sys.stdout.flush()


def _finish(record: TaskRecord) -> None:
    if record.output is not None and not record.output.text.endswith("\n"):
        sys.stdout.write("\n")
        sys.stdout.flush()
    if record.status is TaskStatus.COMPLETED and record.usage is not None and _notes.is_terminal:
        rate = record.timings.generation_tokens_per_second if record.timings else None
        speed = f", {rate:.1f} tokens/s" if rate else ""
        _note(f"{record.usage.completion_tokens} tokens on {record.assigned_agent_id}{speed}")


def _note(text: str) -> None:
    _notes.print(text, style="dim", markup=False, soft_wrap=True)
