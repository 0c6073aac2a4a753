"""What any coordinator can tell about models without leading, and orders about them, which any can pass on to the sidecars."""

import asyncio
from datetime import UTC, datetime
from difflib import get_close_matches
from typing import Final

from bus import auth, subjects
from bus.auth import Permission
from bus.client import Bus
from bus.errors import AgentNotFound, AgentUnable, AlreadyEnded, Conflict, HiveError, JobNotFound, ModelNotFound, NoLeader
from bus.messages import AgentRecord, AgentStatus, Claims, Control, ControlAction, FailureInfo, NoReply
from bus.messages.models import (
    JobList,
    JobRef,
    JobReply,
    JobStatus,
    ListJobs,
    MakeModel,
    ModelAction,
    ModelJob,
    ModelList,
    ModelOrder,
    ModelRecord,
    ModelRef,
    OrderedJobs,
    Placement,
    PlacementState,
    Refusal,
    ShownModel,
    ShowReply,
    Wish,
)
from bus.mirror import Mirror
from bus.model_names import same_model
from bus.overview import Overview
from bus.service import Call, Service
from coordinator.endpoints import service, verb
from coordinator.models.inventory import model_record, model_records

ORDER_SECONDS: Final = 3.0
"""A sidecar answers an order at once, with a job."""
MOST_JOBS: Final = 1000


class Models:
    """`start` and `close` it: it keeps a copy of what sidecars say of their jobs."""

    def __init__(self, bus: Bus, overview: Overview) -> None:
        self._bus, self._agents = bus, overview.agents
        self._jobs = Mirror(bus, subjects.KV_JOBS, ModelJob.model_validate_json)

    async def start(self) -> None:
        await self._jobs.start()

    async def close(self) -> None:
        await self._jobs.close()

    def service(self) -> Service:
        view, manage = Permission.MODELS_VIEW, Permission.MODELS_MANAGE
        return service(
            subjects.SERVICE_MODELS,
            "Models of the fleet",
            verb("list", NoReply, self._list, view, "Every model, and where it is"),
            verb("get", ModelRef, self._get, view, "One model, and who could pull it"),
            verb("show", ModelRef, self._show, view, "What a backend tells of a model: Ollama's template, parameters, licence"),
            verb("jobs", ListJobs, self._list_jobs, view, "What is being done with models"),
            verb("job", JobRef, self._job, view, "One of these jobs"),
            verb("placement", NoReply, self._placement, view, "Where models are wished, and how far that is"),
            verb("pull", ModelOrder, self._pull, manage, "Download a model to agents"),
            verb("load", ModelOrder, self._load, manage, "Load a model into the memory of agents"),
            verb("unload", ModelOrder, self._unload, manage, "Take a model from the memory of agents"),
            verb("delete", ModelOrder, self._delete, manage, "Take a model from the disk of agents"),
            verb("copy", MakeModel, self._copy, manage, "Give a model of agents another name there"),
            verb("cancel", JobRef, self._cancel, manage, "Have a job end: a pull, or what has not begun"),
            verb("create", MakeModel, self._create, manage, "Make a model of one that agents have"),
        )

    async def _list(self, call: Call[NoReply]) -> ModelList:
        """A key that may use only some models sees only these."""
        found = model_records(self._agents.items.values())
        return ModelList(models=tuple(model for model in found if auth.allows_model(call.claims, model.name)))

    async def _get(self, call: Call[ModelRef]) -> ModelRecord:
        name = call.body.name
        found = model_record(name, self._agents.items.values()) if auth.allows_model(call.claims, name) else None
        if found is None:
            known = [model.name for model in (await self._list(Call(body=NoReply(), claims=call.claims))).models]
            near = get_close_matches(name, known, n=3, cutoff=0.5)
            hint = f"Did you mean {', '.join(near)}?" if near else "`hive models` lists those that there are."
            raise ModelNotFound(f"No agent has the model {name}. {hint}")
        return found

    async def _show(self, call: Call[ModelRef]) -> ShownModel:
        """Of the first agent that tells, Ollamas before others. ModelNotFound."""
        record = await self._get(call)
        present = [agent for agent in map(self._agents.items.get, (found.agent_id for found in record.agents)) if agent]
        for agent in sorted(present, key=lambda agent: (agent.backend != "ollama", agent.agent_id)):
            if agent.status is AgentStatus.OFFLINE:
                continue
            control = Control(action=ControlAction.SHOW, model=record.name, asked_by=call.claims.sub)
            try:
                reply = await self._bus.request(subjects.control(agent.agent_id), control, ShowReply, timeout=ORDER_SECONDS)
            except HiveError:
                continue
            if reply.shown is not None:
                return ShownModel(shown=reply.shown)
        return ShownModel()

    async def _placement(self, _call: Call[NoReply]) -> Placement:
        """As the leader said it last."""
        wish = await self._bus.get(subjects.KV_PLACEMENT, subjects.WISH_KEY)
        state = await self._bus.get(subjects.KV_PLACEMENT, subjects.STATE_KEY)
        return Placement(
            wish=Wish.model_validate_json(wish) if wish else Wish(),
            state=PlacementState.model_validate_json(state) if state else PlacementState(),
        )

    async def _list_jobs(self, call: Call[ListJobs]) -> JobList:
        asked = call.body
        jobs = [
            job
            for job in map(self._as_seen, self._jobs.items.values())
            if (asked.agent_id is None or job.agent_id == asked.agent_id)
            and (asked.model is None or same_model(job.model, asked.model))
            and not (asked.active and job.status.terminal)
        ]
        jobs.sort(key=lambda job: job.created_at, reverse=True)
        return JobList(jobs=tuple(jobs[:MOST_JOBS]))

    async def _job(self, call: Call[JobRef]) -> ModelJob:
        found = next((job for job in self._jobs.items.values() if job.id == call.body.id), None)
        if found is None:
            raise JobNotFound(f"There is no job {call.body.id}. Jobs are told for a day; `hive models jobs` lists them.")
        return self._as_seen(found)

    async def _cancel(self, call: Call[JobRef]) -> ModelJob:
        job = await self._job(call)
        if job.status.terminal:
            raise AlreadyEnded(f"Job {job.id} has ended already: {job.status}.")
        if job.wished:
            raise Conflict(
                f"models.yaml wishes {job.model} there, so it would be pulled again. Take it out there first: `hive apply`."
            )
        control = Control(action=ControlAction.CANCEL_JOB, job_id=job.id, asked_by=call.claims.sub)
        reply = await self._bus.request(subjects.control(job.agent_id), control, JobReply, timeout=ORDER_SECONDS)
        if reply.job is None:
            raise Conflict(reply.message)
        return reply.job

    def _as_seen(self, job: ModelJob) -> ModelJob:
        return as_seen(job, self._agents.items.get(job.agent_id))

    async def _pull(self, call: Call[ModelOrder]) -> OrderedJobs:
        return await self._order(ModelAction.PULL, call.body, call.claims)

    async def _load(self, call: Call[ModelOrder]) -> OrderedJobs:
        return await self._order(ModelAction.LOAD, call.body, call.claims)

    async def _unload(self, call: Call[ModelOrder]) -> OrderedJobs:
        return await self._order(ModelAction.UNLOAD, call.body, call.claims)

    async def _delete(self, call: Call[ModelOrder]) -> OrderedJobs:
        await self._refuse_wished(call.body.model)
        return await self._order(ModelAction.DELETE, call.body, call.claims)

    async def _copy(self, call: Call[MakeModel]) -> OrderedJobs:
        return await self._order(ModelAction.COPY, call.body, call.claims)

    async def _create(self, call: Call[MakeModel]) -> OrderedJobs:
        return await self._order(ModelAction.CREATE, call.body, call.claims)

    async def _refuse_wished(self, model: str) -> None:
        """It would be pulled again in a moment."""
        value = await self._bus.get(subjects.KV_PLACEMENT, subjects.WISH_KEY)
        wishes = Wish.model_validate_json(value).models if value else ()
        if any(same_model(wish.model, model) and wish.replicas != 0 for wish in wishes):
            raise Conflict(f"models.yaml wishes {model}, so it would be pulled again. Take it out there first: `hive apply`.")

    async def _order(self, action: ModelAction, order: ModelOrder, claims: Claims) -> OrderedJobs:
        targets = self._targets(order)
        made_of = order.definition if isinstance(order, MakeModel) else None
        control = Control(action=ControlAction(action.value), model=order.model, definition=made_of, asked_by=claims.sub)
        answers = await asyncio.gather(*(self._ask(agent, control) for agent in targets))
        jobs = tuple(answer for answer in answers if isinstance(answer, ModelJob))
        refused = tuple(answer for answer in answers if isinstance(answer, Refusal))
        if not jobs:
            raise AgentUnable(" ".join(f"{refusal.agent_id}: {refusal.message}" for refusal in refused))
        return OrderedJobs(jobs=jobs, refused=refused)

    def _targets(self, order: ModelOrder) -> list[AgentRecord]:
        """AgentNotFound for a name that nobody has, and for labels that nobody has together."""
        for agent_id in order.agents:
            if agent_id not in self._agents.items:
                raise AgentNotFound(f"There is no agent {agent_id}. `hive agents` lists them.")
        found = [agent for _, agent in sorted(self._agents.items.items()) if _meant(agent, order)]
        if not found:
            labels = ", ".join(f"{name}={value}" for name, value in order.labels.items())
            raise AgentNotFound(f"No agent has the labels {labels}. `hive agents --json` shows those that they have.")
        return found

    async def _ask(self, agent: AgentRecord, control: Control) -> ModelJob | Refusal:
        if agent.status is AgentStatus.OFFLINE:
            return _refusal(agent, AgentUnable("it is offline. Start it, then order again."))
        try:
            subject = subjects.control(agent.agent_id)
            reply = await self._bus.request(subject, control, JobReply, timeout=ORDER_SECONDS)
        except NoLeader:  # as the bus calls it when nobody answers to the subject
            return _refusal(agent, AgentUnable("its sidecar does not answer. See its log, then order again."))
        except HiveError as error:
            return _refusal(agent, error)
        return reply.job or _refusal(agent, AgentUnable(reply.message))


def _meant(agent: AgentRecord, order: ModelOrder) -> bool:
    return agent.agent_id in order.agents or (bool(order.labels) and order.labels.items() <= agent.labels.items())


def _refusal(agent: AgentRecord, error: HiveError) -> Refusal:
    return Refusal(agent_id=agent.agent_id, code=error.code, message=error.message)


def as_seen(job: ModelJob, agent: AgentRecord | None) -> ModelJob:
    """A job whose sidecar has gone, or was started again since, has ended: nobody works on it any more. Pure."""
    if job.status.terminal or (agent is not None and agent.instance == job.instance):
        return job
    lost = FailureInfo(
        code="agent_lost",
        message=f"The sidecar of {job.agent_id} stopped before it had ended. Order it again: a pull goes on from where it was.",
    )
    return job.model_copy(
        update={"status": JobStatus.FAILED, "error": lost, "ended_at": agent.last_seen if agent else datetime.now(UTC)}
    )
