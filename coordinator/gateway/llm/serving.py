"""One request of a client, from its job to the last byte: the half of a door that is the same for every protocol."""

import asyncio
from collections.abc import Mapping
from contextlib import suppress
from time import monotonic
from typing import Final
from urllib.parse import quote

from pydantic import ValidationError
from starlette.datastructures import Headers
from starlette.responses import Response
from starlette.types import Receive, Scope, Send

from bus import telemetry
from bus.codec import explain
from bus.errors import HiveError, IdempotencyMismatch, PermissionDenied, StreamInterrupted
from bus.follow import Delta, Restart
from bus.limits.rates import Limited
from bus.messages import Claims, TaskRecord, TaskRequest, TaskStatus
from bus.together import end
from coordinator.gateway.envelope import HEADERS
from coordinator.gateway.gateway import Gateway
from coordinator.gateway.llm.asked import Asked, asked_in
from coordinator.gateway.llm.chain import answering, may_go_on
from coordinator.gateway.llm.gathering import Gathering
from coordinator.gateway.llm.names import present, resolve
from coordinator.gateway.llm.running import Ended, Quiet, Run
from coordinator.gateway.llm.wording import Choice, Job, Whole, Wording
from coordinator.gateway.places import place_headers, place_of

logger = telemetry.log(__name__)

TASK_HEADER: Final = "X-Hive-Task"
AGENT_HEADER: Final = "X-Hive-Agent"
MODEL_HEADER: Final = "X-Hive-Model"
_PLAIN: Final = "".join(map(chr, range(0x21, 0x7F))).replace("%", "")
"""What stands in a header as it is; a client may name a model by anything else, too."""
NOTHING: Final[Mapping[str, str]] = {}
UNSAID_SECONDS: Final = 10.0
"""So long a stream that could still be another model's is not kept alive by comments, which would send its headers."""
STREAM_HEADERS: Final = {"Cache-Control": "no-cache", "X-Accel-Buffering": "no"}


class _Stranded(Exception):
    """Nobody has the model any more, and `instead` is there: it is asked even if it goes too, since its task can wait."""

    def __init__(self, instead: str) -> None:
        super().__init__(instead)
        self.instead = instead


class Serving(Response):
    """The answer to one request. An error before the first byte leaves as a HiveError, which the gateway words in the protocol's form."""

    def __init__(
        self,
        gateway: Gateway,
        claims: Claims,
        headers: Headers,
        job: Job,
        wording: Wording,
        *,
        told: Mapping[str, str] = NOTHING,
    ) -> None:
        """`told` are headers of the protocol's own that go with the answer."""
        super().__init__()
        self._gateway, self._job, self._wording = gateway, job, wording
        asked = asked_in(headers)
        self._chain = resolve(job.model, gateway.named.items, gateway.overview.agents.items.values(), claims)
        # The name was allowed; what it stands for need not be named in the key.
        self._claims = claims.model_copy(update={"models": self._chain.models if claims.models else ()})
        self._key, self._since = asked.idempotency_key, monotonic()
        self._request = _request_of(job, self._chain.model, asked)
        self._told: dict[str, str] = dict(told)
        self._begun = self._spoken = False
        self._blank: list[Delta] = []
        """White space that a stream begins with: kept until a word follows, since another host, or model, may still begin anew."""
        self._beginning = b""
        self._run = self._turn_to(self._chain.model)

    def _there(self) -> set[str]:
        return present(self._gateway.overview.agents.items.values())

    def _turn_to(self, model: str) -> Run:
        """A task of its own for each model that is asked."""
        self._chain.ask(model)
        if model != self._request.model:
            self._request = self._request.model_copy(update={"model": model})
        run = Run(self._gateway, self._claims, self._key, model if len(self._chain.models) > 1 else None)
        self._blank.clear()
        self._told |= {TASK_HEADER: str(run.task_id), MODEL_HEADER: quote(model, safe=_PLAIN)}
        return run

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Until it is answered, or the client has gone: then its task is cancelled."""
        if self._gateway.limits.limits(Limited.LLM_ASK):
            taken = await self._gateway.limits.take(Limited.LLM_ASK, self._claims)
            self._told |= taken.headers
            scope[HEADERS] = self._told
            taken.require()
        scope[HEADERS] = self._told
        answering = asyncio.create_task(self._answer(send))
        leaving = asyncio.create_task(_gone(receive))
        try:
            await asyncio.wait({answering, leaving}, return_when=asyncio.FIRST_COMPLETED)
        finally:
            await end((answering, leaving))
        if not answering.cancelled():
            answering.result()

    async def _answer(self, send: Send) -> None:
        """By the next model of the alias, where one failed before anything was sent: what fails later is told by `_stream`, and raised by nobody."""
        if self._key is not None and len(self._chain.models) > 1:
            await self._find_earlier()
        while True:
            try:
                async with self._run as run:
                    await run.submit(self._request)
                    await (self._stream(run, send) if self._request.streamed else self._whole(run, send))
                return
            except _Stranded as stranded:
                model, why = stranded.instead, "no_agent_has_it"
            except HiveError as error:
                found = self._chain.next(self._there()) if may_go_on(error, self._run.record) else None
                if found is None:
                    raise
                model, why = found, error.code
            logger.info("went_on_with_next_model", task_id=str(self._run.task_id), model=model, why=why)
            self._run = self._turn_to(model)

    async def _find_earlier(self) -> None:
        """The model that the same request came to before, whoever has it now. Unavailable where nobody can tell: it might be done twice."""
        try:
            tasks = {model: await Run(self._gateway, self._claims, self._key, model).known() for model in self._chain.models}
        except PermissionDenied:
            raise IdempotencyMismatch("This Idempotency-Key brought a task of somebody else's. Take a new key.") from None
        if (model := answering(tasks)) is not None:
            self._run = self._turn_to(model)

    async def _whole(self, run: Run, send: Send) -> None:
        gathering = Gathering()
        async for item in run.items():
            match item:
                case Delta():
                    gathering.add(item)
                case Restart():
                    gathering.begin_anew()
                case Quiet(record):
                    self._require_place(record)
                case Ended():
                    whole = Whole(choices=gathering.choices(self._request.n), agent_id=run.agent_id)
                    whole.end(item.ending)
                    body = self._wording.whole(whole)  # before the first byte: it may be an error
                    await self._start(send, self._wording.whole_type)
                    await send({"type": "http.response.body", "body": body})

    async def _stream(self, run: Run, send: Send) -> None:
        if not self._beginning:  # else an earlier model of the alias said nothing behind it
            self._beginning = self._wording.stream_begin()  # ahead of what follows it: some protocols number what they say
        try:
            async for item in run.items():
                await self._say(run, item, send)
        except HiveError as error:
            if not self._begun:
                raise
            logger.info("stream_ended_by_error", task_id=str(run.task_id), code=error.code)
            await send({"type": "http.response.body", "body": self._wording.stream_error(error)})

    async def _say(self, run: Run, item: Delta | Restart | Quiet | Ended, send: Send) -> None:
        wording = self._wording
        match item:
            case Delta() if not self._spoken and _is_blank(item):
                self._blank.append(item)
            case Delta():
                await self._write(send, self._kept() + wording.stream_delta(item))
                self._spoken = True
            case Restart() if self._spoken:
                raise StreamInterrupted(
                    "The host that wrote the answer was lost, and what was sent of it cannot be gone on with. Ask again."
                )
            case Restart():
                self._blank.clear()
            case Quiet(record):
                if self._may_go_on():
                    self._require_place(record)
                    return
                waits = record is not None and record.status in (TaskStatus.QUEUED, TaskStatus.PENDING)
                place = None if record is None else place_of(record)
                if record is not None:
                    self._told |= place_headers(record)
                note = "waiting" if not waits else f"queued, position {'unknown' if place is None else place.position}"
                await self._write(send, wording.stream_idle(note))
            case Ended(ending):
                whole = Whole(choices=[Choice() for _ in range(self._request.n)], agent_id=run.agent_id)
                whole.end(ending)
                await self._write(send, self._kept() + wording.stream_end(whole), more=False)

    def _kept(self) -> bytes:
        kept = b"".join(map(self._wording.stream_delta, self._blank))
        self._blank.clear()
        return kept

    def _may_go_on(self) -> bool:
        """Whether another model might still answer: headers that are sent name this one."""
        alone = len(self._chain.models) == 1
        return (
            not self._begun
            and not alone
            and monotonic() - self._since < UNSAID_SECONDS
            and bool(self._chain.next(self._there()))
        )

    def _require_place(self, record: TaskRecord | None) -> None:
        """_Stranded for what waits for a model that is gone while another is there."""
        if len(self._chain.models) > 1 and (instead := self._chain.instead(record, self._there())) is not None:
            self._run.abandon()
            raise _Stranded(instead)

    async def _write(self, send: Send, data: bytes, *, more: bool = True) -> None:
        """Waits while the client reads more slowly than the host writes; meanwhile chunks gather in the run's inbox."""
        if not self._begun:
            await self._start(send, self._wording.stream_type, STREAM_HEADERS)
            data = self._beginning + data
            self._begun = True
        if data or not more:
            await send({"type": "http.response.body", "body": data, "more_body": more})

    async def _start(self, send: Send, media_type: str, headers: dict[str, str] | None = None) -> None:
        if self._run.agent_id is not None:
            self._told[AGENT_HEADER] = self._run.agent_id
        raw = [(b"content-type", media_type.encode())]
        raw += [(name.lower().encode(), value.encode()) for name, value in (headers or {}).items()]
        await send({"type": "http.response.start", "status": 200, "headers": raw})


def _is_blank(delta: Delta) -> bool:
    return not (delta.thinking or delta.text.strip() or delta.tool_calls or delta.embeddings)


def _request_of(job: Job, model: str, asked: Asked) -> TaskRequest:
    """InvalidRequest for work that contradicts itself."""
    work = {name: getattr(job.work, name) for name in job.work.model_fields_set}
    beside = {"model": model, "priority": asked.priority, "session": asked.session, "require": asked.require}
    try:
        return TaskRequest(**work, **beside, metadata=dict(job.metadata))
    except ValidationError as error:
        raise explain(error) from None


async def _gone(receive: Receive) -> None:
    """Until the client has closed its connection."""
    with suppress(OSError):
        while (await receive())["type"] != "http.disconnect":
            continue
