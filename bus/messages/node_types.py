"""The types of nodes that the engines run, for whoever draws or writes a workflow."""

from enum import StrEnum

from pydantic import Field

from bus.messages.base import JsonObject, Record


class NodeGroup(StrEnum):
    """Where a palette shows a type."""

    TRIGGER = "trigger"
    FLOW = "flow"
    DATA = "data"
    AI = "ai"
    HELPER = "helper"
    ACTION = "action"
    TOOL = "tool"
    """A tool of a registered MCP server."""


class NodeTypeRecord(Record):
    """One type. `inputs` and `outputs` count those that carry items; None: its parameters decide."""

    name: str = Field(description="as documents write it, such as `n8n-nodes-base.set`")
    versions: tuple[float, ...] = Field(description="of its `typeVersion`, oldest first")
    group: NodeGroup
    inputs: int | None = None
    outputs: int | None = None
    helper: str | None = Field(default=None, description="the connection by which it is attached to another node")
    note: str | None = Field(default=None, description="what works differently here than in n8n")
    title: str | None = Field(default=None, description="as a person calls it; of tools of MCP servers alone, as is all below")
    description: str | None = Field(default=None, description="in the server's words")
    parameters_schema: JsonObject | None = Field(
        default=None, description="JSON Schema of its parameters; null also where all schemas together would be too much"
    )


class NodeTypeList(Record):
    """By name."""

    types: tuple[NodeTypeRecord, ...]
    base_url: str | None = Field(default=None, description="of webhooks and forms, as callers reach them")
