"""What people ask of a task on the command line, and the request that comes of it."""

from collections.abc import Sequence
from typing import Annotated

import typer
from pydantic import JsonValue, TypeAdapter, ValidationError

from bus.codec import explain
from bus.errors import InvalidRequest
from bus.messages import TaskRequest
from deploy.cli.labels import label_pairs

Model = Annotated[str | None, typer.Option("--model", "-m", help="Left out: what an able agent has warm.")]
Labels = Annotated[
    list[str] | None,
    typer.Option("--label", "-l", help="Only on agents with it; repeat for agents with all of them.", metavar="NAME=VALUE"),
]
Capabilities = Annotated[
    list[str] | None,
    typer.Option("--capability", "-c", help="Only on agents at least so proficient, 0 to 1; repeat.", metavar="NAME=LEAST"),
]
Vram = Annotated[float | None, typer.Option(help="Only on agents whose cards have so much memory.", metavar="GIB")]
Priority = Annotated[str, typer.Option("--priority", "-p", help="1 (first) to 5, or high, medium, low.")]
Session = Annotated[
    str | None,
    typer.Option(help="The conversation it belongs to: the host that had its last part is preferred.", metavar="NAME"),
]
Options = Annotated[list[str] | None, typer.Option("--option", "-o", help="The backend's own, such as num_predict=64.")]


def task_fields(
    model: str | None,
    labels: Sequence[str] | None,
    capabilities: Sequence[str] | None,
    vram: float | None,
    priority: str,
    option: Sequence[str] | None,
) -> dict[str, JsonValue]:
    """As `TaskRequest` takes it. InvalidRequest for a label or an option without a value, and a proficiency that is no number."""
    require: dict[str, JsonValue] = {
        "labels": {**label_pairs(labels or ())},
        "capabilities": {**_proficiencies(capabilities or ())},
        "vram_gb": vram,
    }
    rank = int(priority) if priority.isdecimal() else priority
    return {"model": model, "require": require, "priority": rank, "options": options(option or ())}


def _proficiencies(words: Sequence[str]) -> dict[str, float]:
    found = {}
    for word in words:
        name, _, least = word.rpartition("=")
        try:
            found[name] = float(least)
        except ValueError:
            name = ""
        if not name:
            raise InvalidRequest(f"The capability {word} has no least proficiency. Write it as name=0.8.")
    return found


def checked_request(**fields: JsonValue) -> TaskRequest:
    """InvalidRequest in words for what the doors would refuse."""
    try:
        return TaskRequest.model_validate({name: value for name, value in fields.items() if value is not None})
    except ValidationError as error:
        raise explain(error) from None


def options(pairs: Sequence[str]) -> dict[str, JsonValue]:
    """`num_predict=64` as a JSON value where it is one, else as text."""
    found: dict[str, JsonValue] = {}
    for pair in pairs:
        name, equals, value = pair.partition("=")
        if not equals or not name:
            raise InvalidRequest(f"The option {pair} has no value. Write it as name=value.")
        try:
            found[name] = TypeAdapter(JsonValue).validate_json(value)
        except ValidationError:
            found[name] = value
    return found
