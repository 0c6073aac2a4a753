"""Services on the bus, as ADR-32 of NATS lays them down: a service has endpoints, and `nats micro ls` lists them.

A request's work runs in a task of its own, since nats.micro hands an endpoint its requests one at a time. Errors cross as codes.
"""

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from time import monotonic
from typing import Any, Final, Generic, TypeVar

from pydantic import BaseModel, ValidationError
from pydantic_core import PydanticSerializationError

from bus import auth, subjects, telemetry
from bus.auditing.auditor import REFUSALS, Auditor
from bus.auditing.changes import changes
from bus.auth import Permission
from bus.codec import decode
from bus.errors import AnswerTooLarge, HiveError, PermissionDenied, Unauthenticated
from bus.messages import Claims
from bus.together import let_go

logger = telemetry.log(__name__)
R = TypeVar("R", bound=BaseModel)

MAX_RUNNING = 512
"""Requests of one service that are worked on at once; more wait in the client's buffer."""
MAX_ANSWER_BYTES: Final = 8_000_000
"""A little less than nats-server's `max_payload` (nats.conf)."""


@dataclass(frozen=True, kw_only=True)
class Call(Generic[R]):
    """One request, understood and permitted."""

    body: R
    claims: Claims
    headers: Mapping[str, str] = field(default_factory=dict)
    size: int = 0
    """Bytes of the body as it came."""


@dataclass(frozen=True, kw_only=True)
class Endpoint:
    """A verb of a service. `permission` is checked before the handler; None where the handler must look at the owner first."""

    verb: str
    body: type[BaseModel]
    handler: Callable[[Call[Any]], Awaitable[BaseModel]]
    permission: Permission | None
    description: str = ""
    by_agent: bool = False
    """Agents call it for themselves, each at a subject that ends with its id, where the body must name the same `agent_id`. Those who
    may speak for any agent leave that out."""


@dataclass(frozen=True, kw_only=True)
class Service:
    """`name` is one word; the subject of a verb is `hive.svc.<name>.<verb>`.

    `part`: where several rooms share the verbs of a service, which of them this is. NATS takes whoever has one name for the same
    service, and `nats micro info` then shows any one of them.
    """

    name: str
    part: str = ""
    version: str
    description: str
    endpoints: tuple[Endpoint, ...]
    at_once: int = MAX_RUNNING
    """Requests that are worked on at the same time; more wait, those of all verbs together."""

    @property
    def listed_as(self) -> str:
        """The name by which NATS's tools know it."""
        return f"{self.name}-{self.part}" if self.part else self.name


@dataclass(frozen=True)
class Answer:
    """What goes back: a body, or an error's code and message in the headers that nats.micro defines."""

    data: bytes
    headers: dict[str, str] | None = None


def claims_of(headers: Mapping[str, str]) -> Claims:
    """Claims that a door vouched for; without any, the bus's own credentials speak (auth.BUS_OPERATOR)."""
    value = headers.get(subjects.HEADER_CLAIMS)
    if value is None:
        return auth.BUS_OPERATOR
    try:
        return Claims.model_validate_json(value)
    except ValidationError:
        raise Unauthenticated(f"The header {subjects.HEADER_CLAIMS} cannot be read.") from None


async def answer(
    service: Service, endpoint: Endpoint, data: bytes, headers: Mapping[str, str], auditor: Auditor, caller: str | None = None
) -> Answer:
    """Everything between a request's bytes and its answer's; `caller`: the agent whose subject it came by. Never raises: what is
    unexpected is logged and hidden.
    """
    action = f"{service.name}.{endpoint.verb}"
    with telemetry.trace(headers.get(subjects.HEADER_TRACEPARENT)):
        claims = auth.NOBODY
        try:
            claims = claims_of(headers)
            if endpoint.permission is not None:
                auth.require(claims, endpoint.permission)
            body = decode(endpoint.body, data)
            if caller is not None and getattr(body, "agent_id", None) != caller:
                raise PermissionDenied(f"{caller} may speak for itself, and for no other agent.")
            call = Call(body=body, claims=claims, headers=headers, size=len(data))
            if changes(service.name, endpoint.verb, endpoint.permission, claims.via):
                answer = await _audited(auditor, action, endpoint, call)
            else:
                answer = await endpoint.handler(call)
            # With its nulls, unlike what the bus carries else: the same bodies as every door gives.
            return _bounded(_text(answer))
        except _Recorded as recorded:
            return refuse(recorded.error)
        except HiveError as error:
            if isinstance(error, REFUSALS):
                await auditor.refused(action, claims, error)
            return refuse(error)
        except Exception:
            logger.exception("verb_failed", verb=endpoint.verb, of=service.name)
            return refuse(HiveError(f"{action} failed inside; its log has the reason."))


class _Recorded(Exception):
    """What the audit log knows already."""

    def __init__(self, error: HiveError) -> None:
        super().__init__(error.message)
        self.error = error


async def _audited(auditor: Auditor, action: str, endpoint: Endpoint, call: Call[Any]) -> BaseModel:
    """_Recorded; AuditUnavailable, and then nothing was changed."""
    record, started = await auditor.begin(action, call.claims, call.body), monotonic()
    try:
        answer = await endpoint.handler(call)
    except HiveError as error:
        failure = error
    except Exception:
        logger.exception("verb_failed", verb=endpoint.verb, of=action)
        failure = HiveError(f"{action} failed inside; its log has the reason.")
    else:
        await auditor.end(record, monotonic() - started, answer, None)
        return answer
    await auditor.end(record, monotonic() - started, None, failure)
    raise _Recorded(failure)


def _text(answer: BaseModel) -> bytes:
    try:
        return answer.model_dump_json().encode()
    except PydanticSerializationError as error:
        raise AnswerTooLarge(f"The answer cannot be written: {error}.") from None


def _bounded(data: bytes) -> Answer:
    """What the bus would not carry is told, or whoever asked would wait in vain."""
    if len(data) > MAX_ANSWER_BYTES:
        raise AnswerTooLarge(f"The answer has {len(data):,} bytes; one may have {MAX_ANSWER_BYTES:,}.")
    return Answer(data)


def refuse(error: HiveError) -> Answer:
    headers = {subjects.HEADER_ERROR_CODE: error.code, subjects.HEADER_ERROR: error.message.replace("\n", " ")}
    if error.retry_after_seconds is not None:
        headers["Retry-After"] = str(error.retry_after_seconds)
    return Answer(b"", headers)


class TaskSet:
    """Background tasks that are kept alive while they run, bounded in number, and ended together."""

    def __init__(self, limit: int = MAX_RUNNING) -> None:
        self._tasks: set[asyncio.Task[None]] = set()
        self._free = asyncio.Semaphore(limit)

    async def start(self, work: Callable[[], Awaitable[None]]) -> None:
        """Waits while `limit` of them run."""
        await self._free.acquire()
        task = asyncio.create_task(self._run(work))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _run(self, work: Callable[[], Awaitable[None]]) -> None:
        try:
            await work()
        except Exception:
            logger.exception("background_task_failed")
        finally:
            self._free.release()

    async def finish(self, timeout: float) -> None:
        """Wait for what runs; cancel what is still running then, or when nobody waits any more."""
        try:
            if self._tasks:
                await asyncio.wait(set(self._tasks), timeout=timeout)
        finally:
            let_go(self._tasks)
