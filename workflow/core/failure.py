"""How an error is carried: raised as `NodeError` inside a node, kept as a `Failure` in the run data.

A node raises `NodeError` (or anything; what is not one of ours becomes a `Failure` without a description). The interpreter adds node
and item. `advance` decides by the node's `onError` what follows.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar, Self

from pydantic import JsonValue

from bus import errors
from bus.errors import HiveError, NodeFailed


class NodeError(Exception):
    """`item`: index of the input item at fault. `description`: the longer text that n8n shows below the message. `shown`: what an item
    that says what went wrong has under `error`, where that is not the message.

    Not a `HiveError`: it never reaches a door. Its code is one of that tree, and is what the run data show.
    """

    code: ClassVar[str] = NodeFailed.code
    kind: ClassVar[str] = "NodeOperationError"

    def __init__(
        self, message: str, *, description: str | None = None, item: int | None = None, shown: JsonValue = None
    ) -> None:
        super().__init__(message)
        self.message = message
        self.description = description
        self.item = item
        self.shown = shown


class ExpressionError(NodeError):
    """An expression that could not be evaluated: which, and in which parameter."""

    code = errors.ExpressionError.code
    kind = "ExpressionError"

    def __init__(
        self,
        message: str,
        *,
        item: int | None = None,
        parameter: str = "",
        expression: str = "",
        description: str | None = None,
    ) -> None:
        super().__init__(message, item=item, description=description)
        self.parameter = parameter
        self.expression = expression


class CodeError(NodeError):
    """Code of a node threw, or returned what is no item (`shape`). `line` counts from 1."""

    code = errors.CodeError.code

    def __init__(
        self,
        message: str,
        *,
        description: str | None = None,
        item: int | None = None,
        line: int | None = None,
        shape: bool = False,
    ) -> None:
        super().__init__(message, description=description, item=item)
        self.line, self.shape = line, shape


class LimitError(NodeError):
    """Time, memory or output of an evaluation was used up; the same input would end the same."""

    code = errors.EvaluationLimit.code


@dataclass(frozen=True, slots=True, kw_only=True)
class Failure:
    """An error as the run data keep it. `message` is what n8n would show; `code` is Hive's stable code."""

    message: str
    code: str = NodeFailed.code
    name: str = NodeError.kind
    description: str | None = None
    node: str | None = None
    item: int | None = None
    parameter: str | None = None
    expression: str | None = None
    line: int | None = None
    shown: JsonValue = None
    """What an item has under `error`, where that is not the message. Of a request it is an object, with the status or code of the failure."""

    @classmethod
    def of(cls, error: BaseException, node: str) -> Self:
        return cls(
            message=error.message if isinstance(error, NodeError | HiveError) else str(error) or type(error).__name__,
            code=error.code if isinstance(error, NodeError | HiveError) else NodeFailed.code,
            name=getattr(error, "kind", NodeError.kind),
            description=getattr(error, "description", None),
            node=node,
            item=getattr(error, "item", None),
            parameter=getattr(error, "parameter", None) or None,
            expression=getattr(error, "expression", None) or None,
            line=getattr(error, "line", None),
            shown=getattr(error, "shown", None),
        )

    def to_json(self) -> dict[str, Any]:
        """n8n's shape of an error: what is unknown is left out."""
        context = {"itemIndex": self.item, "parameter": self.parameter, "expression": self.expression, "line": self.line}
        known = {
            "description": self.description,
            "node": {"name": self.node} if self.node else None,
            "httpCode": self._http_code,
            "shown": self.shown,
        }
        found = {"message": self.message, "name": self.name, "code": self.code} | {
            k: v for k, v in known.items() if v is not None
        }
        return found | {"context": {key: value for key, value in context.items() if value is not None}}

    @property
    def _http_code(self) -> str | None:
        """As n8n names it: the status that a service answered with, or the code of what kept it from answering."""
        found = (self.shown.get("status") or self.shown.get("code")) if isinstance(self.shown, Mapping) else None
        return None if found is None else str(found)

    @classmethod
    def from_json(cls, given: Mapping[str, Any]) -> Self:
        context = given.get("context") or {}
        return cls(
            message=given["message"],
            code=given.get("code", NodeFailed.code),
            name=given.get("name", NodeError.kind),
            description=given.get("description"),
            node=(given.get("node") or {}).get("name"),
            item=context.get("itemIndex"),
            parameter=context.get("parameter"),
            expression=context.get("expression"),
            line=context.get("line"),
            shown=given.get("shown"),
        )
