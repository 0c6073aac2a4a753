"""MCP servers that are registered, as the doors and the engines speak of them. Headers and environments go in and never come out."""

from datetime import datetime
from enum import StrEnum
from typing import Annotated, Self
from urllib.parse import urlsplit
from uuid import UUID

from pydantic import AfterValidator, Field, StringConstraints, model_validator

from bus.messages.base import Command, JsonObject, Message, Record, Slug, Text, Words

MAX_SERVERS_IN_A_FILE = 200


class McpTransport(StrEnum):
    STDIO = "stdio"
    STREAMABLE_HTTP = "streamable_http"
    SSE = "sse"


class McpServerStatus(StrEnum):
    """`inactive`: switched off by whoever looks after it. The others are what the engine that keeps the connections sees."""

    INACTIVE = "inactive"
    CONNECTING = "connecting"
    CONNECTED = "connected"
    FAILED = "failed"


McpServerName = Annotated[
    str,
    StringConstraints(pattern=r"^[A-Za-z0-9](?:[A-Za-z0-9_. -]{0,62}[A-Za-z0-9])?$"),
    Field(description="by which nodes name it; there is one of each name"),
]
Secrets = dict[Annotated[Text, StringConstraints(min_length=1, max_length=256)], Text]


def _bounded(given: Secrets | None) -> Secrets | None:
    if given is not None and sum(len(name) + len(value) for name, value in given.items()) > 65_536:
        raise ValueError("it has more than 65,536 characters, which is more than a server may have")
    for name, value in (given or {}).items():
        if set("\x00\r\n") & set(name + value):
            raise ValueError("a name or a value has a line break or U+0000 in it")
    return given


class McpServerWish(Command):
    """What a server is: a command for `stdio`, else a URL."""

    transport: McpTransport
    endpoint: Text | None = Field(default=None, max_length=2048, description="the URL, for `streamable_http` and `sse`")
    command: Text | None = Field(default=None, min_length=1, max_length=4096, description="the program, for `stdio`")
    args: Annotated[tuple[Text, ...], Field(max_length=256)] = Field(
        default=(), repr=False, description="of the program; they are sealed, since many hold a secret"
    )
    env: Annotated[Secrets, AfterValidator(_bounded)] = Field(
        default_factory=dict,
        repr=False,
        description="of the program, which gets nothing else of the engine's environment; sealed",
    )
    headers: Annotated[Secrets, AfterValidator(_bounded)] = Field(
        default_factory=dict, repr=False, description="of each request to the URL; sealed"
    )
    capabilities: Annotated[tuple[Text, ...], Field(max_length=100)] = Field(
        default=(), description="words of your own about what it is for"
    )
    version: Text | None = Field(default=None, max_length=100, description="your own word; the server's is in `server_version`")
    active: bool = Field(default=True, description="whether it is connected, and may be called")

    @model_validator(mode="after")
    def _whole(self) -> Self:
        if self.transport is McpTransport.STDIO:
            if self.command is None or self.endpoint is not None or self.headers:
                raise ValueError("a stdio server has a `command`, and neither `endpoint` nor `headers`")
            return self
        if self.endpoint is None or self.command is not None or self.args or self.env:
            raise ValueError("a server that is reached by HTTP has an `endpoint`, and neither `command`, `args` nor `env`")
        found = urlsplit(self.endpoint)
        if found.username or found.password:
            raise ValueError("the endpoint has a name or a password in it, which would be shown; send them in `headers`")
        return self


class RegisterMcpServer(McpServerWish):
    """The body of `POST /api/mcp-servers`."""

    name: McpServerName


class ReplaceMcpServer(McpServerWish):
    """As a verb's body: all of it is replaced."""

    name: McpServerName


class McpServerRef(Command):
    name: McpServerName


class ImportMcpServers(Command):
    """`document`: the usual `{"mcpServers": {…}}`, or `{"servers": {…}}`. One that is there already is replaced."""

    document: JsonObject = Field(repr=False)


class McpTool(Record):
    """A tool as its server declares it."""

    name: str
    description: str = ""
    input_schema: JsonObject = Field(default_factory=dict)
    annotations: JsonObject = Field(default_factory=dict)


class McpServerRecord(Record):
    """A server as every door shows it: what it is and how it is, and nothing that is secret."""

    id: UUID
    name: str
    transport: McpTransport
    endpoint: str | None = Field(
        default=None, description="without the values of its query; its path is shown to those who look after the server"
    )
    command: str | None = None
    env_names: tuple[str, ...] = ()
    header_names: tuple[str, ...] = ()
    capabilities: tuple[str, ...] = ()
    version: str | None = None
    active: bool
    owner: str
    tenant: Slug = "default"
    status: McpServerStatus
    reason: Words | None = Field(default=None, description="why it is as it is, where something is wrong")
    server_name: str | None = Field(default=None, description="as the server calls itself")
    server_version: str | None = None
    tools: tuple[McpTool, ...] = Field(default=(), description="as they were last listed")
    checked_at: datetime | None = Field(default=None, description="when the status was last looked at")
    created_at: datetime
    updated_at: datetime


class McpServerList(Record):
    """By name, without their tools."""

    servers: tuple[McpServerRecord, ...]


class McpImportEntry(Record):
    """`code` and `message` where it was refused."""

    name: str
    stored: bool
    code: str | None = None
    message: Words | None = None


class McpImport(Record):
    entries: tuple[McpImportEntry, ...]


class CallMcpTool(Command):
    """A call of a stdio server's tool, for the engine that keeps its process. Between engines."""

    name: McpServerName
    tool: Text
    arguments: JsonObject = Field(default_factory=dict, repr=False)
    key: Text = ""
    timeout_seconds: float = Field(default=60, gt=0, le=3600)


class McpToolAnswer(Record):
    """In MCP's own shape: `content`, `structuredContent`, `isError`."""

    result: JsonObject


class McpServerChange(Message):
    """`mcp_server.status_changed`: another status, or other tools."""

    server_id: UUID
    name: str
    status: McpServerStatus
    previous: McpServerStatus | None = None
    tools: int = 0
    reason: Words | None = None
