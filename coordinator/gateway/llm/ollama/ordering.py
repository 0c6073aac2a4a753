"""Orders about models, from their jobs to the end of them: what Ollama does at once, agents do as jobs (docs/adr/0013)."""

import asyncio
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager, suppress
from typing import Final

from bus import subjects
from bus.client import Received
from bus.errors import AgentUnable, HiveError
from bus.messages import Claims
from bus.messages.models import JobRef, ModelAction, ModelJob, ModelOrder, OrderedJobs
from coordinator.gateway import verbs
from coordinator.gateway.gateway import Gateway
from coordinator.gateway.llm.ollama.moving import failure_of, having

LOOK_SECONDS: Final = 1.0
"""Jobs are looked at so often where no event tells of them: one may be lost."""
SHOWN_SECONDS: Final = 3.0
"""A sidecar looks at its backend when a job has ended, and tells of it at once."""
SHOWN_LOOK_SECONDS: Final = 0.05


async def follow(
    gateway: Gateway, claims: Claims, action: ModelAction, order: ModelOrder
) -> AsyncGenerator[tuple[ModelJob, ...], None]:
    """The jobs as they are, each time that something changed, to the end of all. They go on when nobody reads this.

    Raises what the order was refused with, and what the first job that failed did.
    """
    changed = asyncio.Event()

    async def hear(_: Received) -> None:
        changed.set()

    hearing = await gateway.bus.subscribe(subjects.events("model.*"), hear)
    try:
        ordered = await verbs.order(gateway.bus, subjects.SERVICE_MODELS, action, order, OrderedJobs, claims)
        if ordered.refused:
            raise AgentUnable(" ".join(f"{refusal.agent_id}: {refusal.message}" for refusal in ordered.refused))
        jobs, told = ordered.jobs, None
        while not all(job.status.terminal for job in jobs):
            if jobs != told:
                yield jobs
                told = jobs
            await _wait(changed)
            jobs = tuple(await asyncio.gather(*(_look(gateway, job, claims) for job in jobs)))
    finally:
        await hearing.close()
    if (failure := failure_of(jobs)) is not None:
        raise failure
    yield jobs


async def done(gateway: Gateway, claims: Claims, action: ModelAction, order: ModelOrder) -> None:
    """As `follow`, for whoever wants only the end."""
    async for _ in follow(gateway, claims, action, order):
        continue


async def shown(gateway: Gateway, order: ModelOrder) -> None:
    """Until the model is listed where it was ordered, so that its client can use it at once. Not for long: a host may have gone."""
    async with _not_for_long():
        while not (set(order.agents) <= _having(gateway, order) and await gateway.submission.knows(order.model)):
            await asyncio.sleep(SHOWN_LOOK_SECONDS)


async def gone(gateway: Gateway, order: ModelOrder) -> None:
    """Until the model is listed nowhere where it was deleted."""
    async with _not_for_long():
        while set(order.agents) & _having(gateway, order):
            await asyncio.sleep(SHOWN_LOOK_SECONDS)


def _having(gateway: Gateway, order: ModelOrder) -> set[str]:
    return set(having(order.model, gateway.overview.agents.items.values()))


@asynccontextmanager
async def _not_for_long() -> AsyncGenerator[None, None]:
    with suppress(TimeoutError):
        async with asyncio.timeout(SHOWN_SECONDS):
            yield


async def _wait(changed: asyncio.Event) -> None:
    try:
        async with asyncio.timeout(LOOK_SECONDS):
            await changed.wait()
    except TimeoutError:
        return
    changed.clear()


async def _look(gateway: Gateway, job: ModelJob, claims: Claims) -> ModelJob:
    """As it was, while nobody can tell."""
    try:
        return await verbs.ask(gateway.bus, subjects.SERVICE_MODELS, "job", JobRef(id=job.id), ModelJob, claims)
    except HiveError:
        return job
