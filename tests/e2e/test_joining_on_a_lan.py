"""Two machines on a LAN of their own (network namespaces and a cable between them): one runs a hive, the other finds it and joins."""

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from uuid import uuid4

import pytest

from tests.e2e.test_joining import Host, online, token_of
from tests.parts.hive import COMMAND_SECONDS, Hive, wait_until

pytestmark = pytest.mark.slow

HIVE_ADDRESS, HOST_ADDRESS = "10.77.0.1", "10.77.0.2"

ADVERTISE = """
import asyncio, sys
from uuid import uuid4
from bus import mdns
async def main():
    async with mdns.advertised(port=8420, hive_id=uuid4(), on=[sys.argv[1]]):
        print("told", flush=True)
        await asyncio.to_thread(sys.stdin.read)
asyncio.run(main())
"""


@dataclass(frozen=True)
class Lan:
    """Commands that enter one of its two machines."""

    hive: tuple[str, ...]
    host: tuple[str, ...]


def ip(*words: str) -> None:
    subprocess.run(["ip", *words], check=True, capture_output=True)


@pytest.fixture(scope="module")
def lan() -> Iterator[Lan]:
    if os.geteuid() != 0 or shutil.which("ip") is None:
        pytest.skip("network namespaces need root and iproute2")
    name = uuid4().hex[:6]
    machines = {f"hv{name}a": HIVE_ADDRESS, f"hv{name}b": HOST_ADDRESS}
    try:
        for machine in machines:
            try:
                ip("netns", "add", machine)
            except subprocess.CalledProcessError as error:
                pytest.skip(f"network namespaces are not to be had here: {error.stderr.decode().strip()}")
        first, second = machines
        ip("-n", first, "link", "add", "lan0", "type", "veth", "peer", "name", "lan0", "netns", second)
        for machine, address in machines.items():
            ip("-n", machine, "addr", "add", f"{address}/24", "dev", "lan0")
            for device in ("lo", "lan0"):
                ip("-n", machine, "link", "set", device, "up")
        yield Lan(*(("ip", "netns", "exec", machine) for machine in machines))
    finally:
        for machine in machines:
            subprocess.run(["ip", "netns", "delete", machine], check=False, capture_output=True)


@pytest.fixture(scope="module")
def hive(lan: Lan, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Hive]:
    beyond = {"HIVE_HOST": "0.0.0.0", "HIVE_NATS_HOST": "0.0.0.0"}
    hive = Hive(tmp_path_factory.mktemp("lan") / "data", **beyond)
    hive.within = lan.hive
    try:
        hive.start()
        wait_until(lambda: "hive join-token create" in hive.printed, COMMAND_SECONDS)
        wait_until(lambda: "mdns_advertises" in (hive.folder / "logs" / "gateway.log").read_text(), COMMAND_SECONDS)
        yield hive
    finally:
        hive.stop()


def test_a_machine_finds_the_hive_joins_it_and_works_for_it(hive: Hive, lan: Lan, tmp_path: Path) -> None:
    host = Host(tmp_path / "walnut", lan.host)
    lost = host.run("run", "sidecar")
    assert lost.returncode == 1
    assert "There is a hive on this network: " in lost.stderr
    assert f"at http://{HIVE_ADDRESS}:" in lost.stderr
    token = token_of(hive, "--label", "site=attic")
    secret, _, address = token.partition("@")
    assert address.startswith(f"{HIVE_ADDRESS}:")
    printed = host.join(secret, "--name", "walnut")  # no address: mDNS finds the one hive
    assert f"Joined the hive at http://{address} as walnut" in printed
    key = hive.run("keys", "create", "walnuts", "--role", "admin").stdout.strip()
    with host.sidecar():
        wait_until(lambda: online(hive, "walnut"), COMMAND_SECONDS)
        task = run_in(lan, hive, key)
        assert (task["status"], task["assigned_agent_id"]) == ("completed", "walnut")


def run_in(lan: Lan, hive: Hive, key: str) -> dict[str, object]:
    body = json.dumps({"prompt": "Say hello.", "options": {"num_predict": 8}, "require": {"labels": {"site": "attic"}}})
    api = hive.json("status")["api"]
    done = subprocess.run(
        [*lan.hive, "curl", "-s", f"{api}/api/tasks?wait=60", "-H", f"Authorization: Bearer {key}", "-H",
         "Content-Type: application/json", "-d", body],
        capture_output=True, text=True, timeout=90, check=True,
    )  # fmt: skip
    told: dict[str, object] = json.loads(done.stdout)
    return told


def test_of_several_hives_one_must_be_named(hive: Hive, lan: Lan, tmp_path: Path) -> None:
    host, token = Host(tmp_path / "oak", lan.host), token_of(hive)
    secret, _, address = token.partition("@")
    command = [*lan.host, sys.executable, "-c", ADVERTISE, HOST_ADDRESS]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as other:
        assert other.stdout is not None
        assert any(line == b"told\n" for line in other.stdout)  # behind its log
        refused = host.refused(secret)
        assert refused.startswith("error [several_hives]: Several hives answer: ")
        assert f"at http://{address}" in refused
        assert f"at http://{HOST_ADDRESS}:8420" in refused
        assert "There are 2 hives on this network: " in host.run("run", "sidecar").stderr
        assert "as oak" in host.join(secret, "--url", f"http://{address}", "--name", "oak")
        other.communicate()


def test_where_no_hive_answers_that_is_said(hive: Hive, lan: Lan, tmp_path: Path) -> None:
    host = Host(tmp_path / "elm", lan.host, HIVE_MDNS_INTERFACES="127.0.0.1")
    assert host.refused("hive-join-secret").startswith("error [hive_not_found]: No hive answers on this network by mDNS")
    assert "No hive answers on this network by mDNS either." in host.run("run", "sidecar").stderr
