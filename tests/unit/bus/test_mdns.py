"""What is made of the hives that answer: one is taken, none or several are told with what to do. And nothing is imported unasked."""

import subprocess
import sys
from uuid import uuid4

import pytest
from pydantic import BaseModel, ValidationError

from bus.errors import HiveNotFound, SeveralHives
from bus.mdns import Addresses, FoundHive, interfaces, the_one

ONE, OTHER = uuid4(), uuid4()
OAK = FoundHive("oak-1", "http://10.0.0.1:8420", ONE)


def test_one_is_taken_also_where_several_gateways_of_it_answer() -> None:
    assert the_one([OAK], "x") == OAK
    assert the_one([OAK, FoundHive("oak-1-2", "http://10.0.0.2:8420", ONE)], "x") == OAK


def test_none_and_several_are_told_with_what_to_do() -> None:
    with pytest.raises(HiveNotFound, match=r"No hive answers .* Name it\."):
        the_one([], "Name it.")
    with pytest.raises(SeveralHives, match=r"elm at http://10\.0\.0\.9:1; oak-1 at http://10\.0\.0\.1:8420\. Name it\."):
        the_one([OAK, FoundHive("elm", "http://10.0.0.9:1", OTHER)], "Name it.")


def test_it_is_spoken_where_it_was_chosen_else_where_the_host_listens_else_everywhere_but_on_loopback() -> None:
    assert interfaces(["10.0.0.1"], "10.0.0.2") == ["10.0.0.1"]
    assert interfaces([], "127.0.0.1") == ["127.0.0.1"]
    assert not any(address.startswith("127.") for address in interfaces([], "0.0.0.0"))


class Spoken(BaseModel):
    on: Addresses


def test_interfaces_are_addresses() -> None:
    assert Spoken.model_validate({"on": "10.0.0.1, 127.0.0.1"}).on == ("10.0.0.1", "127.0.0.1")
    for wrong in ("eth0", "fd00::1", "10.0.0"):
        with pytest.raises(ValidationError, match="IPv4 address"):
            Spoken.model_validate({"on": wrong})


@pytest.mark.parametrize("module", ["agent_sidecar.process", "coordinator.gateway.main", "deploy.join", "deploy.cli.app"])
def test_zeroconf_is_imported_by_nobody_who_does_not_use_it(module: str) -> None:
    check = f"import sys, {module}; sys.exit('zeroconf' in sys.modules or 'nkeys' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", check], timeout=60, check=False).returncode == 0
