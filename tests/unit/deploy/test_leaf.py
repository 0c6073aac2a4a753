"""What `hive leaf` writes for a site: by what the hive says of its door, and nothing of the hive but the leaf's own password."""

import json
import shlex
from datetime import UTC, datetime
from pathlib import Path

import pytest

from bus.errors import InvalidRequest
from bus.identities import password_of
from bus.permissions import LEAF, ROOMS
from deploy.cli.leaf import files_of
from deploy.local.data_folder import Secrets
from deploy.local.state import HiveState, NatsAddress

SECRETS = Secrets()


def state(leaf: str | None, authority: Path | None = None, *, lan_bus: bool = True) -> HiveState:
    return HiveState(
        api="",
        gui="",
        nats=NatsAddress(url="", ca=authority),
        leaf=leaf,
        lan_bus=lan_bus,
        database_url="",
        redis_url="",
        version="",
        started_at=datetime.now(UTC),
    )


def told(files: dict[str, str]) -> dict[str, str]:
    return dict(shlex.split(line)[0].split("=", 1) for line in files["leaf.env"].splitlines())


def files(of: HiveState, hub: str | None = None) -> dict[str, str]:
    return files_of(of, SECRETS, name="attic", host="192.168.7.2", port=4222, hub=hub)


def test_without_tls_there_are_two_files_and_the_site_dials_what_the_hive_says() -> None:
    found = files(state("nats-leaf://192.168.1.5:7422"))
    assert set(found) == {"leaf.conf", "leaf.env"}
    password = password_of(SECRETS.nats_sys_password, LEAF)
    assert json.loads(told(found)["HIVE_NATS_HUB"]) == [f"nats-leaf://leaf:{password}@192.168.1.5:7422"]
    assert set(told(found)) >= {f"HIVE_NATS_{word}" for word in ("NAME", "HOST", "PORT", "UNUSED_PASSWORD", "ADMISSION_KEY")}


def test_by_tls_the_authority_goes_along_and_another_name_may_be_dialled(tmp_path: Path) -> None:
    authority = tmp_path / "ca.pem"
    authority.write_text("a certificate")
    found = files(state("tls://192.168.1.5:7422", authority), hub="hive.example.org")
    assert (found["ca.pem"], told(found)["HIVE_NATS_HUB_CA"]) == ("a certificate", "ca.pem")
    assert json.loads(told(found)["HIVE_NATS_HUB"])[0].endswith("@hive.example.org:7422")


def test_no_other_secret_of_the_hive_goes_along() -> None:
    text = "".join(files(state("nats-leaf://192.168.1.5:7422")).values())
    others = [password_of(SECRETS.nats_sys_password, room) for room in ROOMS]
    assert [secret for secret in (SECRETS.nats_password, SECRETS.nats_sys_password, *others) if secret in text] == []


def test_a_hive_without_a_door_says_how_to_get_one() -> None:
    with pytest.raises(InvalidRequest, match="hive up --leaf-port 7422"):
        files(state(None))


def test_no_site_is_sent_to_loopback_unless_somebody_says_what_forwards_the_port() -> None:
    alone = state("nats-leaf://127.0.0.1:7422", lan_bus=False)
    with pytest.raises(InvalidRequest, match="Start it with `hive up --listen"):
        files(alone)
    assert json.loads(told(files(alone, hub="hive.example.org"))["HIVE_NATS_HUB"])[0].endswith("@hive.example.org:7422")
