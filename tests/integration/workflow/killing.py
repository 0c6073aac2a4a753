"""Executions of mixed workflows while engines are killed at random, and what must hold of their effects."""

import asyncio
import json
from collections import Counter
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from random import Random
from typing import Any, Final
from uuid import UUID, uuid4

import asyncpg

from bus import subjects
from bus.client import Bus
from bus.errors import DeadlineExceeded, Unavailable, WebhookNotFound
from bus.messages.workflows import ExecuteWorkflow, ExecutionRecord, WebhookCall, WebhookReply
from bus.vault import new_key
from tests.integration.gateway.parts import InstantSidecar
from tests.integration.workflow import mixed
from tests.integration.workflow.keeper import Keeper
from tests.integration.workflow.outside import Outside, mail_server, mcp_server
from tests.integration.workflow.outward import Came, place_of_mail, wrongs
from tests.integration.workflow.parts import EngineProcess, Workflows
from tests.integration.workflow.witness import Witness
from tests.parts.nats import NatsServer

ENGINES: Final = 3
ENVIRONMENT: Final = {
    "HIVE_WORKFLOW_ALLOW_INTERNAL": '["127.0.0.0/8"]',
    "HIVE_WORKFLOW_RUNNING": "6",  # few, so that what is taken up, and what is called, meets a full engine
    "HIVE_WORKFLOW_LEASE_SECONDS": "2",
    # The kills follow the effects, so that they hit the same ones again and again: six times in a row is chance here, and no sign of
    # what ends engines (test_take_ups.py has those).
    "HIVE_WORKFLOW_TAKE_UPS": "50",
}
SLOWEST_SECONDS: Final = 0.6
"""Of the witness's answers."""
QUIET_SECONDS: Final = 4.0


def place_of(frame: Mapping[str, Any] | None, key: str) -> str:
    """Where the record has an effect: `in flight`, as it must be when the effect is carried out, or what else it is."""
    if frame is None:
        return "of no execution in the record"
    index, attempt, rounds, _ = (int(part) for part in key.split(".")[1:])
    current = frame["current"]
    if current is None or (index, attempt, rounds) < (current["index"], current["attempt"], len(current["rounds"])):
        return "stored"
    if key in current["replies"]:
        return "stored"
    return "in flight" if any(effect["key"] == key for effect in current["asked"]) else "not stored yet"


class Record:
    """What PostgreSQL has, read beside the engines."""

    def __init__(self, pool: asyncpg.Pool, random: Random) -> None:
        self._pool, self._random = pool, random
        self.wrong: list[str] = []

    async def look(self, key: str) -> None:
        """At the moment at which the effect arrives: since its engine's save, or another's, decides what may be carried out."""
        text = await self._pool.fetchval("SELECT frame FROM executions WHERE id = $1", UUID(key.split(".")[0]))
        await self._judge_place(key, place_of(None if text is None else json.loads(text), key))

    async def look_at_mail(self, message_id: str) -> None:
        """A mail says whose it is by its Message-ID alone, which follows from its effect."""
        rows = await self._pool.fetch("SELECT frame FROM executions WHERE completed_at IS NULL")
        frames = [json.loads(row["frame"]) for row in rows if row["frame"] is not None]
        await self._judge_place(message_id, place_of_mail(frames, message_id))

    async def _judge_place(self, name: str, place: str) -> None:
        await asyncio.sleep(self._random.uniform(0, SLOWEST_SECONDS))  # so that engines die with effects in flight
        if place != "in flight":
            self.wrong.append(f"{name} came while it was {place}")

    async def unfinished(self) -> list[Mapping[str, Any]]:
        return list(
            await self._pool.fetch(
                "SELECT id, status, mode, owner, wake_at, workflow_id FROM executions WHERE completed_at IS NULL"
            )
        )

    async def ended(self, execution_id: UUID) -> None:
        while await self._pool.fetchval("SELECT completed_at FROM executions WHERE id = $1", execution_id) is None:
            await asyncio.sleep(0.1)

    async def questions(self) -> list[Mapping[str, Any]]:
        return list(
            await self._pool.fetch(
                "SELECT metadata->>'execution_id' AS execution, metadata->>'node' AS node, count(*) AS n,"
                " bool_and(status = 'completed') AS completed FROM tasks GROUP BY 1, 2"
            )
        )

    async def ends(self) -> Counter[tuple[str, str]]:
        rows = await self._pool.fetch("SELECT mode, status, count(*) AS n FROM executions GROUP BY 1, 2")
        return Counter({(row["mode"], row["status"]): row["n"] for row in rows})


@dataclass(slots=True, kw_only=True)
class Killing:
    """`run` starts `executions` of all kinds while `kills` engines die; `judge` raises AssertionError for what must not have happened."""

    bus: Bus
    server: NatsServer
    database_url: str
    folder: Path
    record: Record
    witness: Witness
    random: Random
    outside: Outside
    mail_port: int
    mcp_url: str
    engines: list[EngineProcess] = field(default_factory=list)
    begun: dict[str, str] = field(default_factory=dict)
    """The kind of each execution, by its token."""
    executions: dict[str, UUID] = field(default_factory=dict)
    """By token, where the kind has no more than one."""
    key: str = field(default_factory=new_key, repr=False)
    """Of credentials, the same for all engines."""
    killed: int = 0
    unknown: int = 0
    """Executions that ended with an effect of which nobody can say whether it happened."""
    _starts: Counter[EngineProcess] = field(default_factory=Counter)
    _ids: dict[str, UUID] = field(default_factory=dict)

    async def prepare(self, model: str, real: str | None = None) -> None:
        """`model` answers at once; where `real` is named, it is asked in one more kind of workflow."""
        environment = {**ENVIRONMENT, "HIVE_CREDENTIALS_KEY": self.key}
        for number in range(ENGINES):
            engine = EngineProcess(self.server, self.folder, self.database_url, f"engine{number}", **environment)
            self.engines.append(engine)
        for engine in self.engines:
            await engine.ready(self.bus)
        await self._create(model, real)

    async def _create(self, model: str, real: str | None) -> None:
        workflows, url = Workflows(self.bus), self.witness.url
        await Keeper(self.bus).add("smtp", {"host": "127.0.0.1", "port": self.mail_port, "secure": False}, name="post")
        called = (await workflows.create(mixed.child(url, model))).id
        error = (await workflows.create(mixed.told(url), active=True)).id
        documents = {
            "question": mixed.question(url, model),
            "loop": mixed.loop(url),
            "branches": mixed.branches(url),
            "waits": mixed.waits(url),
            "parent": mixed.parent(url, str(called)),
            "failing": mixed.failing(url, str(error)),
            "outward": mixed.outward(url, self.mcp_url),
            **({} if real is None else {"real": mixed.question(url, real)}),
        }
        for kind, document in documents.items():
            self._ids[kind] = (await workflows.create(document, active=kind == "failing")).id

    def close(self) -> None:
        for engine in self.engines:
            engine.kill()

    async def run(self, executions: int, kills: int, seconds: float) -> None:
        """Until all have ended, or `seconds` have passed."""
        nemesis = asyncio.create_task(self._kill(kills))
        try:
            async with asyncio.timeout(seconds):
                await self._start_all(executions)
                await nemesis
                await self._until_ended()
        except TimeoutError:
            raise AssertionError(f"unfinished: {[dict(row) for row in await self.record.unfinished()]}") from None
        finally:
            nemesis.cancel()

    async def _start_all(self, executions: int) -> None:
        """Few at once, so that engines die at the start of some, in the middle of others, and at the end."""
        places, kinds = asyncio.Semaphore(12), list(self._ids)

        async def one(kind: str) -> None:
            async with places:
                await (self._call() if kind == "failing" else self._execute(kind))

        await asyncio.gather(*(one(kinds[number % len(kinds)]) for number in range(executions)))

    async def _execute(self, kind: str) -> None:
        """The same id again is the same execution, so whoever is not answered asks again, and waits for its end."""
        verb = subjects.service_verb(subjects.SERVICE_WORKFLOWS, "execute")
        token = uuid4().hex[:8]
        self.begun[token] = kind
        items = ({"json": {"token": token}},)
        wish = ExecuteWorkflow(id=self._ids[kind], execution_id=uuid4(), items=items, wait_seconds=0)
        self.executions[token] = wish.execution_id
        await self._ask(verb, wish, ExecutionRecord)
        await self.record.ended(wish.execution_id)

    async def _call(self) -> None:
        """Who is not answered calls anew, with another token: what came of the first call is nobody's to say."""
        verb = subjects.service_verb(subjects.SERVICE_WEBHOOKS, "call")
        while True:
            token = uuid4().hex[:8]
            call = WebhookCall(path="failing", method="POST", body={"token": token})
            with suppress(Unavailable, DeadlineExceeded, WebhookNotFound):
                reply = await self.bus.request(verb, call, WebhookReply, timeout=5)
                assert reply.status == 200
                self.begun[token] = "failing"
                return
            await asyncio.sleep(0.05)

    async def _ask(self, verb: str, wish: ExecuteWorkflow, answer: type[ExecutionRecord]) -> ExecutionRecord:
        while True:
            with suppress(Unavailable, DeadlineExceeded):
                return await self.bus.request(verb, wish, answer, timeout=5)
            await asyncio.sleep(0.05)

    async def _kill(self, kills: int) -> None:
        """Each after some more requests to the witness, or after a while in which none came. Now and then all engines at once."""
        for _ in range(kills):
            for _ in range(self.random.randint(1, 5)):
                self.witness.came.clear()
                with suppress(TimeoutError):
                    async with asyncio.timeout(QUIET_SECONDS):
                        await self.witness.came.wait()
            await asyncio.sleep(self.random.uniform(0, SLOWEST_SECONDS / 2))
            ready = await self._ready()
            every = self.random.random() < 0.15
            for engine in self.engines if every else [self.random.choice(ready)]:
                engine.kill()
                self.killed += 1
                self._starts[engine] += 1
                engine.restart()

    async def _ready(self) -> list[EngineProcess]:
        """Those that work: a kill of one that only starts would interrupt nothing."""
        while True:
            self._require_alive()
            found = [each for each in self.engines if each.log.read_text().count("engine_ready") > self._starts[each]]
            if found:
                return found
            await asyncio.sleep(0.05)

    async def _until_ended(self) -> None:
        while await self.record.unfinished():
            self._require_alive()
            await asyncio.sleep(0.1)

    def _require_alive(self) -> None:
        """None dies but those that are killed here, and these are started again at once."""
        for engine in self.engines:
            assert engine.process.poll() is None, (engine.process.returncode, engine.log.read_text()[-2000:])

    def summary(self) -> str:
        again = sum(count - 1 for count in self.witness.keys.values())
        effects = len(self.witness.keys)
        mails = sum(sum(ids.values()) - 1 for ids in self.outside.mails.values())
        return (
            f"{len(self.begun)} executions, {self.killed} engines killed, {effects} requests, {again} of them again with their key;"
            f" {len(self.outside.mails)} mails, {mails} of them again; {len(self.outside.calls)} calls of a tool"
        )

    async def judge(self) -> None:
        assert not self.record.wrong, self.record.wrong
        several = {path: keys for path, keys in self.witness.paths.items() if len(keys) != 1}
        assert not several, f"effects that came with another key: {several}"
        missing = [
            f"{kind} /{token}/{label}"
            for token, kind in self.begun.items()
            for label in mixed.LABELS.get(kind, ())
            if f"/{token}/{label}" not in self.witness.paths
        ]
        assert not missing, f"effects that never came: {missing}"
        await self._judge_questions()
        await self._judge_outward()
        ends = await self.record.ends()
        failed = sum(count for (mode, status), count in ends.items() if mode != "webhook" and status != "success")
        assert failed == self.unknown, ends
        assert {status for mode, status in ends if mode == "webhook"} <= {"error"}, ends

    async def _judge_questions(self) -> None:
        questions = await self.record.questions()
        assert not [dict(each) for each in questions if each["n"] != 1 or not each["completed"]]
        assert len(questions) == sum(kind in mixed.ASKING for kind in self.begun.values())

    async def _judge_outward(self) -> None:
        workflows = Workflows(self.bus)
        for token in [token for token, kind in self.begun.items() if kind == "outward"]:
            record = await workflows.get(self.executions[token])
            error = {} if record.data is None else record.data["resultData"].get("error") or {}
            found = wrongs(record.status.value, (error.get("node") or {}).get("name"), error.get("code"), self._came(token))
            assert not found, (token, record.id, found, record.error_message)
            if record.status.value == "error":
                self.unknown += 1
                print(f"{token} was told that the outcome of {error['node']['name']} is unknown")

    def _came(self, token: str) -> Came:
        mails = {name: self.outside.mails.get(f"{token}/{name}", Counter[str]()) for name in ("Mail", "Once")}
        requests = {name: int(f"/{token}/{name}" in self.witness.paths) for name in ("One", "Twopypy")}
        counts = {**requests, **{name: ids.total() for name, ids in mails.items()}, "Pay": self.outside.calls[token]}
        return Came(counts=counts, message_ids=len(mails["Mail"]))


@asynccontextmanager
async def killing(bus: Bus, server: NatsServer, database_url: str, folder: Path, random: Random) -> AsyncIterator[Killing]:
    """With a stand-in for a model, `instant:1b`, once a coordinator leads. Leaves no engine behind."""
    sidecar = InstantSidecar(bus, text="Four.")
    async with asyncpg.create_pool(database_url, min_size=1, max_size=4) as pool:
        record = Record(pool, random)
        async with Witness(record.look) as witness:
            outside = Outside(mail_came=record.look_at_mail, call_came=record.look, came=witness.came)
            async with mail_server(outside) as port, mcp_server(outside) as url:
                found = Killing(
                    bus=bus,
                    server=server,
                    database_url=database_url,
                    folder=folder,
                    record=record,
                    witness=witness,
                    random=random,
                    outside=outside,
                    mail_port=port,
                    mcp_url=url,
                )
                try:
                    await sidecar.start()
                    yield found
                finally:
                    found.close()
                    await sidecar.close()
