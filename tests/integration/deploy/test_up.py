"""`hive up` whole: what a user sees, kill -9 of everything, and an end without traces."""

import os
import shutil
import signal
import socket
import subprocess
from collections.abc import Iterator
from contextlib import closing
from functools import partial
from pathlib import Path

import psutil
import pytest

from tests.conftest import folder_for_others
from tests.parts.hive import Hive, wait_until

pytestmark = pytest.mark.slow

NAMES = {"nats", "postgres", "valkey", "coordinator", "gateway", "workflow", "monitor", "gui", "sidecar-local"}


@pytest.fixture(scope="module")
def hive() -> Iterator[Hive]:
    """One hive for the tests that leave it as they found it."""
    with folder_for_others("up") as folder:
        hive = Hive(folder / "data")
        hive.start()
        yield hive
        hive.stop()


def test_the_table_names_every_door_and_the_first_key(hive: Hive) -> None:
    status = hive.json("status")
    assert f"{status['gui']}/login?ticket=" in hive.printed
    assert status["api"] in hive.printed
    assert "sk-hive-" in hive.printed
    assert status["nats"]["url"].rpartition("@")[2] in hive.printed
    assert "hive:" not in hive.printed.partition("NATS")[2].splitlines()[0], "the bus's password is not for the screen"


def test_status_is_the_contract(hive: Hive) -> None:
    status = hive.json("status")
    assert status.keys() == {"api", "gui", "nats", "processes"}
    assert status["nats"].keys() == {"url", "creds"}
    assert {process["name"] for process in status["processes"]} == NAMES
    assert {process["state"] for process in status["processes"]} == {"running"}


def test_a_task_is_answered_by_the_small_real_model(hive: Hive) -> None:
    task = hive.json("task", "submit", "Say hello in one short sentence.", "-o", "num_predict=16")
    assert task["status"] == "completed"
    assert task["output"]["text"].strip()
    assert hive.run("task", "watch", task["id"]).stdout.strip() == task["output"]["text"].strip()
    assert hive.json("task", "get", task["id"])["usage"] == task["usage"]
    assert task["id"] in {listed["id"] for listed in hive.json("task", "list", "--status", "completed")["tasks"]}


def test_an_unknown_model_is_one_line_and_an_exit_status(hive: Hive) -> None:
    done = hive.run("task", "submit", "Hi", "-m", "nobody-has-this", check=False)
    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr.startswith("error [unknown_model]: ")
    assert done.stderr.count("\n") == 1


def test_a_key_is_made_listed_and_revoked(hive: Hive) -> None:
    issued = hive.json("keys", "create", "alice", "--role", "viewer", "--model", "smollm2:135m")
    assert issued["key"].startswith("sk-hive-")
    assert issued["record"]["owner"] == "alice"
    key_id = issued["record"]["id"]
    assert issued["key"] not in hive.run("keys", "list", "--json").stdout
    hive.run("keys", "revoke", key_id)
    (listed,) = [key for key in hive.json("keys", "list")["keys"] if key["id"] == key_id]
    assert listed["revoked_at"]


def test_a_dead_address_says_why_and_ends_with_an_error(hive: Hive) -> None:
    done = hive.run("agents", "add", "http://127.0.0.1:9", check=False)
    assert done.returncode == 1
    assert "http://127.0.0.1:9: error [" in done.stdout
    assert [agent["status"] for agent in hive.json("agents")["agents"]] == ["online"]


def test_the_doctor_finds_nothing_that_fails(hive: Hive) -> None:
    findings = hive.json("doctor")
    assert {finding["level"] for finding in findings} <= {"ok", "warn"}
    assert {"python", "nats", "streams", "coordinator", "agents", "postgres", "valkey"} <= {
        finding["what"] for finding in findings
    }
    assert all(finding["remedy"] for finding in findings if finding["level"] != "ok")


def test_logs_are_readable_lines_of_every_process(hive: Hive) -> None:
    shown = hive.run("logs", "coordinator", "-n", "5").stdout
    assert shown.startswith("coordinator")
    assert {line.split()[0] for line in hive.run("logs", "-n", "1").stdout.splitlines()} >= NAMES


@pytest.mark.skipif(shutil.which("nats") is None, reason="the NATS CLI is not on PATH")
def test_the_nats_cli_needs_no_word_about_credentials(hive: Hive, tmp_path: Path) -> None:
    hive.env["XDG_CONFIG_HOME"] = str(tmp_path)
    written = hive.json("nats-context")
    assert Path(written["path"]).stat().st_mode & 0o077 == 0
    listed = subprocess.run(
        ["nats", "micro", "ls"], env=hive.env, capture_output=True, text=True, timeout=20, check=True
    ).stdout
    assert {"tasks", "tasks-submit", "tasks-leader", "agents", "keys", "queue"} <= set(listed.split())
    information = ["nats", "micro", "info", "tasks-leader"]
    told = subprocess.run(information, env=hive.env, capture_output=True, text=True, timeout=20, check=True).stdout
    assert all(f"hive.svc.tasks.{verb}" in told for verb in ("cancel", "requeue", "assign", "explain", "preview"))


def test_a_second_hive_on_the_folder_is_refused_with_a_remedy(hive: Hive) -> None:
    done = hive.run("up", check=False)
    assert done.returncode == 1
    assert done.stderr.startswith("error [conflict]: A hive already runs on")
    assert "hive down" in done.stderr


def test_every_killed_process_is_back_within_seconds(hive: Hive) -> None:
    for name in sorted(NAMES):
        killed = hive.pids()
        os.kill(killed[name], signal.SIGKILL)
        wait_until(partial(came_back, hive, name, killed[name]), 30)
    assert hive.json("task", "submit", "Say hi.", "-o", "num_predict=4")["status"] == "completed"


def came_back(hive: Hive, name: str, killed: int) -> bool:
    return hive.pids().get(name, killed) != killed


def test_a_busy_port_is_told_with_its_holder_and_the_flag(tmp_path: Path) -> None:
    with closing(socket.create_server(("127.0.0.1", 0))) as taken:
        port = taken.getsockname()[1]
        done = Hive(tmp_path / "data").run("up", "--port", str(port), check=False)
    assert done.returncode == 1
    assert done.stderr.startswith(f"error [conflict]: Port {port}, wanted for the API, is in use by ")
    assert "HIVE_API_PORT" in done.stderr


def test_nothing_outlives_a_killed_supervisor_and_the_next_one_finds_everything_again() -> None:
    with folder_for_others("again") as folder:
        hive = Hive(folder / "data")
        hive.start()
        task = hive.json("task", "submit", "Say hi.", "-o", "num_predict=4")
        killed = hive.family()
        hive.stop(signal.SIGKILL)
        assert psutil.wait_procs(killed, timeout=5)[1] == []
        hive.start()
        wait_until(lambda: "hive keys create" in hive.printed, 10)
        assert "sk-hive-" not in hive.printed, "the first key is shown once"
        assert hive.json("task", "get", task["id"]) == task
        ended = hive.family()
        assert hive.stop() == 0
        assert psutil.wait_procs(ended, timeout=1)[1] == []
