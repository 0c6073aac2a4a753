"""A host without a card that Hive can read."""

from collections.abc import Sequence

from agent_sidecar.telemetry.gpu import CardReading


class NoGpu:
    """See agent_sidecar.telemetry.gpu.Gpu."""

    name: str | None = None
    vram_bytes: float | None = None

    def read(self) -> Sequence[CardReading]:
        return ()
