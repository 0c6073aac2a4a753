"""Every example of an answer by the name of its model, and how a route shows one that has none."""

from typing import Any, Final

from pydantic import BaseModel

from coordinator.gateway.examples import (
    agents,
    alerts,
    cluster,
    credentials,
    keys,
    mcp_servers,
    models,
    notifications,
    people,
    schedules,
    tasks,
    usage,
    workflows,
)

_ROOMS: Final = (
    agents,
    alerts,
    cluster,
    credentials,
    keys,
    mcp_servers,
    models,
    notifications,
    people,
    schedules,
    tasks,
    usage,
    workflows,
)
ANSWERS: Final[dict[str, BaseModel]] = {type(example).__name__: example for room in _ROOMS for example in room.ANSWERS}
"""By the name of the model, which is the name of its schema."""


def shown(example: Any, media_type: str = "application/json", status: int = 200) -> dict[int | str, dict[str, Any]]:
    """For `also` of a route's decorator: what an answer looks like whose model is not among ANSWERS."""
    return {status: {"content": {media_type: {"example": example}}}}
