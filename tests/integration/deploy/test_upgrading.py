"""`hive upgrade` and `hive uninstall` on a real hive that is asked all the time: its code is replaced on the disk, as git or pip do it."""

import asyncio
import json
import shutil
import subprocess
import threading
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import asyncpg
import httpx
import psutil
import pytest

from bus.version import PACKAGES, ROOT
from deploy.cli.upgrade import PENDING
from tests.conftest import folder_for_others
from tests.parts.hive import HIVE, Hive, wait_until

pytestmark = [pytest.mark.slow, pytest.mark.timeout(400)]

UPGRADE_SECONDS = 180
MODEL = "smollm2:135m"
NEWER = "hive-99.0.0.dist-info"
SERVERS = {"nats", "postgres", "valkey"}
SERVICES = ["coordinator", "workflow", "monitor", "gateway", "gui", "sidecar-local"]


class Asking:
    """Everybody who comes comes by a connection of his own: to the API, which takes a task now and then, and to the dashboard. One keeps his,
    and one chats all the time.
    """

    def __init__(self, hive: Hive, key: str) -> None:
        status = hive.json("status")
        self.api, self.gui = status["api"], status["gui"]
        self._headers = {"Authorization": f"Bearer {key}", "Content-Type": "application/json"}
        self.failed: list[str] = []
        self.tasks: list[str] = []
        self.asked = 0
        self._over = threading.Event()
        self._threads = [threading.Thread(target=work) for work in (self._submit, self._look, self._keep, self._chat)]

    @contextmanager
    def on(self) -> Iterator[None]:
        for thread in self._threads:
            thread.start()
        try:
            yield
        finally:
            self._over.set()
            for thread in self._threads:
                thread.join()

    def get(self, path: str) -> bytes:
        return self._ask(f"{self.api}{path}")

    def _submit(self) -> None:
        body = json.dumps({"prompt": "Say hi.", "options": {"num_predict": 2}}).encode()
        while not self._over.wait(1.0):
            with self._noted("submit"):
                self.tasks.append(json.loads(self._ask(f"{self.api}/api/tasks", body))["id"])

    def _look(self) -> None:
        """Not /readyz: while the lead passes from one coordinator to the next it says, for some tenths of a second, that nobody leads."""
        while not self._over.wait(0.2):
            with self._noted("models"):
                self.get("/v1/models")
            with self._noted("dashboard"):
                self._ask(f"{self.gui}/login")

    def _keep(self) -> None:
        """As a pool does: the connection is used until an answer says that it is the last."""
        with httpx.Client(base_url=self.api, headers=self._headers, timeout=30) as client:
            while not self._over.wait(0.3):
                with self._noted("models, and there is one"):
                    assert client.get("/v1/models").json()["data"], "no model is listed"

    def _chat(self) -> None:
        body = {"model": MODEL, "stream": True, "max_tokens": 8, "messages": [{"role": "user", "content": "Count to five."}]}
        while not self._over.wait(0.5):
            with self._noted("chat"):
                assert self._ask(f"{self.api}/v1/chat/completions", json.dumps(body).encode()).endswith(b"data: [DONE]\n\n")

    @contextmanager
    def _noted(self, what: str) -> Iterator[None]:
        self.asked += 1
        try:
            yield
        except (OSError, ValueError, AssertionError, httpx.HTTPError) as error:
            self.failed.append(f"{what}: {error!r}")

    def _ask(self, url: str, body: bytes | None = None) -> bytes:
        request = urllib.request.Request(url, body, self._headers)
        with urllib.request.urlopen(request, timeout=30) as answer:
            content: bytes = answer.read()
        return content


@pytest.fixture(scope="module")
def code() -> Iterator[Path]:
    """What hive runs, as a checkout that can be changed."""
    with folder_for_others("code") as folder:
        for package in PACKAGES:
            shutil.copytree(ROOT / package, folder / package, ignore=shutil.ignore_patterns("node_modules"))
        shutil.copy(ROOT / "nats.conf", folder)
        yield folder


@pytest.fixture(scope="module")
def installed(code: Path) -> Iterator[Hive]:
    with folder_for_others("upgraded") as folder:
        hive = Hive(folder / "data", PYTHONPATH=str(code), HIVE_ADMIN_KEY="sk-hive-" + "u" * 48)
        hive.start()
        try:
            yield hive
        finally:
            if not hive.process_ended:
                hive.stop()


@pytest.fixture
def hive(installed: Hive) -> Hive:
    """Begun anew after a test that removed it."""
    if installed.process_ended:
        installed.start()
    return installed


def upgrade(hive: Hive, *options: str) -> "subprocess.CompletedProcess[str]":
    """It takes as long as six processes take to begin, one after another."""
    command = [str(HIVE), "upgrade", *options]
    return subprocess.run(command, env=hive.env, capture_output=True, text=True, timeout=UPGRADE_SECONDS, check=False)


def release(code: Path) -> None:
    """From now on this code is of a newer release than the one that is installed. It has a stream more, which its coordinator makes."""
    with (code / "bus" / "streams.py").open("a") as file:
        file.write(
            '\nSTREAMS += (_stream("HIVE_MORE", ["hive.more"], max_bytes=MIB, synced=True, discard=DiscardPolicy.NEW),)\n'
        )
    (code / NEWER).mkdir()
    (code / NEWER / "METADATA").write_text("Metadata-Version: 2.1\nName: hive\nVersion: 99.0.0\n")


def change(code: Path, name: str, text: str) -> str:
    """What was there before."""
    file = code / name
    before = file.read_text()
    file.write_text(text + before)
    return before


def test_a_hive_at_work_is_upgraded_there_and_back_and_nobody_is_refused(hive: Hive, code: Path) -> None:
    asking, before, supervisor = Asking(hive, hive.env["HIVE_ADMIN_KEY"]), hive.pids(), hive.process
    with asking.on():
        wait_until(lambda: len(asking.tasks) >= 3, 30)
        change(code, "bus/subjects.py", "# another state of the code\n")
        release(code)
        checked = hive.run("upgrade", "--check", check=False)
        assert checked.returncode == PENDING, checked.stdout + checked.stderr
        done = json.loads(upgrade(hive, "--json").stdout)
        assert hive.run("upgrade", "--check").returncode == 0
        shutil.rmtree(code / NEWER)
        refused = upgrade(hive, "--no-backup")
        assert (refused.returncode, "go back to this one with --back" in refused.stderr) == (1, True), refused.stderr
        back = json.loads(upgrade(hive, "--back", "--no-backup", "--json").stdout)
        after = len(asking.tasks)
        wait_until(lambda: len(asking.tasks) >= after + 3, 30)
    print(f"{asking.asked} requests, {len(asking.tasks)} tasks, failed: {asking.failed}")
    assert done["renewed"] == back["renewed"] == ["supervisor", *SERVICES]
    assert Path(done["backup"]).exists()
    assert not asking.failed
    now = hive.pids()
    assert {name for name in now if now[name] == before[name]} == SERVERS
    assert supervisor is not None
    assert supervisor.poll() is None, "the supervisor is the same process"
    wait_until(lambda: _ended(asking) == {"completed"}, 90)


def test_the_way_back_ends_where_the_schema_is_not_known(hive: Hive, code: Path) -> None:
    asyncio.run(migrated(hive, "INSERT INTO monitor_migrations (number) VALUES (999)"))
    kept = change(code, "bus/subjects.py", "# an older state of the code\n")
    refused = upgrade(hive, "--back", "--no-backup")
    (code / "bus" / "subjects.py").write_text(kept)
    assert (refused.returncode, "monitor_migrations 999" in refused.stderr) == (1, True), refused.stderr
    assert "`hive restore --replace FILE`" in refused.stderr
    asyncio.run(migrated(hive, "DELETE FROM monitor_migrations WHERE number = 999"))


async def migrated(hive: Hive, statement: str) -> None:
    connection = await asyncpg.connect(json.loads((hive.folder / "hive.json").read_text())["database_url"])
    await connection.execute(statement)
    await connection.close()


def _ended(asking: Asking) -> set[str]:
    return {json.loads(asking.get(f"/api/tasks/{task}"))["status"] for task in asking.tasks}


def test_a_part_that_does_not_begin_leaves_the_one_before_at_work(hive: Hive, code: Path) -> None:
    before = hive.pids()
    kept = change(code, "coordinator/gateway/main.py", "raise SystemExit('this version is broken')\n")
    failed = upgrade(hive, "--no-backup")
    assert failed.returncode == 1
    assert failed.stderr.splitlines()[-1].startswith("error [upgrade_failed]: gateway ended with status 1")
    assert "this version is broken" in failed.stderr
    assert "hive upgrade --back" in failed.stderr
    now = hive.pids()
    assert {name for name in now if now[name] == before[name]} == {*SERVERS, "gateway", "gui", "sidecar-local"}
    Asking(hive, hive.env["HIVE_ADMIN_KEY"]).get("/v1/models")
    (code / "coordinator" / "gateway" / "main.py").write_text(kept)


def test_a_version_that_does_not_start_at_all_is_refused_before_anything_ends(hive: Hive, code: Path) -> None:
    before = hive.pids()
    kept = change(code, "deploy/cli/hosting.py", "raise RuntimeError('half an installation')\n")
    failed = upgrade(hive, "--no-backup")
    (code / "deploy" / "cli" / "hosting.py").write_text(kept)
    assert (failed.returncode, "half an installation" in failed.stderr) == (1, True), failed.stderr
    assert hive.pids() == before


def test_a_hive_that_runs_is_removed_with_its_backup_taken_before(hive: Hive) -> None:
    refused = hive.run("uninstall", check=False)
    assert (refused.returncode, "Say --yes" in refused.stderr) == (1, True)
    family, file = hive.family(), hive.folder.with_name("last.backup")
    earlier = hive.folder / "backups" / "earlier.backup"
    earlier.parent.mkdir(exist_ok=True)
    earlier.touch()
    hive.run("uninstall", "--yes", "--backup", str(file))
    assert psutil.wait_procs(family, timeout=5)[1] == []
    assert sorted(path.name for path in hive.folder.iterdir()) == ["backups"]
    assert earlier.exists()
    assert hive.run("backup", "--check", str(file)).returncode == 0
