"""JSON in, JSON out, and one wording for what is wrong with it, at every door."""

from collections.abc import Iterable
from itertools import islice
from typing import TypeVar

from pydantic import BaseModel, ValidationError

from bus.errors import InvalidJson, InvalidRequest

M = TypeVar("M", bound=BaseModel)


def encode(message: BaseModel | bytes) -> bytes:
    """Compact JSON without the fields that are null: what the bus carries."""
    return message if isinstance(message, bytes) else message.model_dump_json(exclude_none=True).encode()


def decode(model: type[M], data: bytes) -> M:
    """InvalidJson or InvalidRequest, in words for the sender; never a pydantic trace. An empty body is an empty object."""
    try:
        return model.model_validate_json(data or b"{}")
    except ValidationError as error:
        raise explain(error) from None


def explain(error: ValidationError) -> InvalidRequest:
    """One sentence a problem, each with the path of the field."""
    problems = error.errors(include_url=False, include_context=False, include_input=False)
    if any(problem["type"] == "json_invalid" for problem in problems):
        return InvalidJson(
            f"The body is not valid JSON: {problems[0]['msg'].removeprefix('Invalid JSON: ')}. Send one JSON object."
        )
    return InvalidRequest(sentences((problem["loc"], problem["type"], problem["msg"]) for problem in problems))


def sentences(problems: Iterable[tuple[tuple[int | str, ...], str, str]]) -> str:
    """The first few of pydantic's problems, each given as (path, type, message).

    A list whose items are wrong counts as too short as well, which would only mislead.
    """
    found = list(problems)
    deeper = {location[:depth] for location, _, _ in found for depth in range(len(location))}
    told = (problem for problem in found if not (problem[1] == "too_short" and problem[0] in deeper))
    return ". ".join(_sentence(*problem) for problem in islice(told, 5)) + "."


def _sentence(location: tuple[int | str, ...], kind: str, message: str) -> str:
    path = ".".join(str(part) for part in location)
    if kind == "string_pattern_mismatch" and "A-Z" not in message:
        return (
            f"`{path}` has another form than an id: lower-case letters, digits and hyphens, with a letter or digit at both ends"
        )
    if kind == "extra_forbidden":
        return f"`{path}` is not a field that Hive knows; check its spelling or leave it out"
    if kind in ("too_short", "string_too_short") and "at least 1 " in message:
        return f"`{path}` is empty; fill it, or leave it out"
    if kind == "timezone_aware" or kind.startswith("datetime_"):
        return f"`{path}` is no time with its zone; write it such as 2027-01-31T18:00:00Z"
    text = message.removeprefix("Value error, ").removesuffix(".")
    return f"`{path}`: {text}" if path else text
