"""What a client's headers ask for, whatever its protocol. Pure."""

from dataclasses import dataclass
from typing import Final

from pydantic import TypeAdapter, ValidationError
from starlette.datastructures import Headers

from bus.errors import InvalidRequest
from bus.messages import Requirements
from bus.messages.tasks import Priority
from coordinator.gateway.submission import checked_key

PRIORITY: Final = "x-hive-priority"
SESSION: Final = "x-hive-session"
REQUIRE: Final = "x-hive-require"
IDEMPOTENCY_KEY: Final = "idempotency-key"
ANY_PROFICIENCY: Final = 0.01
"""Of a capability that is asked for without a number: the agent has it at all."""
ANYTHING: Final = Requirements()
_PRIORITY: Final[TypeAdapter[int]] = TypeAdapter(Priority)


@dataclass(frozen=True, kw_only=True, slots=True)
class Asked:
    priority: int = 3
    session: str | None = None
    require: Requirements = ANYTHING
    idempotency_key: str | None = None


def asked_in(headers: Headers) -> Asked:
    """InvalidRequest, which names the header."""
    return Asked(
        priority=_priority(headers.get(PRIORITY)),
        session=_session(headers.get(SESSION)),
        require=_require(headers.get(REQUIRE)),
        idempotency_key=checked_key(headers.get(IDEMPOTENCY_KEY)),
    )


def _priority(value: str | None) -> int:
    if value is None:
        return 3
    try:
        return _PRIORITY.validate_python(value.strip().lower())
    except ValidationError:
        raise InvalidRequest(f"X-Hive-Priority is {value[:32]!r}; it is 1 (first) to 5, or high, medium, low.") from None


def _session(value: str | None) -> str | None:
    if value is not None and not (0 < len(value) <= 255 and value.isprintable()):
        raise InvalidRequest("X-Hive-Session has 1 to 255 printable characters, such as a conversation's id.")
    return value


def _require(value: str | None) -> Requirements:
    """`code=0.8, vision`: capabilities, each with the least proficiency where it matters."""
    if value is None:
        return ANYTHING
    found: dict[str, float] = {}
    for part in value.split(","):
        name, equals, least = (piece.strip() for piece in part.partition("="))
        try:
            found[name] = float(least) if equals else ANY_PROFICIENCY
        except ValueError:
            raise _odd_require(value) from None
        if not name or not 0 <= found[name] <= 1:
            raise _odd_require(value)
    return Requirements(capabilities=found)


def _odd_require(value: str) -> InvalidRequest:
    return InvalidRequest(
        f"X-Hive-Require is {value[:64]!r}; it names capabilities, with a least proficiency from 0 to 1 where that matters: code=0.8, vision."
    )
