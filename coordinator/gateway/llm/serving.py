"""One request of a client, from its job to the last byte: the half of a door that is the same for every protocol."""

import asyncio
from collections.abc import Mapping
from contextlib import suppress
from typing import Final
from urllib.parse import quote

from pydantic import ValidationError
from starlette.datastructures import Headers
from starlette.responses import Response
from starlette.types import Receive, Scope, Send

from bus import telemetry
from bus.codec import explain
from bus.errors import HiveError, StreamInterrupted
from bus.follow import Delta, Restart
from bus.messages import Claims, TaskRequest, TaskStatus
from coordinator.gateway.envelope import HEADERS
from coordinator.gateway.gateway import Gateway
from coordinator.gateway.llm.asked import Asked, asked_in
from coordinator.gateway.llm.gathering import Gathering
from coordinator.gateway.llm.names import resolve
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
STREAM_HEADERS: Final = {"Cache-Control": "no-cache", "X-Accel-Buffering": "no"}


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
        model = resolve(job.model, gateway.named.items, gateway.overview.agents.items.values(), claims)
        self._claims = claims.model_copy(update={"models": ()})  # the name was allowed; what it stands for need not be named
        self._run = Run(gateway, self._claims, asked.idempotency_key)
        self._request = _request_of(job, model, asked)
        self._told: dict[str, str] = {**told, TASK_HEADER: str(self._run.task_id), MODEL_HEADER: quote(model, safe=_PLAIN)}
        self._begun = self._spoken = False
        self._beginning = b""

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Until it is answered, or the client has gone: then its task is cancelled."""
        scope[HEADERS] = self._told
        answering = asyncio.create_task(self._answer(send))
        leaving = asyncio.create_task(_gone(receive))
        try:
            await asyncio.wait({answering, leaving}, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for task in (answering, leaving):
                task.cancel()
            await asyncio.wait({answering, leaving})
        if not answering.cancelled():
            answering.result()

    async def _answer(self, send: Send) -> None:
        async with self._run as run:
            await run.submit(self._request)
            await (self._stream(run, send) if self._request.streamed else self._whole(run, send))

    async def _whole(self, run: Run, send: Send) -> None:
        gathering = Gathering()
        async for item in run.items():
            match item:
                case Delta():
                    gathering.add(item)
                case Restart():
                    gathering.begin_anew()
                case Ended():
                    whole = Whole(choices=gathering.choices(self._request.n), agent_id=run.agent_id)
                    whole.end(item.ending)
                    await self._start(send, self._wording.whole_type)
                    await send({"type": "http.response.body", "body": self._wording.whole(whole)})

    async def _stream(self, run: Run, send: Send) -> None:
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
            case Delta():
                await self._write(send, wording.stream_delta(item))
                self._spoken = True
            case Restart() if self._spoken:
                raise StreamInterrupted(
                    "The host that wrote the answer was lost, and what was sent of it cannot be gone on with. Ask again."
                )
            case Quiet(record):
                waits = record is not None and record.status in (TaskStatus.QUEUED, TaskStatus.PENDING)
                place = None if record is None else place_of(record)
                if record is not None:
                    self._told |= place_headers(record)
                note = "waiting" if not waits else f"queued, position {'unknown' if place is None else place.position}"
                await self._write(send, wording.stream_idle(note))
            case Ended(ending):
                whole = Whole(choices=[Choice() for _ in range(self._request.n)], agent_id=run.agent_id)
                whole.end(ending)
                await self._write(send, wording.stream_end(whole), more=False)

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
