"""What each order does to its agent."""

from collections.abc import Callable
from functools import partial

from agent_sidecar.condition import Condition
from agent_sidecar.control import Desk
from agent_sidecar.measuring import Measuring
from agent_sidecar.model_orders import ModelOrders
from agent_sidecar.runner import Runner
from agent_sidecar.watchdog import Stop
from bus.messages import Control, ControlAction, ControlReply


class Orders:
    """`register` has the agent registered again soon."""

    def __init__(
        self,
        agent_id: str,
        runner: Runner,
        condition: Condition,
        measuring: Measuring,
        models: ModelOrders,
        *,
        register: Callable[[], None],
    ) -> None:
        self._agent_id, self._runner, self._condition = agent_id, runner, condition
        self._measuring, self._models, self._register = measuring, models, register

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
                ControlAction.COPY: self._models.handle,
                ControlAction.CREATE: self._models.handle,
                ControlAction.CANCEL_JOB: self._models.cancel,
                ControlAction.SHOW: self._models.show,
                ControlAction.BENCHMARK: self._measuring.begin,
                ControlAction.YIELD: self._give_way,
            }
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

    def _give_way(self, _order: Control) -> ControlReply:
        was = self._measuring.give_way()
        message = f"{self._agent_id} {'stops being measured' if was else 'is not measured'}."
        return ControlReply(ok=True, running=was, message=message)
