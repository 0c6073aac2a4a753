"""Answers and errors in the protocol's form. A HiveError is a tool's error, with Hive's code and sentence, so that a model can read it."""

from typing import Any

from mcp_types import CallToolResult, TextContent
from pydantic import BaseModel
from pydantic_core import from_json

from bus.errors import HiveError


def answer(result: BaseModel) -> CallToolResult:
    """As structured content, and the same as text for clients that read no other."""
    text = result.model_dump_json(exclude_none=True)
    return CallToolResult(content=[TextContent(text=text)], structured_content=from_json(text))


def refusal(error: HiveError) -> CallToolResult:
    told: dict[str, Any] = {"code": error.code, "detail": error.message}
    if error.retry_after_seconds is not None:
        told["retry_after_seconds"] = error.retry_after_seconds
    content = [TextContent(text=f"[{error.code}] {error.message}")]
    return CallToolResult(content=content, structured_content=told, is_error=True)
