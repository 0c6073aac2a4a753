"""What is in the image of deploy/Dockerfile, run without an engine: installed by the same commands, read-only, by a user who is nobody."""

import asyncio
import os
import re
import subprocess
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

import httpx
import pytest

from bus import subjects
from bus.client import Received
from bus.nats_bus import NatsBus
from bus.permissions import SIDECAR
from deploy.backup import archive
from deploy.local.launch import Launch, start
from deploy.local.ports import free_port
from deploy.modules import MODULES
from tests.conftest import folder_for_others
from tests.parts.hive import wait_until
from tests.parts.nats import NatsServer
from tests.parts.postgres import PostgresServer

ROOT = Path(__file__).parents[3]
UV = ROOT / ".uv" / "bin" / "uv"
PYTHON = "/usr/bin/python3"
NOBODY = 65534
INSTALL_SECONDS = 300
pytestmark = [pytest.mark.slow, pytest.mark.timeout(2 * INSTALL_SECONDS)]


@contextmanager
def installed(target: str) -> Iterator[Path]:
    """/opt/hive of a target."""
    if os.geteuid() != 0:
        pytest.skip("only root can become another user")
    if not Path(PYTHON).exists():
        pytest.skip(f"there is no {PYTHON}, and another may not be open to other users")
    if not UV.exists():
        pytest.skip("there is no .uv here: `make setup` makes one")
    with folder_for_others("image") as folder:
        folder.chmod(0o755)
        run(f"{UV} build --quiet --wheel --out-dir {folder}/wheels {ROOT}", folder)
        for lock in ROOT.glob("requirements*.lock"):
            (folder / lock.name).write_bytes(lock.read_bytes())
        for command in installs(f"{target}-packages"):
            run(
                command.replace("/opt/hive", f"{folder}/hive")
                .replace("/wheels", f"{folder}/wheels")
                .replace("uv venv", f"{UV} venv --python {PYTHON}")
                .replace("uv pip", f"{UV} pip"),
                folder,
            )
        size = sum(path.lstat().st_size for path in (folder / "hive").rglob("*"))
        print(f"{target}: {size / 1024**2:.0f} MiB")
        yield folder / "hive"


def as_nobody(image: Path, name: str, words: tuple[str, ...], folder: Path, **environment: str) -> Launch:
    """`hive` with these words, in a folder of its own, which is all that it may write to."""
    own = folder / name
    own.mkdir()
    os.chown(own, NOBODY, NOBODY)
    return Launch(
        name=name,
        command=(str(image / "bin" / "hive"), *words),
        environment={**environment, "HIVE_DATA_DIR": str(own), "HOME": str(own)},
        folder=own,
        user=(NOBODY, NOBODY),
    )


def installs(stage: str) -> list[str]:
    """What a stage of the Dockerfile runs."""
    text = (ROOT / "deploy" / "Dockerfile").read_text().replace("\\\n", " ")
    stages = re.split(r"^FROM \S+ AS ", text, flags=re.MULTILINE)
    found = next(each for each in stages if each.startswith(f"{stage}\n"))
    return re.findall(r"^RUN (.+)$", found, re.MULTILINE)


def run(command: str, folder: Path) -> None:
    done = subprocess.run(
        ["bash", "-euc", command.replace("--no-cache", "")],
        cwd=folder,
        capture_output=True,
        text=True,
        timeout=INSTALL_SECONDS,
        check=False,
    )
    assert done.returncode == 0, f"{command}: {done.stderr[-2000:]}"


@pytest.fixture(scope="module")
def image(request: pytest.FixtureRequest) -> Iterator[Path]:
    with installed(request.param) as found:
        yield found


@pytest.mark.parametrize("image", ["server"], indirect=True)
def test_every_service_serves_as_nobody_and_a_backup_is_taken_as_nobody(image: Path, nats_server: NatsServer) -> None:
    """PostgreSQL's socket is open to its own user alone, so it is told to listen on loopback, as it does in its container."""
    with ExitStack() as stack, folder_for_others("image-data") as data:
        data.chmod(0o755)
        port = free_port()
        database = PostgresServer(
            data / "postgres", synced=False, settings={"listen_addresses": "127.0.0.1", "port": str(port)}
        )
        database.start()
        stack.callback(database.stop)
        ports = {"gateway": free_port(), "gui": free_port()}
        common = {
            "NATS_URL": nats_server.url,
            "HIVE_DATABASE_URL": f"postgresql://hive@127.0.0.1:{port}/hive",
            "HIVE_API_PORT": str(ports["gateway"]),
            "HIVE_GUI_PORT": str(ports["gui"]),
        }
        logs: dict[str, Path] = {}
        for service in MODULES.keys() - {"sidecar"}:
            logs[service] = data / f"{service}.log"
            process = start(as_nobody(image, service, ("run", service), data, **common), logs[service])
            stack.callback(process.wait, 30)
            stack.callback(process.terminate)
        try:
            wait_until(lambda: lacks_agents_alone(ports["gateway"]) and serves(ports["gui"], "/healthz"), 90)
        except AssertionError as error:
            raise AssertionError(ends(logs)) from error
        assert not [name for name, log in logs.items() if "Traceback" in log.read_text()], ends(logs)
        # As deploy/compose/README.md has it: with both addresses named, and a folder of its own.
        file = data / "backup" / "hive.backup"
        taking = as_nobody(image, "backup", ("backup", str(file)), data, **common)
        assert start(taking, data / "backup.log").wait(60) == 0, (data / "backup.log").read_text()
        assert archive.verify(file).streams


@pytest.mark.parametrize("image", ["sidecar"], indirect=True)
async def test_a_sidecar_is_seen_on_the_bus_as_nobody(image: Path, nats_server: NatsServer, nats_bus: NatsBus) -> None:
    """Its image has the packages that requirements-sidecar.lock names, and no others."""
    seen = asyncio.Event()

    async def registers(_received: Received) -> None:
        seen.set()

    await nats_bus.subscribe(subjects.agents_verb(subjects.SERVICE_AGENTS, "register", "acacia"), registers)
    with ExitStack() as stack, folder_for_others("image-data") as data:
        data.chmod(0o755)
        told = {"NATS_URL": nats_server.url_of(SIDECAR), "HIVE_BACKENDS": "acacia=http://127.0.0.1:1"}
        told["HIVE_OTLP_ENDPOINT"] = "http://127.0.0.1:1"
        process = start(as_nobody(image, "sidecar", ("run", "sidecar"), data, **told), data / "sidecar.log")
        stack.callback(process.wait, 30)
        stack.callback(process.terminate)
        try:
            await asyncio.wait_for(seen.wait(), 60)
        except TimeoutError:
            raise AssertionError((data / "sidecar.log").read_text()[-2000:]) from None
        log = (data / "sidecar.log").read_text()
        assert "Traceback" not in log
        assert "spans_not_exported" not in log


def ends(logs: dict[str, Path]) -> dict[str, str]:
    return {name: log.read_text()[-1500:] for name, log in logs.items()}


def serves(port: int, path: str) -> bool:
    try:
        return httpx.get(f"http://127.0.0.1:{port}{path}").status_code == 200
    except httpx.TransportError:
        return False


def lacks_agents_alone(port: int) -> bool:
    """A gateway on the bus, behind which a coordinator leads."""
    try:
        checks = httpx.get(f"http://127.0.0.1:{port}/readyz").json()["checks"]
    except httpx.TransportError:
        return False
    return {check["name"] for check in checks if not check["ok"]} <= {"agents"}
