"""What expressions give for an item that an execution had, for whoever writes them."""

from typing import Annotated
from uuid import UUID

from pydantic import Field

from bus.messages.base import Command, Message, Record, Text

MOST_EXPRESSIONS = 32
MOST_LETTERS = 20_000

Expression = Annotated[Text, Field(max_length=MOST_LETTERS)]


class PreviewSource(Message):
    """An output that leads to the node's first input."""

    node: Text = Field(max_length=255)
    output: int = Field(default=0, ge=0, le=255)


class PreviewExpressions(Command):
    """As the node `node` would see them: of `sources`, the first that gave items in the execution. Nothing is run or stored."""

    execution_id: UUID
    node: Text = Field(max_length=255)
    sources: tuple[PreviewSource, ...] = Field(default=(), max_length=64)
    expressions: tuple[Expression, ...] = Field(
        min_length=1, max_length=MOST_EXPRESSIONS, description="parameters as the document has them, with their leading `=`"
    )
    item: int = Field(default=0, ge=0, description="index of the item; the last one, where there are fewer")


class PreviewValue(Record):
    """`text`: the value as JSON, a string as it is, cut after some; or `error`: why there is none."""

    type: str | None = Field(
        default=None, description="`string`, `number`, `boolean`, `array`, `object`, `null` or `undefined`"
    )
    text: str | None = None
    cut: bool = False
    error: str | None = None


class Previews(Record):
    """In the order of the expressions."""

    values: tuple[PreviewValue, ...]
    item: int = Field(description="index of the item that they saw")
    items: int = Field(description="how many there were; 0: they saw an empty one")
    source: str | None = Field(default=None, description="the node that the item came from")
