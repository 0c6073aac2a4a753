"""A wish for models and a fleet that follows it: applied, kept, healed, explained, and remembered by the next leader."""

import asyncio
from collections.abc import Callable

import pytest

from agent_sidecar.jobs import Jobs, Told
from bus import subjects
from bus.client import Received
from bus.errors import BackendError, PermissionDenied
from bus.messages import Claims, Control, ControlAction, ControlReply, ModelInfo, NoReply, Role
from bus.messages.models import ApplyPlacement, JobReply, ModelAction, ModelWish, Placement, ReplicaState, Wish
from tests.integration.coordinator.conftest import Hive
from tests.parts.scripted_sidecar import ScriptedSidecar

PHI = "phi:latest"
SIZE = 1000
ACTIONS = {ControlAction.PULL, ControlAction.LOAD, ControlAction.UNLOAD}


class Stockist(ScriptedSidecar):
    """Does with models what it is ordered, by the jobs of a real sidecar. `fails`: every pull does."""

    fails = False

    async def start(self) -> None:
        self.jobs, self.orders = Jobs(self.bus, self.agent_id, self.instance, 2), list[Control]()
        await super().start()

    async def vanish(self) -> None:
        await self.jobs.close()
        await super().vanish()

    async def _controlled(self, received: Received) -> ControlReply:
        control = received.decode(Control)
        if control.action not in ACTIONS:
            return await super()._controlled(received)
        self.orders.append(control)
        name = control.model or ""

        async def work(_told: Told) -> str:
            if self.fails and control.action is ControlAction.PULL:
                raise BackendError("no space left on device")
            here = control.action is not ControlAction.PULL
            known = {model.name: model for model in self.models}
            loaded = here and control.action is ControlAction.LOAD
            known[name] = ModelInfo(
                name=name, size_bytes=SIZE, loaded=loaded, context_length=control.num_ctx if loaded else None
            )
            self.models = tuple(known.values())
            return "done"

        return JobReply(ok=True, job=self.jobs.start(ModelAction(control.action.value), name, control.asked_by, work))


async def stockist(hive: Hive, agent_id: str, *models: ModelInfo) -> Stockist:
    sidecar = Stockist(hive.bus, agent_id, models=models)
    await sidecar.start()
    hive.sidecars.append(sidecar)
    return sidecar


async def apply(hive: Hive, *wishes: ModelWish, dry_run: bool = False, **more: object) -> Placement:
    order = ApplyPlacement(models=wishes, dry_run=dry_run)
    return await hive.ask("apply", order, Placement, service="placement", seconds=20, **more)


async def placement(hive: Hive, holds: Callable[[Placement], bool], seconds: float = 40) -> Placement:
    """As any coordinator tells it, once it is so."""
    async with asyncio.timeout(seconds):
        while not holds(found := await hive.ask("placement", NoReply(), Placement, service="models")):
            await asyncio.sleep(0.1)
    return found


def ready_on(*agents: str) -> Callable[[Placement], bool]:
    def holds(found: Placement) -> bool:
        ready = {r.agent_id for state in found.state.models for r in state.replicas if r.state is ReplicaState.READY}
        return ready == set(agents)

    return holds


async def test_a_wish_is_pulled_and_loaded_where_it_is_preferred_and_then_left_alone(hive: Hive) -> None:
    oak, elm = await stockist(hive, "oak"), await stockist(hive, "elm")
    wish = ModelWish(model="phi", prefer=("oak",), num_ctx=4096)
    found = await apply(hive, wish)
    assert (found.wish.version, found.wish.applied_by, found.wish.models) == (1, "bus", (wish,))
    await placement(hive, ready_on("oak"))
    assert [(order.action, order.num_ctx, order.keep_alive) for order in oak.orders] == [
        (ControlAction.PULL, None, None),
        (ControlAction.LOAD, 4096, -1),
    ]
    assert oak.orders[0].asked_by == "models.yaml, version 1"
    await oak.beaten(25)
    assert len(oak.orders) == 2
    assert elm.orders == []


async def test_a_dry_run_tells_what_would_be_done_and_does_nothing(hive: Hive) -> None:
    oak = await stockist(hive, "oak")
    found = await apply(hive, ModelWish(model="phi"), dry_run=True)
    assert [(action.action, action.agent_id) for action in found.state.actions] == [(ModelAction.PULL, "oak")]
    assert "does not have it" in found.state.actions[0].reason
    await oak.beaten(15)
    assert oak.orders == []
    assert (await placement(hive, lambda _: True)).wish == Wish()


@pytest.mark.slow
async def test_a_host_that_dies_is_replaced_and_its_return_leaves_one_copy_chosen(idle_hive: Hive) -> None:
    hive = idle_hive
    hive.start_coordinator(placement_patience_seconds=0.5)
    await hive.leading()
    oak = await stockist(hive, "oak", ModelInfo(name=PHI, size_bytes=SIZE, loaded=True))
    await stockist(hive, "elm")
    await apply(hive, ModelWish(model="phi"))
    await placement(hive, ready_on("oak"))
    await oak.vanish()
    await placement(hive, ready_on("elm"))
    await oak.come_back()
    found = await placement(hive, lambda found: not found.state.models[0].lacking)
    assert len(found.state.models[0].replicas) == 1


async def test_an_impossible_wish_and_a_pull_that_fails_are_explained(hive: Hive) -> None:
    oak = await stockist(hive, "oak")
    oak.fails = True
    await apply(hive, ModelWish(model="phi", replicas=2, pins={"agents": ("oak", "nowhere")}))

    def explained(found: Placement) -> bool:
        [state] = found.state.models or (None,)
        return state is not None and any("no space left" in replica.reason for replica in state.replicas)

    [state] = (await placement(hive, explained)).state.models
    assert state.lacking == {"nowhere": "no agent of that name has registered"}
    assert state.problem is not None
    assert "only 1 of 2" in state.problem
    await oak.beaten(20)
    assert len(oak.orders) == 1, "it rests before it tries again"


@pytest.mark.slow
async def test_the_next_leader_goes_on_with_the_wish_and_who_made_it(hive: Hive) -> None:
    oak = await stockist(hive, "oak")
    claims = Claims(sub="anna", roles=(Role.ADMIN,))
    await apply(hive, ModelWish(model="phi", keep_alive="30m"), claims=claims)
    await placement(hive, ready_on("oak"))
    await hive.stop(hive.coordinators.pop())
    hive.start_coordinator()
    await hive.leading()
    oak.models = ()
    await placement(hive, lambda found: ready_on()(found) and found.wish.applied_by == "anna")
    await placement(hive, ready_on("oak"))
    assert oak.orders[-1].keep_alive == 1800


async def test_only_who_manages_agents_may_wish(hive: Hive) -> None:
    with pytest.raises(PermissionDenied):
        await apply(hive, ModelWish(model="phi"), claims=Claims(sub="vera", roles=(Role.VIEWER,)))


async def test_the_sidecars_are_shown_the_wish(hive: Hive) -> None:
    await apply(hive, ModelWish(model="phi", num_ctx=4096))
    value = await hive.bus.get(subjects.KV_PLACEMENT, subjects.WISH_KEY)
    assert value is not None
    assert Wish.model_validate_json(value).models[0].num_ctx == 4096
