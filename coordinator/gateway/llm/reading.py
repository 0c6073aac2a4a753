"""A client's body as a model of its protocol, and what is wrong with it in words that name the field."""

from typing import Final, TypeVar

from pydantic import BaseModel, ConfigDict, ValidationError

from bus.codec import explain
from bus.errors import InvalidRequest
from coordinator.gateway.body import parse

M = TypeVar("M", bound=BaseModel)


class Foreign(BaseModel):
    """Of another's protocol: fields that Hive has no use for are ignored, as its clients expect."""

    model_config = ConfigDict(frozen=True, extra="ignore")


_UNION_TAGS: Final = frozenset({"function-before", "function-after", "list", "tuple", "str", "union"})


def read(model: type[M], body: bytes) -> M:
    """InvalidJson, InvalidRequest; `param` is the field."""
    if b"NaN" in body or b"Infinity" in body:
        parse(body)  # these are no JSON, and pydantic takes them; a text may have such words
    try:
        return model.model_validate_json(body)
    except ValidationError as error:
        raise named(explain(error), _param(error)) from None


def wrong(param: str, message: str) -> InvalidRequest:
    """One field that cannot be."""
    found = InvalidRequest(message)
    found.param = param
    return found


def named(error: InvalidRequest, param: str | None) -> InvalidRequest:
    error.param = param
    return error


def _param(error: ValidationError) -> str | None:
    """`messages.0.role`, as OpenAI writes it: of the first problem, without pydantic's names for the sides of a union."""
    path = error.errors(include_url=False, include_context=False, include_input=False)[0]["loc"]
    return ".".join(str(part) for part in path if not _is_side(part)) or None


def _is_side(part: int | str) -> bool:
    return isinstance(part, str) and (part.partition("[")[0] in _UNION_TAGS or part[:1].isupper())
