"""Clients at all doors of a hive on many hosts, and executions of a workflow whose effects are witnessed."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from random import Random
from time import monotonic
from typing import Any, Final
from uuid import UUID, uuid4

from bus import subjects
from bus.client import Received
from bus.messages import DispatchOffer, OfferReply, OfferVerdict, TaskRequest
from tests.chaos.backend import MODEL
from tests.chaos.clients import RETRY_SECONDS, BusPublisher, Client, Follower, Submitter, Waiter
from tests.chaos.doors import Doors, Failed
from tests.chaos.history import Acknowledged, EffectCame, ExecutionAcknowledged, ExecutionFinal, Log, Offered, of
from tests.chaos.hosts.topology import ManyHosts
from tests.chaos.load import Load
from tests.integration.workflow.mixed import TOKEN, request, start, with_model
from tests.integration.workflow.parts import chain, node
from tests.integration.workflow.witness import Witness
from tests.parts.network import CLIENT

ENDED: Final = ("success", "error", "canceled")
STUCK_SECONDS: Final = 60
TRIES: Final = 20
TASK_HEADER: Final = "X-Hive-Task"


class HostsLoad(Load):
    """About eight tasks a second, and an execution every second."""

    def __init__(self, hive: ManyHosts, random: Random) -> None:
        super().__init__(hive, random)
        self._workflow = ""
        self._next_offer: asyncio.Future[tuple[str, DispatchOffer]] | None = None

    def clients(self, doors: Doors, pooled: Doors) -> list[Client]:
        log, random = self.log, self._random
        found: list[Client] = [BusPublisher("bus", log, random, self._hive.bus, pause_seconds=0.5)]
        for number, through in enumerate((doors, pooled)):
            found += [
                Submitter(f"post{number}", log, random, through, pause_seconds=0.5),
                Waiter(f"wait{number}", log, random, through, pause_seconds=0.3),
                Follower(f"follow{number}", log, random, through, pause_seconds=0.3),
            ]
        found.append(OpenAi("openai", log, random, doors, pause_seconds=0.5))
        found.append(Executor("flow", log, random, doors, self._workflow, pause_seconds=1))
        return found

    @asynccontextmanager
    async def on(self) -> AsyncIterator[None]:
        async def came(key: str) -> None:
            self.log.write(EffectCame(key=key))

        async def offered(message: Received) -> None:
            offer = message.decode(DispatchOffer)
            agent_id = message.subject.split(".")[2]
            self.log.write(Offered(agent_id=agent_id, attempt_id=offer.attempt_id, epoch=offer.epoch))
            if self._next_offer is not None and not self._next_offer.done():
                self._next_offer.set_result((message.subject, offer))

        doors = self._hive.doors()
        async with Witness(came, host=CLIENT) as witness:
            answer = await doors.request("POST", "/api/workflows", json={"n8n_data": workflow(witness.url)})
            assert answer.status_code == 201, answer.text
            self._workflow = answer.json()["id"]
            watched = await self._hive.bus.subscribe(subjects.dispatch("*", "*"), offered)
            async with super().on():
                yield
            await self._executions_end(doors)
            await watched.close()
        await doors.close()

    async def offer_as_an_old_leader(self) -> None:
        """To an agent that the present leader has just offered something, by the epoch before. Else whether one comes is a matter of luck."""
        self._next_offer = asyncio.get_running_loop().create_future()
        subject, offer = await asyncio.wait_for(self._next_offer, STUCK_SECONDS)
        old = offer.model_copy(update={"attempt_id": uuid4(), "epoch": offer.epoch - 1})
        reply = await self._hive.bus.request(subject, old, OfferReply, timeout=10)
        assert reply.verdict is OfferVerdict.UNABLE, reply
        assert f"epoch {old.epoch} is over" in reply.reason, reply

    async def _executions_end(self, doors: Doors) -> None:
        """While the witness still answers; what has not ended by then is for the checker to name."""
        waiting = {entry.execution_id for entry in of(Log.read(self.path), ExecutionAcknowledged)}
        seen: dict[UUID, str] = {}
        moved_at = monotonic()
        while waiting and monotonic() - moved_at < STUCK_SECONDS:
            for execution_id in tuple(waiting):
                status = await _status(doors, execution_id)
                if status != seen.get(execution_id):
                    seen[execution_id], moved_at = status, monotonic()
                if status in ENDED:
                    waiting.discard(execution_id)
                    self.log.write(ExecutionFinal(execution_id=execution_id, status=status))
            await asyncio.sleep(0.1)
        for execution_id in waiting:
            self.log.write(ExecutionFinal(execution_id=execution_id, status=seen.get(execution_id, "absent")))


class OpenAi(Submitter):
    """A chat by OpenAI's API, whose whole answer is the promise; asked again under its key, some times."""

    async def _one(self, op: str, request: TaskRequest, tokens: int | None) -> None:
        body = {"model": MODEL, "messages": [{"role": "user", "content": request.prompt}]}
        headers, asked_at = {"Idempotency-Key": uuid4().hex}, monotonic()
        for _ in range(TRIES):
            try:
                answer = await self._doors.request("POST", "/v1/chat/completions", json=body, headers=headers)
            except Failed as failed:
                self._failed(op, "chat", str(failed))
                await asyncio.sleep(RETRY_SECONDS)
                continue
            assert answer.status_code == 200, answer.text
            task_id = UUID(answer.headers[TASK_HEADER])
            self._log.write(Acknowledged(op=op, task_id=task_id, asked_at=asked_at, tokens=tokens))
            return


class Executor(Client):
    """Who is not answered asks for another execution: what came of the first one is nobody's to say."""

    def __init__(self, name: str, log: Log, random: Random, doors: Doors, workflow_id: str, *, pause_seconds: float) -> None:
        super().__init__(name, log, random, pause_seconds=pause_seconds)
        self._doors, self._path = doors, f"/api/workflows/{workflow_id}/execute"

    async def _one(self, op: str, request: TaskRequest, tokens: int | None) -> None:
        tries = 0
        while True:
            tries += 1
            body = {"items": [{"json": {"token": f"{op}-{tries}"}}]}
            try:
                answer = await self._doors.request("POST", self._path, json=body)
            except Failed as failed:
                self._failed(op, "execute", str(failed))
                await asyncio.sleep(RETRY_SECONDS)
                continue
            assert answer.status_code == 201, answer.text
            self._log.write(ExecutionAcknowledged(execution_id=UUID(answer.json()["id"])))
            return


def workflow(url: str) -> dict[str, Any]:
    """A chain: a request, a question to a model of the hive, and two requests more."""
    text = f"={{{{ {TOKEN} + ' 5 0.02' }}}}"
    question = node("Ask", "@n8n/n8n-nodes-langchain.chainLlm", {"promptType": "define", "text": text}, 1.4)
    nodes = (start(), request("One", url), question, request("Two", url), request("Three", url))
    return with_model(chain(*nodes), "Ask", MODEL)


async def _status(doors: Doors, execution_id: UUID) -> str:
    try:
        answer = await doors.request("GET", f"/api/executions/{execution_id}")
    except Failed:
        return "not answered"
    return str(answer.json()["status"]) if answer.status_code == 200 else "absent"
