"""Orders about models: pull, load, unload, delete, copy, create. Each is a job (jobs.py), and what would take a model from running work is refused."""

from collections.abc import Callable
from functools import partial

from pydantic import TypeAdapter, ValidationError

from agent_sidecar.backends.backend import Backend
from agent_sidecar.jobs import Jobs, Told, Work
from agent_sidecar.runner import Runner
from bus.errors import HiveError, InvalidRequest
from bus.messages import Control
from bus.messages.definitions import ModelDefinition
from bus.messages.models import JobReply, ModelAction, ModelName, ShowReply

_NAME: TypeAdapter[str] = TypeAdapter(ModelName)
_MAKES = (ModelAction.COPY, ModelAction.CREATE)
_TAKES_AWAY = (ModelAction.UNLOAD, ModelAction.DELETE)


class ModelOrders:
    """`look` has the backend looked at soon, so that everybody hears what it has by then."""

    def __init__(self, agent_id: str, backend: Backend, runner: Runner, jobs: Jobs, look: Callable[[], None]) -> None:
        self._agent_id, self._backend, self._runner, self._jobs, self._look = agent_id, backend, runner, jobs, look

    def handle(self, order: Control) -> JobReply:
        """Returns at once, with the job."""
        action = ModelAction(order.action.value)
        try:
            model = _NAME.validate_python(order.model)
        except ValidationError:
            return JobReply(ok=False, message=f"{action} needs a `model`, by its name in printable letters without spaces.")
        if reason := self._refusal(action, model, order.epoch):
            return JobReply(ok=False, message=reason)
        job = self._jobs.start(action, model, order.asked_by, self._work(action, model, order))
        return JobReply(ok=True, job=job, message=f"{action} of {model} is job {job.id}: {job.status}.")

    def cancel(self, order: Control) -> JobReply:
        """Of a job that runs or waits. Its model stays as it was: what is half pulled is no model, and another pull goes on from it."""
        if order.job_id is None:
            return JobReply(ok=False, message=f"{order.action} needs a `job_id`.")
        try:
            job = self._jobs.cancel(order.job_id, order.asked_by)
        except HiveError as error:
            return JobReply(ok=False, message=error.message)
        return JobReply(ok=True, job=job, message=f"{job.action} of {job.model} is cancelled.")

    def show(self, order: Control) -> ShowReply:
        """Of what the backend has said already, so that nobody waits for it."""
        return ShowReply(ok=True, shown=self._backend.shown(order.model or ""))

    def _refusal(self, action: ModelAction, model: str, epoch: int | None) -> str | None:
        if epoch is not None and self._runner.outdated(epoch):
            return f"the coordinator of epoch {epoch} does not lead any more"
        if not self._backend.manages_models:
            return f"the backend of {self._agent_id} takes no orders about models. It is no Ollama; give it its models on its own host."
        if action in _TAKES_AWAY and (running := self._runner.uses(model)):
            return f"{running} attempts run with {model} on {self._agent_id}. Wait for their end, or drain the agent first."
        if action in _MAKES and (job := next(filter(None, (self._jobs.find(each, model) for each in _MAKES)), None)):
            return f"a {job.action} of {model} is under way there as job {job.id}, and may make it of something else. Wait for its end."
        return None

    def _work(self, action: ModelAction, model: str, order: Control) -> Work:
        match action:
            case ModelAction.PULL:
                return partial(self._pull, model)
            case ModelAction.LOAD:
                return partial(self._load, model, order.num_ctx, order.keep_alive)
            case ModelAction.UNLOAD:
                return partial(self._unload, model)
            case ModelAction.DELETE:
                return partial(self._delete, model)
            case ModelAction.COPY | ModelAction.CREATE:
                return partial(self._copy if action is ModelAction.COPY else self._create, model, order.definition)

    async def _pull(self, model: str, told: Told) -> str:
        await self._backend.pull(model, told)
        self._look()
        return f"{model} is on {self._agent_id}."

    async def _load(self, model: str, num_ctx: int | None, keep_alive: float | None, _told: Told) -> str:
        await self._backend.load(model, num_ctx, keep_alive)
        self._look()
        return f"{model} is in the memory of {self._agent_id}."

    async def _unload(self, model: str, _told: Told) -> str:
        await self._backend.unload(model)
        self._look()
        return f"{model} takes no memory on {self._agent_id} any more."

    async def _delete(self, model: str, _told: Told) -> str:
        await self._backend.delete(model)
        self._look()
        return f"{model} is not on {self._agent_id} any more."

    async def _copy(self, model: str, given: ModelDefinition | None, _told: Told) -> str:
        definition = _defined(model, given)
        await self._backend.copy(model, definition.source)
        self._look()
        return f"{model} is on {self._agent_id}, as {definition.source} is."

    async def _create(self, model: str, given: ModelDefinition | None, told: Told) -> str:
        definition = _defined(model, given)
        await self._backend.create(model, definition, told)
        self._look()
        return f"{model} is on {self._agent_id}, made of {definition.source}."


def _defined(model: str, given: ModelDefinition | None) -> ModelDefinition:
    """InvalidRequest for an order that does not say of what."""
    if given is None:
        raise InvalidRequest(f"A `definition`, with the `source` that {model} is made of, is missing in the order.")
    return given
