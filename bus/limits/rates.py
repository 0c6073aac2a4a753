"""What each role may do in an hour: pure. The names and the defaults are the seed's."""

from collections.abc import Iterable, Mapping
from enum import StrEnum
from math import ceil
from typing import Annotated, Any, Final

from pydantic import BeforeValidator, Field

from bus.messages import Role

WINDOW_SECONDS: Final = 3600


class Limited(StrEnum):
    """What a limit can be set for."""

    WORKFLOWS_CREATE = "api.workflows.create"
    EXECUTIONS_START = "api.executions.start"
    AGENTS_REGISTER = "api.agents.register"
    TASKS_CREATE = "api.tasks.create"
    LLM_ASK = "api.llm.ask"
    """Whatever comes to the doors of OpenAI, Ollama and Anthropic for an answer of a model."""


Amounts = dict[Limited, dict[Role, int | None]]
"""Times an hour; 0: never; None, or a role that is not named: as often as one likes."""

RATE_LIMITS: Final[Amounts] = {
    Limited.WORKFLOWS_CREATE: {Role.ADMIN: 100, Role.DEVELOPER: 50, Role.VIEWER: 0},
    Limited.EXECUTIONS_START: {Role.ADMIN: 200, Role.DEVELOPER: 100, Role.VIEWER: 0},
    Limited.AGENTS_REGISTER: {Role.ADMIN: 10, Role.DEVELOPER: 0, Role.VIEWER: 0},
}


def _beside_the_defaults(value: Any) -> Any:
    return merged(value) if isinstance(value, dict) and all(isinstance(each, dict) for each in value.values()) else value


RateLimits = Annotated[
    Amounts,
    BeforeValidator(_beside_the_defaults),
    Field(
        validate_default=False,
        description='times an hour, by route and role, as JSON: `{"api.executions.start": {"developer": 500}}` changes this one; `null`: no '
        "limit; 0: never. The doors of language models are `api.llm.ask`, and have none",
    ),
]
"""Of settings."""


def merged(given: Mapping[str, Any]) -> dict[str, dict[str, Any]]:
    """The seed's, with what is given in the place of each."""
    together = {str(name): dict(amounts) for name, amounts in RATE_LIMITS.items()}
    for name, amounts in given.items():
        together[name] = {**together.get(name, {}), **amounts}
    return {name: {str(role): most for role, most in amounts.items()} for name, amounts in together.items()}


def most_for(amounts: Amounts, what: Limited, roles: Iterable[Role]) -> int | None:
    """Of several roles the one that may most. None: no limit."""
    of_roles = [amounts.get(what, {}).get(role) for role in roles]
    known = [most for most in of_roles if most is not None]
    return max(known) if known and len(known) == len(of_roles) else None


def told(what: Limited, most: int, remaining: int, reset_seconds: float) -> dict[str, str]:
    """The state of a limit as headers: the fields of draft-ietf-httpapi-ratelimit-headers-10, and the three of its earlier versions,
    which clients read more often."""
    seconds = max(0, ceil(reset_seconds))
    return {
        "RateLimit-Policy": f'"{what}";q={most};w={WINDOW_SECONDS}',
        "RateLimit": f'"{what}";r={remaining};t={seconds}',
        "RateLimit-Limit": str(most),
        "RateLimit-Remaining": str(remaining),
        "RateLimit-Reset": str(seconds),
    }
