"""A GPU host as the README sets it up: a real Ollama on loopback and a sidecar of its own, which live and die together."""

import asyncio
from pathlib import Path

from tests.parts.cpu_limit import CpuLimit
from tests.parts.ollama import MODEL, OPEN_ENDED, Ollama, ollama_binary
from tests.parts.replica import Replica


class GpuHost:
    """`cpu_share`: of the time that its models get. `environment` is the sidecar's, the address of its bus among it."""

    def __init__(self, name: str, folder: Path, *, cpu_share: float = 1.0, **environment: str) -> None:
        self.name, self._cpu_share = name, cpu_share
        self.ollama = Ollama(ollama_binary(), folder / "ollama")
        more = {
            "HIVE_DATA_DIR": str(folder / "hive"),
            "HIVE_BACKENDS": f"{name}={self.ollama.url}?slots=1",
            "HIVE_MODELS_SECONDS": "1",
        }
        self.sidecar = Replica.of("sidecar", name, {**more, **environment}, folder)
        self._limit: CpuLimit | None = None

    def start(self) -> None:
        """Whatever of it does not run. Its model is there from the first start on."""
        if self.ollama.process is None or self.ollama.process.poll() is not None:
            self.ollama.start()
            if MODEL not in self.ollama.on_disk():
                self.ollama.make_model(template=OPEN_ENDED)
            self._slow_down()
        if not self.sidecar.running:
            self.sidecar.start()

    def _slow_down(self) -> None:
        if self._cpu_share < 1:
            self._limit = CpuLimit(lambda: self.ollama.processes()[1:], self._cpu_share)
            self._limit.start()

    def kill(self) -> None:
        """As when its power goes: sidecar and Ollama at once."""
        self._let_go()
        self.sidecar.kill()
        self.ollama.kill()

    def stop_sidecar(self) -> None:
        """As systemd does; its Ollama goes on."""
        asyncio.run(self.sidecar.stop())

    def stop(self) -> None:
        self._let_go()
        if self.sidecar.running:
            self.sidecar.kill()
        self.ollama.stop()

    def _let_go(self) -> None:
        if self._limit is not None:
            self._limit.stop()
            self._limit = None
