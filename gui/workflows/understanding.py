"""What a browser said, as a message."""

from typing import Any, TypeVar

from pydantic import BaseModel, ValidationError

from bus.codec import explain

M = TypeVar("M", bound=BaseModel)


def understood(model: type[M], given: Any) -> M:
    """InvalidRequest."""
    try:
        return model.model_validate(given)
    except ValidationError as error:
        raise explain(error) from None
