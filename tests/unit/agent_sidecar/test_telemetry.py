"""Cards and their drivers' moods."""

from pathlib import Path
from types import SimpleNamespace

import pytest

from agent_sidecar.telemetry.amd import AmdGpu, number
from agent_sidecar.telemetry.gpu import CardReading, GpuReading, combine, loads
from agent_sidecar.telemetry.host import Host
from agent_sidecar.telemetry.none import NoGpu

GIB = 1024**3


def test_several_cards_make_one_reading() -> None:
    cards = [
        CardReading(usage=50, memory_used_bytes=6, memory_total_bytes=24, temperature=60, power_watts=200),
        CardReading(usage=100, memory_used_bytes=24, memory_total_bytes=24, temperature=80, power_watts=300),
        CardReading(),
    ]
    assert combine(cards) == GpuReading(usage=75, memory=62.5, temperature=80, power_watts=500)
    assert combine([]) == GpuReading()


class LostCard(Exception):
    """Stands for AMD's own error class, which only exists with its binding."""


def test_amds_binding_writes_na_for_what_it_does_not_know() -> None:
    kinds = SimpleNamespace(EDGE="edge", HOTSPOT="hotspot", CURRENT="now")

    def temperature(_handle: object, sensor: str, _metric: str) -> int:
        if sensor == "edge":
            raise LostCard
        return 71

    smi = SimpleNamespace(
        AmdSmiException=LostCard,
        AmdSmiTemperatureType=kinds,
        AmdSmiTemperatureMetric=kinds,
        amdsmi_get_gpu_asic_info=lambda _: {"market_name": "Radeon RX 7900 XTX"},
        amdsmi_get_gpu_vram_usage=lambda _: {"vram_total": 24576, "vram_used": 12288},
        amdsmi_get_gpu_activity=lambda _: {"gfx_activity": "N/A"},
        amdsmi_get_power_info=lambda _: {"current_socket_power": "N/A", "average_socket_power": 210},
        amdsmi_get_temp_metric=temperature,
    )
    gpu = AmdGpu(smi, ["handle"])
    assert (gpu.name, gpu.vram_bytes) == ("Radeon RX 7900 XTX", 24 * GIB)
    assert combine(gpu.read()) == GpuReading(memory=50, temperature=71, power_watts=210)
    assert number("N/A") is None


def test_a_driver_that_is_not_there_is_not_loaded() -> None:
    assert not loads("libno-such-driver.so")


async def test_this_machine_tells_its_load(tmp_path: Path) -> None:
    host = Host(NoGpu(), tmp_path / "not" / "yet")
    first = await host.read()
    assert first.memory_usage is not None
    assert 0 < first.memory_usage <= 100
    assert first.disk_usage is not None
    assert await host.read() is first
    hardware = host.hardware()
    assert hardware.cpu_cores is not None
    assert hardware.ram_gb == pytest.approx(hardware.ram_gb or 0)
    assert (hardware.gpu_type, hardware.vram_gb) == (None, None)
