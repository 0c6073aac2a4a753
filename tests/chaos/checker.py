"""In the manner of Jepsen: what the client was promised and what it saw, held against the record at the end.

A submit counts as acknowledged when, and only when, the door said so. A lost answer is followed by the same submit under the
same Idempotency-Key, as a careful client does.
"""

import asyncio
from collections import Counter
from dataclasses import dataclass, field
from uuid import uuid4

import httpx

from bus import subjects
from bus.messages import TaskEvent, TaskRecord, TaskStatus
from bus.nats_bus import NatsBus
from bus.settings import HiveSettings

BETWEEN_SUBMITS_SECONDS = 0.15
RETRY_SECONDS = 0.1


@dataclass
class History:
    """`acknowledged` maps the id of each promised task to the answers that promised it."""

    acknowledged: Counter[str] = field(default_factory=Counter)
    refused: Counter[str] = field(default_factory=Counter)


@dataclass(frozen=True)
class Verdict:
    acknowledged: int
    lost: list[str]
    not_completed: list[str]
    recorded_twice: list[str]
    announced_otherwise: list[str]

    @property
    def holds(self) -> bool:
        return not (self.lost or self.not_completed or self.recorded_twice or self.announced_otherwise)


class Client:
    """Submits small tasks until it is told to stop, whatever happens on the other side."""

    def __init__(self, base: str, key: str, history: History) -> None:
        self._http = httpx.AsyncClient(base_url=base, headers={"Authorization": f"Bearer {key}"}, timeout=10)
        self._history = history

    async def submit_until(self, stopped: asyncio.Event) -> None:
        while not stopped.is_set():
            await self._submit_one()
            await asyncio.sleep(BETWEEN_SUBMITS_SECONDS)

    async def _submit_one(self) -> None:
        """One task, asked for until it is acknowledged."""
        body, headers = {"prompt": "Say yes", "options": {"num_predict": 4}}, {"Idempotency-Key": uuid4().hex}
        while True:
            try:
                answer = await self._http.post("/api/tasks", json=body, headers=headers)
            except httpx.TransportError as error:
                self._history.refused[type(error).__name__] += 1
            else:
                if answer.status_code in (200, 201):
                    self._history.acknowledged[answer.json()["id"]] += 1
                    return
                self._history.refused[answer.json()["code"]] += 1
            await asyncio.sleep(RETRY_SECONDS)

    async def ended(self, seconds: float) -> dict[str, TaskRecord]:
        """The final record of every acknowledged task; those that have not ended in time are missing."""
        found: dict[str, TaskRecord] = {}
        deadline = asyncio.get_running_loop().time() + seconds
        while len(found) < len(self._history.acknowledged) and asyncio.get_running_loop().time() < deadline:
            for task_id in self._history.acknowledged.keys() - found.keys():
                record = await self._get(task_id)
                if record is not None and record.status.terminal:
                    found[task_id] = record
            await asyncio.sleep(RETRY_SECONDS)
        return found

    async def _get(self, task_id: str) -> TaskRecord | None:
        try:
            answer = await self._http.get(f"/api/tasks/{task_id}")
        except httpx.TransportError:
            return None
        return TaskRecord.model_validate_json(answer.content) if answer.status_code == 200 else None

    async def close(self) -> None:
        await self._http.aclose()


def judge(history: History, records: dict[str, TaskRecord], announced: Counter[str]) -> Verdict:
    """Each acknowledged task ended once: one record, at most one completed attempt, exactly one terminal event."""
    completed = {task_id: sum(a.status == "completed" for a in record.attempts) for task_id, record in records.items()}
    return Verdict(
        acknowledged=len(history.acknowledged),
        lost=sorted(history.acknowledged.keys() - records.keys()),
        not_completed=[task_id for task_id, record in records.items() if record.status is not TaskStatus.COMPLETED],
        recorded_twice=[task_id for task_id, count in completed.items() if count > 1],
        announced_otherwise=[task_id for task_id in records if announced[task_id] != 1],
    )


async def announced_ends(nats_url: str) -> Counter[str]:
    """Terminal events by task, as the stream holds them."""
    bus = await NatsBus.connect(HiveSettings.model_validate({"nats_url": nats_url}), "checker", timeout=10)
    try:
        found: Counter[str] = Counter()
        subject = subjects.events("task.*")
        if await bus.last(subjects.EVENTS, subject) is None:
            return found
        reader = await bus.read(subjects.EVENTS, subject)
        while True:
            for message in await reader.batch(1000):
                found[str(message.decode(TaskEvent).data.task_id)] += 1
            if reader.caught_up:
                await reader.close()
                return found
    finally:
        await bus.close()
