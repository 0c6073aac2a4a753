"""The README's tour works word for word: its commands are run in order, and what it shows is what they print."""

import re
import shutil
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import httpx
import pytest

from deploy.local.ports import free_port
from tests.conftest import folder_for_others
from tests.e2e.tour import BLOCK_SECONDS, Block, Terminal, blocks, missing
from tests.parts.hive import Hive, wait_until

pytestmark = [pytest.mark.slow, pytest.mark.timeout(600)]  # dozens of commands, each a process of its own

ROOT = Path(__file__).parents[2]
START = "make up\n"
NATS_CLI = shutil.which("nats")


@pytest.fixture
def folder() -> Iterator[Path]:
    with folder_for_others("tour") as folder:
        yield folder


@pytest.fixture
def hive(folder: Path) -> Iterator[Hive]:
    hive = Hive(folder / "data", XDG_CONFIG_HOME=str(folder / "config"), HIVE_NATS_MONITOR_PORT=str(free_port()))
    hive.start()
    yield hive
    hive.stop()


def test_the_tour_of_the_readme_works_word_for_word(hive: Hive, folder: Path) -> None:
    start, *others = blocks((ROOT / "README.md").read_text())
    assert start.text == START, "the tour begins with what the fixture has done"
    with (
        closing(Terminal(folder / "second", ROOT, hive.env)) as second,
        closing(Terminal(folder / "third", ROOT, hive.env)) as third,
    ):
        Visitor(second, third, hive).follow(others)
    assert hive.process is not None
    assert hive.process.wait(BLOCK_SECONDS) == 0
    if NATS_CLI is None:
        pytest.skip("the NATS CLI is not on PATH: its part of the tour was left out, the rest was run")


class Visitor:
    """Someone who types what is written, and looks whether what is shown comes."""

    def __init__(self, second: Terminal, third: Terminal, hive: Hive) -> None:
        self._second, self._third = second, third
        self._printed = hive.printed
        self._monitor = f"http://127.0.0.1:{hive.env['HIVE_NATS_MONITOR_PORT']}"
        self._beside: Path | None = None

    def follow(self, tour: list[Block]) -> None:
        left_out = False
        for block in tour:
            if block.kind == "sh":
                left_out = block.needs_nats_cli and NATS_CLI is None
            if not left_out:
                self._take(block)

    def _take(self, block: Block) -> None:
        match block:
            case Block(kind="sh", third=True):
                self._beside = self._third.begin(block.text)
                wait_until(self._nats_cli_subscribes, BLOCK_SECONDS)
            case Block(kind="sh"):
                self._printed = self._second.run(block.text)
            case Block(third=True):
                assert self._beside is not None
                self._until_shown(block.text, self._beside)
            case _:
                assert missing(block.text, self._printed) == [], self._printed

    def _nats_cli_subscribes(self) -> bool:
        """As the server knows it: the CLI says so before it has asked."""
        connections = httpx.get(f"{self._monitor}/connz?subs=true").json()["connections"]
        return any(c.get("name", "").startswith("NATS CLI") and c.get("subscriptions_list") for c in connections)

    def _until_shown(self, shown: str, output: Path) -> None:
        try:
            wait_until(lambda: not missing(shown, output.read_text()), BLOCK_SECONDS)
        except AssertionError:
            raise AssertionError(f"{missing(shown, output.read_text())} is missing in:\n{output.read_text()}") from None


def test_the_links_that_are_printed_log_in(hive: Hive) -> None:
    for printed in (hive.printed, hive.run("login").stdout):
        link = re.search(r"http\S+/login\?ticket=\S+", printed)
        assert link is not None, printed
        answer = httpx.get(link.group())
        assert (answer.status_code, answer.headers["location"]) == (303, "/")


def test_what_is_shown_must_be_printed_in_its_order() -> None:
    printed = "one   1\ntwo 22 x\nthree\n"
    assert missing("one …\ntwo … x\n", printed) == []
    assert missing("two …\none …\n", printed) == ["one …"]
    assert missing("two … y\n", printed) == ["two … y"]
    assert missing("", printed) == []


def test_every_block_of_the_tour_is_understood() -> None:
    readme = (ROOT / "README.md").read_text()
    found = blocks(readme)
    assert len(found) > 20
    assert {block.kind for block in found if block.third} == {"sh", "text"}
    assert sum(block.needs_nats_cli for block in found) > 4
