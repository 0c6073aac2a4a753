"""A tool: what it takes, what it gives, who may call it, and the function that asks the bus."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from functools import cached_property
from typing import Annotated, Any, Final, Generic, Protocol, TypeVar

from mcp_types import Tool as Described
from mcp_types import ToolAnnotations
from pydantic import BaseModel, Field, ValidationError
from pydantic_core import PydanticSerializationError, to_json

from bus import auth
from bus.auth import Permission
from bus.codec import explain
from bus.errors import InvalidRequest
from bus.limits.rates import Limited
from bus.messages import Claims, Command
from coordinator.gateway.gateway import Gateway

A = TypeVar("A", bound=Command)

MAX_WAIT_SECONDS: Final = 50.0
"""Assistants give up on a call after about a minute, and progress does not make them wait longer."""
STEP_SECONDS: Final = 2.0
"""Between two words of progress."""


WaitSeconds = Annotated[
    float, Field(ge=0, le=MAX_WAIT_SECONDS, description="how long to wait for the end; 0 answers at once, with the id")
]


class Nothing(Command):
    """The arguments of a tool that takes none."""


class Progress(Protocol):
    """Tells a client that waits how far it is; says nothing to one that did not ask to be told."""

    async def __call__(self, progress: float, total: float | None = None, message: str | None = None) -> None: ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Call(Generic[A]):
    """One call, by whoever `claims` says."""

    gateway: Gateway
    claims: Claims
    arguments: A
    progress: Progress


@dataclass(frozen=True, kw_only=True)
class Tool(Generic[A]):
    """`permission` None: the room that knows whose a thing is checks it, or every key may."""

    name: str
    title: str
    description: str
    arguments: type[A]
    result: type[BaseModel]
    handler: Callable[[Call[A]], Awaitable[BaseModel]]
    permission: Permission | None
    limit: Limited | None = None
    reads: bool = False
    destroys: bool = False
    idempotent: bool = False

    def open_to(self, claims: Claims) -> bool:
        return self.permission is None or auth.allows(claims, self.permission)

    async def call(self, gateway: Gateway, claims: Claims, arguments: dict[str, Any] | None, progress: Progress) -> BaseModel:
        """PermissionDenied, RateLimited, InvalidRequest, and whatever the room says."""
        if self.permission is not None:
            auth.require(claims, self.permission)
        if self.limit is not None:
            (await gateway.limits.take(self.limit, claims)).require()
        parsed = parse(self.arguments, arguments)
        return await self.handler(Call(gateway=gateway, claims=claims, arguments=parsed, progress=progress))

    @cached_property
    def described(self) -> Described:
        return Described(
            name=self.name,
            title=self.title,
            description=self.description,
            input_schema=self.arguments.model_json_schema(),
            output_schema=self.result.model_json_schema(),
            annotations=ToolAnnotations(
                title=self.title,
                read_only_hint=self.reads,
                destructive_hint=self.destroys,
                idempotent_hint=self.reads or self.idempotent,
                open_world_hint=False,
            ),
        )


def parse(model: type[A], arguments: dict[str, Any] | None) -> A:
    """By way of JSON: what is no text, such as half a surrogate pair, would break on the bus. InvalidRequest names the field."""
    try:
        return model.model_validate_json(to_json(arguments or {}))
    except ValidationError as error:
        raise explain(error) from None
    except PydanticSerializationError as error:
        raise InvalidRequest(f"The arguments are no JSON: {error}.") from None
