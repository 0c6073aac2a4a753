"""What a look at the backend leads to, beside what the integration tests see of real ones."""

from time import monotonic
from typing import cast

import pytest

from agent_sidecar import watch
from agent_sidecar.backends.backend import Backend
from agent_sidecar.condition import Condition
from agent_sidecar.trial import Trial
from agent_sidecar.watch import BUSY_SECONDS, BackendWatch
from bus.messages import ModelInfo

LISTED = (ModelInfo(name="a:1b"), ModelInfo(name="b:1b", loaded=True))


class Listing:
    endpoint = "http://host"

    async def models(self) -> tuple[ModelInfo, ...]:
        return LISTED


class Trials:
    """Every model speaks; who was asked is written down."""

    def __init__(self) -> None:
        self.asked: list[str] = []

    async def hold(self, model: str, _info: ModelInfo | None) -> None:
        self.asked.append(model)


@pytest.mark.parametrize(("overdue_seconds", "asked"), [(1.0, []), (BUSY_SECONDS + 1, ["a:1b"])])
async def test_a_model_that_was_left_out_is_tried_again_on_a_host_that_is_never_idle(
    overdue_seconds: float, asked: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    trials, seen, condition = Trials(), list[tuple[ModelInfo, ...]](), Condition()
    condition.recover()

    async def see(models: tuple[ModelInfo, ...]) -> None:
        seen.append(models)

    looked = BackendWatch(
        cast(Backend, Listing()),
        condition,
        cast(Trial, trials),
        seen=see,
        busy=lambda: True,
        healthy_seconds=5,
        probe_seconds=0.5,
    )
    looked.suspects.failed("a:1b", "it is out of memory", monotonic())
    due = monotonic() + 1.0
    monkeypatch.setattr(watch, "monotonic", lambda: due + overdue_seconds)
    await looked.look()
    assert trials.asked == asked
    assert seen == [LISTED if asked else LISTED[1:]]
