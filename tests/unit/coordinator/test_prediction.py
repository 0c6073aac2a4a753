"""Memory as hosts tell it, and what the scheduler and the fleet's list of models make of it."""

from pathlib import Path

import pytest

from agent_sidecar.telemetry.host import Host
from agent_sidecar.telemetry.none import NoGpu
from bus.messages import ModelInfo
from coordinator.models.inventory import GIB, memory_of
from coordinator.scheduling.prediction import has_room
from tests.unit.coordinator.parts import agent, attempt


class Card(NoGpu):
    name = "AMD Radeon RX 7900 XTX"
    vram_bytes = 24 * GIB


def test_a_card_of_24_gib_is_as_many_bytes_to_its_host_the_scheduler_and_the_list_of_models() -> None:
    hardware = Host(Card(), Path()).hardware()
    assert hardware.vram_gb == 24
    acacia = agent(vram_gb=hardware.vram_gb)
    assert has_room(acacia, ModelInfo(name="m", size_bytes=Card.vram_bytes))
    assert not has_room(acacia, ModelInfo(name="m", size_bytes=Card.vram_bytes + 1))
    assert memory_of(hardware) == Card.vram_bytes


@pytest.mark.parametrize(("beside", "fits"), [(7 * GIB, True), (7 * GIB + 1, False)])
def test_a_model_in_use_takes_its_part_of_the_memory(beside: int, fits: bool) -> None:
    used = ModelInfo(name="smollm2:135m", loaded=True, size_bytes=GIB // 2, vram_bytes=GIB)
    other = ModelInfo(name="llama3", size_bytes=beside)
    acacia = agent(models=(used, other), slots=2, vram_gb=8.0)
    assert has_room(acacia, other)
    known = attempt("acacia")
    acacia.attempts[known.id] = known
    assert has_room(acacia, other) == fits
    assert has_room(acacia, other, without=known)
