"""What each order does to its agent."""

from collections.abc import Callable
from functools import partial

from agent_sidecar.backends.backend import Backend
from agent_sidecar.benchmark import benchmark, sentence
from agent_sidecar.condition import Condition
from agent_sidecar.control import Desk
from agent_sidecar.measured import Measured
from agent_sidecar.model_orders import ModelOrders
from agent_sidecar.runner import Runner
from agent_sidecar.watchdog import Stop
from bus.errors import Conflict
from bus.messages import Control, ControlAction, ControlReply


class Orders:
    """`register` has the agent registered again soon; `fixed_slots`: a setting names them."""

    def __init__(
        self,
        agent_id: str,
        backend: Backend,
        runner: Runner,
        condition: Condition,
        measured: Measured,
        models: ModelOrders,
        *,
        fixed_slots: bool,
        register: Callable[[], None],
    ) -> None:
        self._agent_id, self._backend, self._runner = agent_id, backend, runner
        self._condition, self._measured, self._fixed_slots = condition, measured, fixed_slots
        self._models, self._register = models, register

    def desk(self) -> Desk:
        return Desk(
            {
                ControlAction.CANCEL: partial(self._stop, Stop.CANCELLED),
                ControlAction.PREEMPT: partial(self._stop, Stop.PREEMPTED),
                ControlAction.DRAIN: lambda _: self._drain(draining=True),
                ControlAction.RESUME: lambda _: self._drain(draining=False),
                ControlAction.REGISTER: self._register_again,
                ControlAction.PULL: self._models.handle,
                ControlAction.LOAD: self._models.handle,
                ControlAction.UNLOAD: self._models.handle,
                ControlAction.DELETE: self._models.handle,
            },
            {ControlAction.BENCHMARK: self._benchmark},
        )

    def _stop(self, why: Stop, order: Control) -> ControlReply:
        if order.attempt_id is None:
            return ControlReply(ok=False, message=f"{order.action} needs an `attempt_id`.")
        running, what = self._runner.stop(order.attempt_id, why, order.epoch)
        return ControlReply(ok=True, running=running, message=f"Attempt {order.attempt_id} {what}.")

    def _drain(self, *, draining: bool) -> ControlReply:
        self._condition.draining = draining
        return ControlReply(ok=True, message=f"{self._agent_id} takes {'no new work' if draining else 'work again'}.")

    def _register_again(self, _order: Control) -> ControlReply:
        self._register()
        return ControlReply(ok=True, message=f"{self._agent_id} registers again.")

    async def _benchmark(self, model: str) -> str:
        if self._condition.measuring:
            raise Conflict(f"{self._agent_id} is measured already. Wait until that has ended.")
        if self._runner.busy:
            raise Conflict(
                f"{self._agent_id} works on {self._runner.busy} attempts. Drain it first: they would be measured too."
            )
        self._condition.measuring = True
        try:
            speed = await benchmark(self._backend, model)
        finally:
            self._condition.measuring = False
        known = self._measured.model(model).load_seconds
        self._measured.keep(model, speed.model_copy(update={"load_seconds": speed.load_seconds or known}))
        if not self._fixed_slots and speed.slots is not None:
            self._runner.slots = speed.slots
        return sentence(self._agent_id, model, speed)
