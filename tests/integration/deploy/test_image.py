"""What is in the image of deploy/Dockerfile, run without an engine: installed by the same commands, read-only, by a user who is nobody."""

import os
import re
import subprocess
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import httpx
import pytest

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


@pytest.fixture(scope="module")
def image() -> Iterator[Path]:
    """/opt/hive of the target `server`."""
    if os.geteuid() != 0:
        pytest.skip("only root can become another user")
    if not Path(PYTHON).exists():
        pytest.skip(f"there is no {PYTHON}, and another may not be open to other users")
    if not UV.exists():
        pytest.skip("there is no .uv here: `make setup` makes one")
    with folder_for_others("image") as folder:
        folder.chmod(0o755)
        run(f"{UV} build --quiet --wheel --out-dir {folder}/wheels {ROOT}", folder)
        (folder / "requirements.lock").write_bytes((ROOT / "requirements.lock").read_bytes())
        for command in installs("server-packages"):
            run(
                command.replace("/opt/hive", f"{folder}/hive")
                .replace("/wheels", f"{folder}/wheels")
                .replace("uv venv", f"{UV} venv --python {PYTHON}")
                .replace("uv pip", f"{UV} pip"),
                folder,
            )
        yield folder / "hive"


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


def test_every_service_serves_as_nobody(image: Path, nats_server: NatsServer, postgres: PostgresServer) -> None:
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
            own = data / service
            own.mkdir()
            os.chown(own, NOBODY, NOBODY)
            launch = Launch(
                name=service,
                command=(str(image / "bin" / "hive"), "run", service),
                environment={**common, "HIVE_DATA_DIR": str(own), "HOME": str(own)},
                folder=own,
                user=(NOBODY, NOBODY),
            )
            logs[service] = data / f"{service}.log"
            process = start(launch, logs[service])
            stack.callback(process.wait, 30)
            stack.callback(process.terminate)
        try:
            wait_until(lambda: lacks_agents_alone(ports["gateway"]) and serves(ports["gui"], "/healthz"), 90)
        except AssertionError as error:
            raise AssertionError(ends(logs)) from error
        assert not [name for name, log in logs.items() if "Traceback" in log.read_text()], ends(logs)


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
