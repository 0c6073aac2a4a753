"""What a backup says of itself. It is the last thing in the file: a file without it was not written to its end."""

from datetime import datetime
from typing import Final

from pydantic import Field

from bus.messages import JsonObject, Message

FORMAT: Final = 1
"""Of the file. It grows when an older Hive could not read a newer file."""


class Section(Message):
    """A run of bytes in the file. `sha256` is of all of them."""

    name: str
    size_bytes: int
    sha256: str


class Table(Section):
    """Rows in the text form of PostgreSQL's COPY."""

    columns: tuple[str, ...]
    rows: int


class Stream(Section):
    """A snapshot in the server's own form, with the configuration that it is restored with and the state that it was found in."""

    config: JsonObject
    state: JsonObject
    messages: int

    @property
    def config_name(self) -> str:
        """The stream's own name."""
        return str(self.config["name"])


class Partition(Message):
    """`begin` and `end`: midnights, of which the second belongs to the next partition."""

    name: str
    table: str
    begin: datetime
    end: datetime


class Manifest(Message):
    format: int = FORMAT
    hive_version: str
    hive_id: str
    taken_at: datetime = Field(description="when it began: what was acknowledged before is in it")
    schema_numbers: dict[str, tuple[int, ...]] = Field(description="by ledger, the migrations that were done")
    sequences: dict[str, int] = Field(description="the last number that each of PostgreSQL's sequences gave")
    partitions: tuple[Partition, ...]
    tables: tuple[Table, ...]
    streams: tuple[Stream, ...]
    files: tuple[Section, ...] = Field(description="of the data folder; none unless secrets were asked for")
    metrics: bool = Field(description="whether the hosts' kept metrics are in it")
    credential_keys: tuple[str, ...] = Field(description="ids of the keys that its credentials are sealed with")

    @property
    def sections(self) -> tuple[Section, ...]:
        return (*self.tables, *self.streams, *self.files)

    def table(self, name: str) -> Table | None:
        return next((table for table in self.tables if table.name == name), None)
