"""The README's tour as data, and a shell that runs it. A `sh` block is run; a `text` block is what the one before it printed.

`third` behind the language means the third terminal: what is started there runs beside the rest. In a `text` block `…` stands for
anything, and a line may be missing that the output has, but not the other way round.
"""

import os
import re
import signal
import subprocess
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from tests.parts.hive import wait_until

BLOCK_SECONDS = 120.0
TITLE = "## A tour of ten minutes\n"


@dataclass(frozen=True, kw_only=True)
class Block:
    kind: str
    third: bool
    text: str

    @property
    def needs_nats_cli(self) -> bool:
        return self.kind == "sh" and re.search(r"^nats |\(nats |^hive nats-context", self.text, re.MULTILINE) is not None


def blocks(readme: str) -> list[Block]:
    """Of the tour, in order."""
    _, _, tour = readme.partition(TITLE)
    tour = tour.partition("\n## ")[0]
    found = re.findall(r"^```(sh|text)( third)?\n(.*?)^```$", tour, re.MULTILINE | re.DOTALL)
    return [Block(kind=kind, third=bool(third), text=text) for kind, third, text in found]


def missing(shown: str, printed: str) -> list[str]:
    """The first line of what is shown that was not printed behind those before it; nothing when all is there."""
    left = [" ".join(line.split()) for line in printed.splitlines()]
    for line in shown.splitlines():
        wanted = re.compile(".*".join(re.escape(part.strip()) for part in " ".join(line.split()).split("…")))
        while left and not wanted.fullmatch(left[0]):
            left.pop(0)
        if not left:
            return [line]
        left.pop(0)
    return []


class Terminal:
    """One bash, as a person would have it open: what a block sets is there in the next. A failing command ends it."""

    def __init__(self, folder: Path, cwd: Path, environment: Mapping[str, str]) -> None:
        self._folder, self._number = folder, 0
        folder.mkdir()
        self._log = (folder / "terminal.log").open("wb")
        self._bash = subprocess.Popen(
            ["bash", "--norc", "-eu", "-o", "pipefail"],
            cwd=cwd,
            env=dict(environment),
            stdin=subprocess.PIPE,
            stdout=self._log,
            stderr=self._log,
            start_new_session=True,
        )

    def run(self, text: str) -> str:
        """What the block printed, with its errors. AssertionError when a command of it fails."""
        output = self.begin(text)
        done = output.with_suffix(".done")
        with suppress(AssertionError):
            wait_until(lambda: done.exists() or self._bash.poll() is not None, BLOCK_SECONDS)
        assert done.exists(), (
            f"this failed, or did not end in {BLOCK_SECONDS:.0f} s:\n{text}\nit printed:\n{output.read_text()}"
        )
        return output.read_text()

    def begin(self, text: str) -> Path:
        """The file that the block prints to."""
        self._number += 1
        script = self._folder / f"{self._number}.sh"
        output = script.with_suffix(".out")
        output.touch()
        script.write_text(text)
        assert self._bash.stdin is not None
        done = script.with_suffix(".done")
        self._bash.stdin.write(f"source '{script}' </dev/null >'{output}' 2>&1\ntouch '{done}'\n".encode())
        self._bash.stdin.flush()
        return output

    def close(self) -> None:
        """With whatever still runs in it."""
        if self._bash.poll() is None:
            os.killpg(self._bash.pid, signal.SIGKILL)
        self._bash.communicate()
        self._log.close()
