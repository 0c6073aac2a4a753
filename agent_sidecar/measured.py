"""What was found out about a backend by measuring, kept in a small file so that a restart knows it."""

from pathlib import Path

from pydantic import BaseModel, Field, ValidationError

from bus import telemetry
from bus.messages.benchmarks import BenchmarkFigures

logger = telemetry.log(__name__)


class Findings(BaseModel):
    """`slots`: how many attempts at once gave the best rate when it was measured last."""

    slots: int | None = None
    models: dict[str, BenchmarkFigures] = Field(default_factory=dict)


class Measured:
    """HIVE_DATA_DIR/sidecar/<agent id>.json. A file that cannot be read or written costs nothing but what it knew."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self.findings = Findings()
        try:
            self.findings = Findings.model_validate_json(path.read_bytes())
        except FileNotFoundError:
            pass
        except (OSError, ValidationError) as error:
            logger.warning("measurements_not_read", path=str(path), reason=type(error).__name__)

    def model(self, name: str) -> BenchmarkFigures:
        return self.findings.models.get(name, BenchmarkFigures())

    def note_load(self, model: str, seconds: float) -> None:
        """The slowest load seen is what the next one may take."""
        known = self.model(model)
        if known.load_seconds is None or seconds > known.load_seconds:
            self.keep(model, known.model_copy(update={"load_seconds": seconds}))

    def keep(self, model: str, speed: BenchmarkFigures) -> None:
        self.findings.models[model] = speed
        if speed.slots is not None:
            self.findings.slots = speed.slots
        try:
            self._path.parent.mkdir(parents=True, exist_ok=True)
            new = self._path.with_suffix(".new")
            new.write_text(self.findings.model_dump_json(exclude_none=True, indent=2))
            new.replace(self._path)
        except OSError as error:
            logger.warning("measurements_not_kept", path=str(self._path), reason=error.strerror)
