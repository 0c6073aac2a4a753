"""A host joins a hive that runs, with nothing but a token: all processes are real, and its sidecar runs a task."""

import asyncio
import json
import os
import re
import stat
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import asyncpg
import httpx
import pytest

from tests.parts.hive import COMMAND_SECONDS, HIVE, NO_OLLAMA, Hive, wait_until

pytestmark = pytest.mark.slow

ANSWER_SECONDS = 90


class Host:
    """Another machine, as far as a data folder makes one. `join` and `sidecar` are what a person types there."""

    def __init__(self, folder: Path, within: tuple[str, ...] = (), **environment: str) -> None:
        self.folder, self.log, self.within = folder, folder.with_name(f"{folder.name}.sidecar.log"), within
        bare = {name: value for name, value in os.environ.items() if not name.startswith("HIVE_") and name != "NATS_URL"}
        self.env = {**bare, "HIVE_DATA_DIR": str(folder), "OLLAMA_HOST": NO_OLLAMA, **environment}

    def run(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        command = [*self.within, HIVE, *arguments]
        return subprocess.run(command, env=self.env, capture_output=True, text=True, timeout=COMMAND_SECONDS, check=False)

    def join(self, *arguments: str) -> str:
        done = self.run("join", *arguments)
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout

    def refused(self, *arguments: str) -> str:
        """The one line that says why."""
        done = self.run("join", *arguments)
        assert (done.returncode, done.stdout) == (1, "")
        return done.stderr.splitlines()[-1]

    @contextmanager
    def sidecar(self) -> Iterator[subprocess.Popen[bytes]]:
        with self.log.open("ab") as log:
            process = subprocess.Popen([*self.within, HIVE, "run", "sidecar"], env=self.env, stdout=log, stderr=log)
        try:
            wait_until(lambda: "sidecar_ready" in self.log.read_text() or process.poll() is not None, COMMAND_SECONDS)
            assert process.poll() is None, self.log.read_text()[-2000:]
            yield process
        finally:
            process.terminate()
            process.wait(COMMAND_SECONDS)


@pytest.fixture(scope="module")
def hive(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Hive]:
    hive = Hive(tmp_path_factory.mktemp("hive") / "data")
    try:
        hive.start()
        yield hive
    finally:
        hive.stop()


def token_of(hive: Hive, *options: str) -> str:
    """As it is printed: with the hive's address behind it."""
    return hive.run("join-token", "create", *options).stdout.strip()


def online(hive: Hive, agent_id: str) -> bool:
    return any(agent["agent_id"] == agent_id and agent["status"] == "online" for agent in hive.json("agents")["agents"])


def run_task(hive: Hive, key: str, **require: object) -> dict[str, object]:
    api = hive.json("status")["api"]
    body = {"prompt": "Say hello.", "options": {"num_predict": 8}, "require": require}
    answer = httpx.post(
        f"{api}/api/tasks?wait={ANSWER_SECONDS}",
        json=body,
        headers={"Authorization": f"Bearer {key}"},
        timeout=ANSWER_SECONDS + 10,
    )
    told: dict[str, object] = answer.json()
    return told


def test_a_host_with_only_a_token_joins_and_its_sidecar_runs_a_task(hive: Hive, tmp_path: Path) -> None:
    token, host = token_of(hive, "--label", "site=attic", "--name", "spare room"), Host(tmp_path / "walnut")
    assert re.fullmatch(r"hive-join-[0-9a-f]{48}@127\.0\.0\.1:\d+", token)
    printed = host.join(token, "--name", "walnut")
    assert "as walnut, labelled site=attic." in printed
    assert "hive run sidecar" in printed
    for kept in ("joined.json", "host_key.json"):
        assert stat.S_IMODE((host.folder / "sidecar" / kept).stat().st_mode) == 0o600
    key = hive.run("keys", "create", "walnuts", "--role", "admin").stdout.strip()
    with host.sidecar():
        wait_until(lambda: online(hive, "walnut"), COMMAND_SECONDS)
        task = run_task(hive, key, labels={"site": "attic"})
        assert (task["status"], task["assigned_agent_id"]) == ("completed", "walnut")
        assert "as walnut" in host.join(token)  # again, while it runs: the same host keeps its name, and the token is used once
        [record] = [record for record in hive.json("join-token", "list")["tokens"] if record["name"] == "spare room"]
        assert (record["uses"], record["hosts"], record["state"]) == (1, ["walnut"], "used_up")
    secret, bus = token.partition("@")[0], json.loads((host.folder / "sidecar" / "joined.json").read_text())["nats_url"]
    assert re.fullmatch(r"nats://127\.0\.0\.1:\d+", bus)  # no password: it comes in by its key
    logged = "".join(log.read_text() for log in (hive.folder / "logs").iterdir()) + host.log.read_text()
    assert "join_token_created" in logged
    assert "join_token_used" in logged
    assert secret not in logged
    assert "mdns_advertises" not in logged  # on loopback nobody is told


def test_a_host_that_is_removed_is_cut_off_at_once_and_stays_out(hive: Hive, tmp_path: Path) -> None:
    host = Host(tmp_path / "hazel")
    host.join(token_of(hive), "--name", "hazel")
    with host.sidecar() as sidecar:
        wait_until(lambda: online(hive, "hazel"), COMMAND_SECONDS)
        began = time.monotonic()
        hive.run("agents", "remove", "hazel")
        print(f"removed in {time.monotonic() - began:.1f} s, with the start of the command")
        assert not any(agent["agent_id"] == "hazel" for agent in hive.json("agents")["agents"])
        wait_until(lambda: "does not let this host in" in host.log.read_text(), COMMAND_SECONDS)
        wait_until(lambda: (hive.folder / "logs" / "coordinator.log").read_text().count("host_refused") >= 2, COMMAND_SECONDS)
        assert sidecar.poll() is None  # it waits: whoever joins it again has it back
        assert not any(agent["agent_id"] == "hazel" for agent in hive.json("agents")["agents"])
        host.join(token_of(hive))
        wait_until(lambda: online(hive, "hazel"), COMMAND_SECONDS)


def test_each_refusal_is_one_line_with_its_code(hive: Hive, tmp_path: Path) -> None:
    token, first = token_of(hive, "--uses", "2"), Host(tmp_path / "first")
    first.join(token, "--name", "oak")
    second = Host(tmp_path / "second")
    assert second.refused(token, "--name", "oak").startswith("error [name_taken]: Another host has joined as oak.")
    second.join(token, "--name", "elm")
    third = Host(tmp_path / "third")
    assert third.refused(token).startswith("error [join_token_used_up]: This join token was used as often as it may be (2)")
    guess = re.sub(r"hive-join-\w+", "hive-join-" + 48 * "0", token)
    assert third.refused(guess).startswith("error [unknown_join_token]: ")
    old = token_of(hive, "--expires", "5m", "--name", "old")
    expire(hive)
    assert third.refused(old).startswith("error [join_token_expired]: This join token expired at ")
    gone = token_of(hive, "--name", "gone")
    [record] = [record for record in hive.json("join-token", "list")["tokens"] if record["name"] == "gone"]
    assert hive.run("join-token", "revoke", record["id"]).stdout.startswith(f"Revoked {record['id']} (gone).")
    assert third.refused(gone).startswith("error [join_token_revoked]: This join token was revoked.")
    assert not (third.folder / "sidecar" / "joined.json").exists()
    assert third.refused(gone.partition("@")[0], "--url", "http://127.0.0.1:9").startswith(
        "error [unavailable]: The hive's API at"
    )
    hive.run("agents", "remove", "oak")
    renamed = token_of(hive)
    assert "as oak." in Host(tmp_path / "oak again").join(renamed, "--name", "oak")


def expire(hive: Hive) -> None:
    """As time would."""

    async def change() -> None:
        connection = await asyncpg.connect(json.loads((hive.folder / "hive.json").read_text())["database_url"])
        await connection.execute("UPDATE join_tokens SET expires_at = now() - interval '1 minute' WHERE name = 'old'")
        await connection.close()

    asyncio.run(change())


def test_a_token_for_a_hive_on_loopback_says_that_others_do_not_reach_it(hive: Hive) -> None:
    done = hive.run("join-token", "create")
    assert "without TLS with HIVE_HOST=0.0.0.0 and HIVE_NATS_HOST=0.0.0.0." in done.stderr
    assert "hive-join-" not in done.stderr
