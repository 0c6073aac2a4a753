"""`hive up --listen`: another host joins with the line that was printed, trusts that hive and no other, and runs a task by TLS; so does one of
a site with a bus of its own.
"""

import json
import re
import signal
import socket
import ssl
import stat
import subprocess
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import httpx
import pytest

from deploy.local.certificates import own
from deploy.local.data_folder import DataFolder
from deploy.local.ports import free_port
from tests.e2e.test_joining import ANSWER_SECONDS, Host, online
from tests.parts.hive import COMMAND_SECONDS, HIVE, Hive, wait_until

pytestmark = pytest.mark.slow

ADDRESS = "127.0.0.2"


@pytest.fixture(scope="module")
def hive(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Hive]:
    hive = Hive(tmp_path_factory.mktemp("lan") / "data", HIVE_LISTEN=ADDRESS, HIVE_NATS_LEAF_PORT="0", HIVE_MDNS="never")
    try:
        hive.start()
        wait_until(lambda: "Add a host" in hive.printed, COMMAND_SECONDS)
        yield hive
    finally:
        hive.stop()


def printed_token(hive: Hive) -> str:
    found = re.search(r"hive join (hive-join-[0-9a-f]{48}@https://127\.0\.0\.2:\d+#[0-9a-f]{64})", hive.printed)
    assert found, hive.printed
    return found[1]


def test_a_host_joins_by_what_was_printed_and_runs_a_task_by_tls(hive: Hive, tmp_path: Path) -> None:
    host, authority = Host(tmp_path / "walnut"), hive.folder / "tls" / "ca.pem"
    host.join(printed_token(hive), "--name", "walnut")
    kept = host.folder / "sidecar"
    assert (kept / "hive_ca.pem").read_text() == authority.read_text()
    assert json.loads((kept / "joined.json").read_text())["nats_url"].startswith(f"tls://{ADDRESS}:")
    for secret in (kept / "hive_ca.pem", kept / "joined.json", *(hive.folder / "tls").iterdir()):
        assert stat.S_IMODE(secret.stat().st_mode) == 0o600
    key = hive.run("keys", "create", "walnuts", "--role", "admin").stdout.strip()
    trusting = ssl.create_default_context(cafile=authority)
    with (
        host.sidecar(),
        httpx.Client(verify=trusting, base_url=hive.json("status")["api"], timeout=ANSWER_SECONDS + 10) as api,
    ):
        wait_until(lambda: online(hive, "walnut"), COMMAND_SECONDS)
        assert api.get("/api/tasks").status_code == httpx.codes.UNAUTHORIZED
        body = {"prompt": "Say hello.", "options": {"num_predict": 8}, "require": {"labels": {"site": "attic"}}}
        hive.run("agents", "label", "walnut", "site=attic")
        task = api.post(f"/api/tasks?wait={ANSWER_SECONDS}", json=body, headers={"Authorization": f"Bearer {key}"}).json()
        assert (task["status"], task["assigned_agent_id"]) == ("completed", "walnut"), task
        assert httpx.get(f"{hive.json('status')['gui']}/healthz", verify=trusting).status_code == httpx.codes.OK


@pytest.fixture
def attic(hive: Hive, tmp_path: Path) -> Iterator[tuple[str, subprocess.Popen[bytes]]]:
    """A site with a bus of its own, started as `hive leaf` says: its address, and its process."""
    folder, port, log = tmp_path / "attic.leaf", free_port("127.0.0.3"), tmp_path / "attic.log"
    said = hive.run("leaf", "attic", "--host", "127.0.0.3", "--port", str(port), "--folder", str(folder))
    found = re.search(r"cd attic\.leaf (&& .*)$", said.stdout + said.stderr, re.MULTILINE)
    assert found, said
    assert {stat.S_IMODE(file.stat().st_mode) for file in folder.iterdir()} == {0o600}
    with log.open("wb") as output:
        environment = {"PATH": f"{HIVE.parent}:/usr/bin:/bin"}
        process = subprocess.Popen(["sh", "-c", f"true {found[1]}"], cwd=folder, env=environment, stdout=output, stderr=output)
    try:
        wait_until(lambda: "Leafnode connection created" in log.read_text() or process.poll() is not None, COMMAND_SECONDS)
        assert process.poll() is None, log.read_text()
        yield f"nats://127.0.0.3:{port}", process
    finally:
        process.kill()
        process.wait()


def test_a_host_of_a_site_behind_nat_runs_a_task_and_is_put_out(
    hive: Hive, attic: tuple[str, subprocess.Popen[bytes]], tmp_path: Path
) -> None:
    host, (address, leaf) = Host(tmp_path / "larch"), attic
    host.join(hive.run("join-token", "create").stdout.strip(), "--name", "larch", "--bus", address)
    assert json.loads((host.folder / "sidecar" / "joined.json").read_text())["nats_url"] == address
    with host.sidecar():
        wait_until(lambda: online(hive, "larch"), COMMAND_SECONDS)
        hive.run("agents", "label", "larch", "site=attic")
        done = hive.json("task", "submit", "Say hello.", "--label", "site=attic", "--option", "num_predict=8")
        assert (done["status"], done["assigned_agent_id"]) == ("completed", "larch"), done
        leaf.send_signal(signal.SIGSTOP)  # away, and back with who it had: it is put out once it is heard
        hive.run("agents", "remove", "larch")
        leaf.send_signal(signal.SIGCONT)
        wait_until(lambda: "does not let this host in" in host.log.read_text(), COMMAND_SECONDS)
    assert hive.run("leaf", "attic", "--host", "127.0.0.3", "--folder", str(host.folder), check=False).returncode == 1


def test_who_speaks_in_clear_is_not_understood(hive: Hive) -> None:
    status = hive.json("status")
    with pytest.raises(httpx.HTTPError):
        httpx.get(status["api"].replace("https", "http") + "/healthz", timeout=5)
    port = int(status["nats"]["url"].rpartition(":")[2])
    with socket.create_connection((ADDRESS, port), timeout=5) as plain:
        greeting = json.loads(plain.recv(65536).split(b"INFO ", 1)[1].split(b"\r\n")[0])
        assert greeting["tls_required"]
        plain.sendall(b'CONNECT {"user": "hive", "pass": "guessed", "verbose": false}\r\nPING\r\n')
        answer = b""
        while chunk := _received(plain):
            answer += chunk
    assert b"PONG" not in answer


def _received(plain: socket.socket) -> bytes:
    try:
        return plain.recv(4096)
    except OSError:
        return b""


def test_a_host_believes_no_other_authority(hive: Hive, tmp_path: Path) -> None:
    token, host = printed_token(hive), Host(tmp_path / "oak")
    address, _, fingerprint = token.partition("#")
    forged = f"{address}#{fingerprint[::-1]}"
    assert host.refused(forged, "--name", "oak").startswith("error [untrusted_hive]: What answers at https://127.0.0.2:")
    assert host.refused(address, "--name", "oak").startswith("error [untrusted_hive]: The certificate of https://127.0.0.2:")
    assert not (host.folder / "sidecar" / "joined.json").exists()
    fresh = hive.run("join-token", "create").stdout.strip()
    host.join(fresh, "--name", "oak")
    other = own(DataFolder(tmp_path / "other").create(), ["127.0.0.2"], datetime.now(UTC))
    assert other.authority is not None
    (host.folder / "sidecar" / "hive_ca.pem").write_text(other.authority.read_text())
    with host.log.open("wb") as log:
        process = subprocess.Popen([HIVE, "run", "sidecar"], env=host.env, stdout=log, stderr=log)
        try:
            wait_until(lambda: "CERTIFICATE_VERIFY_FAILED" in host.log.read_text(), COMMAND_SECONDS)
        finally:
            process.terminate()
            process.wait(COMMAND_SECONDS)
    assert not online(hive, "oak")
