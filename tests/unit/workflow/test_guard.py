"""Which addresses requests of workflows may reach."""

import pytest

from bus.errors import RequestRefused
from workflow.outside.guard import Guard

INTERNAL = [
    "127.0.0.1",
    "127.8.8.8",
    "0.0.0.0",
    "10.1.2.3",
    "172.16.0.1",
    "192.168.1.1",
    "169.254.169.254",
    "100.64.0.1",
    "198.18.0.1",
    "224.0.0.1",
    "240.0.0.1",
    "255.255.255.255",
    "::",
    "::1",
    "fe80::1",
    "fe80::1%eth0",
    "fec0::1",
    "fc00::1",
    "fd12:3456::1",
    "ff02::1",
]
CARRIED = [
    "::ffff:127.0.0.1",
    "::ffff:169.254.169.254",
    "::ffff:10.0.0.1",
    "::127.0.0.1",
    "2002:7f00:1::",
    "64:ff9b::a9fe:a9fe",
]
PUBLIC = ["1.1.1.1", "93.184.216.34", "2606:4700:4700::1111", "::ffff:1.1.1.1", "64:ff9b::101:101"]


@pytest.mark.parametrize("address", INTERNAL + CARRIED)
def test_an_internal_address_is_refused_whatever_name_leads_to_it(address: str) -> None:
    with pytest.raises(RequestRefused, match="HIVE_WORKFLOW_ALLOW_INTERNAL") as refused:
        Guard.of([]).check("public.example", address)
    assert refused.value.code == "request_refused"


@pytest.mark.parametrize("address", PUBLIC)
def test_a_public_address_may_be_reached(address: str) -> None:
    Guard.of([]).check("public.example", address)


def test_an_allowed_network_is_open_and_no_other() -> None:
    guard = Guard.of(["10.0.0.0/8", "fd00::/8"])
    for address in ("10.9.9.9", "::ffff:10.9.9.9", "fd00::7"):
        guard.check("printer", address)
    with pytest.raises(RequestRefused):
        guard.check("printer", "192.168.0.1")


def test_an_allowed_name_is_open_and_no_other_at_the_same_address() -> None:
    guard = Guard.of(["Printer.lan."])
    guard.check("printer.LAN", "192.168.0.1")
    with pytest.raises(RequestRefused):
        guard.check("printer.lan.attacker.example", "192.168.0.1")
