"""NVIDIA's library as it answers at its C interface: byte for byte what driver 580.159.04 said of an H200, idle and at work."""

import ctypes
import struct
import sys
from collections.abc import Callable
from dataclasses import dataclass

import pynvml
import pytest

from agent_sidecar.telemetry import nvidia
from agent_sidecar.telemetry.gpu import GpuReading, combine
from agent_sidecar.telemetry.nvidia import NvidiaGpu, cards_of, open_nvidia

TOTAL = 150_754_820_096
RESERVED = 644_939_776
UNINITIALIZED, INVALID_ARGUMENT, NOT_SUPPORTED, DRIVER_NOT_LOADED, GPU_IS_LOST, VERSION_MISMATCH = 1, 2, 3, 9, 15, 25
FIRST_HANDLE = 0x7F00_0000_0000

Card = Out = ctypes.c_void_p
OF_NO_CARD = {"nvmlInitWithFlags", "nvmlShutdown", "nvmlDeviceGetCount_v2", "nvmlDeviceGetHandleByIndex_v2"}


@dataclass(frozen=True, kw_only=True)
class Recorded:
    used: int
    usage: tuple[int, int]
    temperature: int
    milliwatts: int


IDLE = Recorded(used=0, usage=(0, 0), temperature=43, milliwatts=82_362)
BUSY = Recorded(used=20_288_700_416, usage=(99, 24), temperature=65, milliwatts=691_100)


def write(out: int, layout: str, *values: int) -> int:
    data = struct.pack(layout, *values)
    ctypes.memmove(out, data, len(data))
    return 0


class Library:
    """`refused` maps a function to the error that it gives; one in `absent` is not in this driver. `go()` ends the driver, and with
    it every handle.
    """

    def __init__(self, cards: int = 1) -> None:
        self.now = IDLE
        self.cards = cards
        self.refused: dict[str, int] = {}
        self.absent: set[str] = set()
        self.lost_cards: set[int] = set()
        self.sessions = 0
        self.started = False
        self._kept: list[object] = []

    def __getattr__(self, name: str) -> object:
        """A C function: what is called with a wrong layout or kind of argument fails here as it does at the driver."""
        if not name.startswith("nvml") or name in self.absent:
            raise AttributeError(name)
        kinds, answer = self._functions()[name]

        def ask(*arguments: int) -> int:
            if name in self.refused:
                return self.refused[name]
            if not self.started and name != "nvmlInitWithFlags":
                return UNINITIALIZED
            if name not in OF_NO_CARD and arguments[0] // 256 != FIRST_HANDLE // 256 + self.sessions:
                return INVALID_ARGUMENT
            return answer(*arguments)

        function = ctypes.CFUNCTYPE(ctypes.c_int, *kinds)(ask)
        self._kept.append(function)
        return function

    def _functions(self) -> dict[str, tuple[tuple[type, ...], Callable[..., int]]]:
        return {
            "nvmlInitWithFlags": ((ctypes.c_uint,), self._init),
            "nvmlShutdown": ((), self.go),
            "nvmlDeviceGetCount_v2": ((Out,), lambda out: write(out, "=I", self.cards)),
            "nvmlDeviceGetHandleByIndex_v2": ((ctypes.c_uint, Out), self._handle),
            "nvmlDeviceGetName": ((Card, Out, ctypes.c_uint), self._name),
            "nvmlDeviceGetMemoryInfo_v2": ((Card, Out), self._memory_v2),
            "nvmlDeviceGetMemoryInfo": ((Card, Out), self._memory),
            "nvmlDeviceGetUtilizationRates": ((Card, Out), lambda _, out: write(out, "=II", *self.now.usage)),
            "nvmlDeviceGetTemperature": ((Card, ctypes.c_uint, Out), self._temperature),
            "nvmlDeviceGetPowerUsage": ((Card, Out), lambda _, out: write(out, "=I", self.now.milliwatts)),
        }

    def go(self) -> int:
        self.started = False
        return 0

    def _init(self, _flags: int) -> int:
        self.sessions += 1
        self.started = True
        return 0

    def _handle(self, index: int, out: int) -> int:
        return GPU_IS_LOST if index in self.lost_cards else write(out, "=Q", FIRST_HANDLE + 256 * self.sessions + index)

    def _name(self, _card: int, out: int, length: int) -> int:
        name = b"NVIDIA H200\0"
        assert length >= len(name)
        ctypes.memmove(out, name, len(name))
        return 0

    def _memory(self, _card: int, out: int) -> int:
        used = RESERVED + self.now.used
        return write(out, "=QQQ", TOTAL, TOTAL - used, used)

    def _memory_v2(self, _card: int, out: int) -> int:
        if ctypes.c_uint.from_address(out).value != 33_554_472:
            return VERSION_MISMATCH
        return write(out, "=I4xQQQQ", 33_554_472, TOTAL, RESERVED, TOTAL - RESERVED - self.now.used, self.now.used)

    def _temperature(self, _card: int, sensor: int, out: int) -> int:
        assert sensor == 0
        return write(out, "=I", self.now.temperature)


Load = Callable[[Library], NvidiaGpu | None]


@pytest.fixture
def load(monkeypatch: pytest.MonkeyPatch) -> Load:
    """Puts a driver beneath NVIDIA's binding, which keeps the library and each function that it found there, and opens its cards."""

    def load(driver: Library) -> NvidiaGpu | None:
        monkeypatch.setattr(pynvml, "nvmlLib", driver)
        monkeypatch.setattr(pynvml, "_nvmlGetFunctionPointer_cache", {})
        return cards_of(pynvml)

    return load


def opened(driver: Library, load: Load) -> NvidiaGpu:
    gpu = load(driver)
    assert gpu is not None
    return gpu


def test_a_card_tells_what_nvidia_smi_shows(load: Load) -> None:
    driver = Library()
    gpu = opened(driver, load)
    assert (gpu.name, gpu.vram_bytes) == ("NVIDIA H200", 143_771 * 1024**2)
    assert combine(gpu.read()) == GpuReading(usage=0, memory=0, temperature=43, power_watts=82.362)
    driver.now = BUSY
    assert combine(gpu.read()) == GpuReading(
        usage=99, memory=pytest.approx(100 * 19_349 / 143_771, abs=0.001), temperature=65, power_watts=691.1
    )


def test_an_older_driver_counts_what_it_keeps_for_itself(load: Load) -> None:
    driver = Library()
    driver.absent = {"nvmlDeviceGetMemoryInfo_v2"}
    assert [card.memory_used_bytes for card in opened(driver, load).read()] == [RESERVED]


@pytest.mark.parametrize(
    ("function", "field"),
    [
        ("nvmlDeviceGetUtilizationRates", "usage"),
        ("nvmlDeviceGetTemperature", "temperature"),
        ("nvmlDeviceGetPowerUsage", "power_watts"),
    ],
)
def test_a_value_that_a_card_does_not_tell_is_left_out(load: Load, function: str, field: str) -> None:
    driver = Library()
    gpu = opened(driver, load)
    (whole,) = gpu.read()
    driver.refused[function] = NOT_SUPPORTED
    (card,) = gpu.read()
    assert getattr(card, field) is None
    assert {name for name, value in vars(whole).items() if value != getattr(card, name)} == {field}


def test_a_driver_that_goes_leaves_nothing_and_is_found_again(load: Load) -> None:
    driver = Library()
    gpu = opened(driver, load)
    before = gpu.read()
    driver.go()
    driver.refused["nvmlInitWithFlags"] = DRIVER_NOT_LOADED
    for _ in range(2):
        assert combine(gpu.read()) == GpuReading()
    del driver.refused["nvmlInitWithFlags"]
    assert combine(gpu.read()) == GpuReading()
    assert gpu.read() == before


def test_a_card_that_fell_off_the_bus_hides_no_other(load: Load) -> None:
    driver = Library(cards=3)
    driver.lost_cards = {1}
    gpu = opened(driver, load)
    assert len(gpu.read()) == 2
    assert gpu.vram_bytes == 2 * TOTAL


def test_without_a_driver_that_starts_or_a_card_there_is_no_gpu(load: Load) -> None:
    ill = Library()
    ill.refused["nvmlInitWithFlags"] = DRIVER_NOT_LOADED
    assert load(ill) is None
    assert load(Library(cards=0)) is None


def test_a_host_without_the_driver_does_not_carry_its_binding(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(nvidia, "_LIBRARIES", ("libno-such-driver.so",))
    monkeypatch.delitem(sys.modules, "pynvml")
    assert open_nvidia() is None
    assert "pynvml" not in sys.modules
