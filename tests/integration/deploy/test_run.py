"""`hive run`: the process that was started is the service itself, with the settings of flags, environment and data folder."""

import json
import os
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import psutil

from bus.nats_bus import NatsBus
from bus.settings import HiveSettings
from deploy.local.ports import free_port
from tests.parts.hive import HIVE, wait_until
from tests.parts.nats import NatsServer


@contextmanager
def run(folder: Path, *arguments: str, **environment: str) -> Iterator[psutil.Process]:
    bare = {name: value for name, value in os.environ.items() if not name.startswith("HIVE_") and name != "NATS_URL"}
    with (folder / "run.log").open("ab") as log:
        process = subprocess.Popen(
            [HIVE, "run", *arguments], env={**bare, "HIVE_DATA_DIR": str(folder), **environment}, stdout=log, stderr=log
        )
    try:
        yield psutil.Process(process.pid)
    finally:
        process.kill()
        process.wait()


async def test_nats_is_the_projects_own_with_the_passwords_of_the_folder(tmp_path: Path) -> None:
    port = free_port()
    monitor, websocket = str(free_port()), str(free_port())
    flags = ("--nats-port", str(port), "--nats-monitor-port", monitor, "--nats-websocket-port", websocket)
    with run(tmp_path, "nats", *flags) as process:
        wait_until((tmp_path / "secrets.json").exists, 30)
        password = json.loads((tmp_path / "secrets.json").read_text())["nats_password"]
        settings = HiveSettings.model_validate({"nats_url": f"nats://hive:{password}@127.0.0.1:{port}"})
        bus = await NatsBus.connect(settings, "test", timeout=20)
        await bus.close()
        assert process.name() == "nats-server"


def test_a_sidecar_finds_the_bus_of_the_hive_that_its_folder_names(nats_server: NatsServer, tmp_path: Path) -> None:
    addresses = {"nats": {"url": nats_server.url}, "database_url": "postgresql://absent", "redis_url": "unix://absent"}
    (tmp_path / "hive.json").write_text(json.dumps(addresses))
    with run(tmp_path, "sidecar", "--builtin-model", "never", OLLAMA_HOST="http://127.0.0.1:9") as process:
        wait_until(lambda: "sidecar_ready" in (tmp_path / "run.log").read_text(), 30)
        assert process.cmdline()[-2:] == ["-m", "agent_sidecar.main"]
        assert process.environ()["NATS_URL"] == nats_server.url


def test_a_mistyped_flag_starts_nothing(tmp_path: Path) -> None:
    done = subprocess.run(
        [HIVE, "run", "sidecar", "--backend", "http://a"], capture_output=True, text=True, timeout=30, check=False
    )
    assert done.returncode == 1
    assert done.stderr.startswith("error [invalid_request]: sidecar has no setting HIVE_BACKEND.")
