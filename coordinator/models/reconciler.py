"""Makes the fleet's models what models.yaml wishes, while its coordinator leads: looks, plans (placement.py), orders, says how far it is."""

import asyncio
import json
from collections.abc import Sequence
from contextlib import suppress
from datetime import UTC, datetime
from typing import Any, Final
from uuid import UUID

from bus import subjects, telemetry
from bus.auth import Permission
from bus.client import Bus
from bus.errors import DatabaseUnavailable, HiveError, NoLeader
from bus.messages import Control, ControlAction
from bus.messages.models import (
    FOREVER,
    WISH_FILE,
    ApplyPlacement,
    JobReply,
    JobStatus,
    ModelAction,
    ModelJob,
    ModelWish,
    Placement,
    PlacementState,
    PlannedAction,
    Wish,
)
from bus.mirror import Mirror
from bus.model_names import same_model, tagged
from bus.service import Call, Service
from coordinator.endpoints import service, verb
from coordinator.leading.clock import Clock
from coordinator.leading.state import State
from coordinator.models.placement import Fleet, Key, Limits, Plan, plan
from coordinator.models.placement_view import View, waited_for
from coordinator.store.database import Statements, available

logger = telemetry.log(__name__)

LOOK_SECONDS: Final = 1.0
ORDER_SECONDS: Final = 3.0
SETTLE_SECONDS: Final = 8.0
"""After a job, until the agent's heartbeats tell what came of it."""
FIRST_REST_SECONDS: Final = 15.0
"""After a failure; twice as long after each more, up to the longest."""
LONGEST_REST_SECONDS: Final = 600.0
NOT_AGAIN_SECONDS: Final = 60.0
"""After a load or an unload that went well, until the same is ordered again: whatever undid it may do so once more."""


class Rests:
    """What is not tried again yet, and why. `now` in seconds."""

    def __init__(self) -> None:
        self._rests: dict[Key, tuple[float, str]] = {}
        self._failures: dict[Key, int] = {}

    def failed(self, key: Key, reason: str, now: float) -> None:
        count = self._failures[key] = self._failures.get(key, 0) + 1
        seconds = min(LONGEST_REST_SECONDS, FIRST_REST_SECONDS * 2.0 ** (count - 1))
        self._rests[key] = (now + seconds, f"{key[0]} failed, and is tried again in up to {seconds:.0f} s: {reason}")

    def done(self, key: Key, now: float) -> None:
        self._failures.pop(key, None)
        self._rests[key] = (now + NOT_AGAIN_SECONDS, f"{key[0]} was done a moment ago, and something has undone it since")

    def anew(self) -> None:
        """Another wish: what failed for the last one may do now."""
        self._rests, self._failures = {}, {}

    def now(self, now: float) -> dict[Key, str]:
        self._rests = {key: rest for key, rest in self._rests.items() if rest[0] > now}
        return {key: reason for key, (_, reason) in self._rests.items()}


class Reconciler:
    """`run` it for the term; `service` has the verb that only the leader answers."""

    def __init__(self, bus: Bus, state: State, statements: Statements, clock: Clock, limits: Limits) -> None:
        self._bus, self._state, self._sql, self._clock, self._limits = bus, state, statements, clock, limits
        self._jobs = Mirror(bus, subjects.KV_JOBS, ModelJob.model_validate_json)
        self._view, self._rests = View(), Rests()
        self._wish = Wish()
        self._loaded = False
        self._ordered: dict[UUID, Key] = {}
        self._settling: dict[Key, float] = {}
        self._shown: PlacementState | None = None
        self._wake = asyncio.Event()

    def service(self) -> Service:
        manage = Permission.MODELS_MANAGE
        return service(
            subjects.SERVICE_PLACEMENT,
            "Where models are wished",
            verb("apply", ApplyPlacement, self._apply, manage, "Wish models, or tell what a wish would do"),
            part="leader",
        )

    async def run(self) -> None:
        """For ever."""
        started = False
        try:
            while True:
                try:
                    if not started:
                        await self._jobs.start()
                        started = True
                    if not self._loaded:
                        await self._load()
                    await self._reconcile()
                except HiveError as error:
                    logger.warning("placement_waits", reason=error.message)
                except Exception:
                    logger.exception("placement_failed")
                await self._pause()
        finally:
            await self._jobs.close()

    async def _pause(self) -> None:
        with suppress(TimeoutError):
            async with asyncio.timeout(LOOK_SECONDS):
                await self._wake.wait()
        self._wake.clear()

    async def _load(self) -> None:
        with available():
            row = await self._sql.one("placement")
        self._wish = Wish() if row is None else _wish(row)
        self._loaded = True
        await self._bus.put(subjects.KV_PLACEMENT, subjects.WISH_KEY, self._wish)

    async def _apply(self, call: Call[ApplyPlacement]) -> Placement:
        """Stored, then shown to the sidecars. NoLeader when another leads by now."""
        asked = call.body
        if not self._loaded:
            raise DatabaseUnavailable(
                "The coordinator has only just begun to lead. Try again in a moment.", retry_after_seconds=1
            )
        if asked.dry_run:
            would_be = Wish(models=asked.models, version=self._wish.version)
            return Placement(wish=would_be, state=self._said(would_be, self._plan(asked.models)))
        at = datetime.now(UTC)
        models = json.dumps([wish.model_dump(mode="json") for wish in asked.models])
        with available():
            row = await self._sql.one("apply_placement", models, call.claims.sub, at, self._state.epoch)
        if row is None:
            raise NoLeader("Another coordinator leads by now. Try again.", retry_after_seconds=1)
        self._wish = Wish(models=asked.models, version=row["version"], applied_by=call.claims.sub, applied_at=at)
        self._rests.anew()
        logger.info("placement_applied", version=self._wish.version, by=call.claims.sub, models=len(asked.models))
        await self._bus.put(subjects.KV_PLACEMENT, subjects.WISH_KEY, self._wish)
        self._wake.set()
        return Placement(wish=self._wish, state=self._said(self._wish, self._plan(asked.models)))

    def _plan(self, wishes: Sequence[ModelWish]) -> Plan:
        now = self._clock.seconds
        active = {_key(job) for job in self._jobs.items.values() if not job.status.terminal and self._works(job)}
        fleet = Fleet(
            hosts=self._view.hosts(self._state.registry, now),
            waited_for=waited_for(self._state.queue),
            under_way=active | {key for key, until in self._settling.items() if until > now},
            resting=self._rests.now(now),
        )
        return plan(wishes, fleet, self._limits)

    def _works(self, job: ModelJob) -> bool:
        """Whether its sidecar is still the one that began it."""
        agent = self._state.registry.agents.get(job.agent_id)
        return agent is not None and agent.present and agent.instance == job.instance

    async def _reconcile(self) -> None:
        self._follow_jobs()
        found = self._plan(self._wish.models)
        await asyncio.gather(*(self._order(action) for action in found.actions))
        await self._show(self._said(self._wish, found))

    def _follow_jobs(self) -> None:
        """What came of the orders of before."""
        now = self._clock.seconds
        self._settling = {key: until for key, until in self._settling.items() if until > now}
        for job_id, key in list(self._ordered.items()):
            job = self._jobs.items.get(subjects.job_key(key[1], job_id))
            if job is not None and job.status.terminal:
                del self._ordered[job_id]
                self._settling[key] = now + SETTLE_SECONDS
                if job.status is not JobStatus.COMPLETED:
                    self._rests.failed(key, job.error.message if job.error else job.step or "", now)
                    del self._settling[key]
                elif key[0] is not ModelAction.PULL:
                    self._rests.done(key, now + SETTLE_SECONDS)
            elif job is not None and not self._works(job):
                del self._ordered[job_id]

    async def _order(self, action: PlannedAction) -> None:
        wish = next((wish for wish in self._wish.models if same_model(wish.model, action.model)), None)
        key = (action.action, action.agent_id, tagged(action.model))
        control = Control(
            action=ControlAction(action.action.value),
            model=action.model,
            num_ctx=wish.num_ctx if wish and action.action is ModelAction.LOAD else None,
            keep_alive=_keep_alive(wish) if action.action is ModelAction.LOAD else None,
            asked_by=f"{WISH_FILE}, version {self._wish.version}",
            epoch=self._state.epoch,
        )
        try:
            reply = await self._bus.request(
                subjects.control(action.agent_id), control, JobReply, timeout=ORDER_SECONDS, patient=False
            )
        except HiveError as error:
            self._rests.failed(key, error.message, self._clock.seconds)
            return
        if reply.job is None:
            self._rests.failed(key, reply.message, self._clock.seconds)
            return
        self._ordered[reply.job.id] = key
        self._settling[key] = self._clock.seconds + SETTLE_SECONDS
        logger.info(
            "placement_ordered", action=action.action, model=action.model, agent_id=action.agent_id, reason=action.reason
        )

    def _said(self, wish: Wish, found: Plan) -> PlacementState:
        return PlacementState(version=wish.version, models=found.states, actions=found.actions, updated_at=datetime.now(UTC))

    async def _show(self, said: PlacementState) -> None:
        """When it has changed: doors tell it, also while nobody leads."""
        unchanged = {"updated_at": None}
        if self._shown is not None and self._shown.model_copy(update=unchanged) == said.model_copy(update=unchanged):
            return
        await self._bus.put(subjects.KV_PLACEMENT, subjects.STATE_KEY, said)
        self._shown = said


def _key(job: ModelJob) -> Key:
    return job.action, job.agent_id, tagged(job.model)


def _keep_alive(wish: ModelWish | None) -> float:
    return FOREVER if wish is None or wish.keep_alive is None else wish.keep_alive


def _wish(row: Any) -> Wish:
    models = tuple(ModelWish.model_validate(wish) for wish in json.loads(row["models"]))
    return Wish(models=models, version=row["version"], applied_by=row["applied_by"], applied_at=row["applied_at"])
