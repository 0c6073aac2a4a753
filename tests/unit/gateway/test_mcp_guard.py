"""Which names the door for assistants answers to beyond loopback."""

import pytest

from bus.errors import PermissionDenied
from coordinator.gateway.mcp.guard import require_own_names

NAMES = {"hive-box", "hive.example"}


@pytest.mark.parametrize(
    ("host", "origin"),
    [
        ("192.168.1.5:8420", None),
        ("[fd00::5]:8420", None),
        ("hive-box:8420", None),
        ("HIVE.example.", "https://hive.example"),
        ("192.168.1.5:8420", "http://192.168.1.5:8420"),
        ("192.168.1.5:8420", "http://localhost:6274"),
        ("localhost", None),
    ],
)
def test_its_own_names_and_addresses_come_in(host: str, origin: str | None) -> None:
    require_own_names(host, origin, loopback_only=False, names=NAMES)


@pytest.mark.parametrize(
    ("host", "origin"),
    [
        ("evil.example", None),
        ("evil.example", "http://evil.example"),
        ("192.168.1.5", "http://evil.example"),
        ("192.168.1.5", "http://203.0.113.9"),
        ("192.168.1.5", "null"),
        ("192.168.1.5", "http://192.168.1.5.evil.example"),
        ("localhost.evil.example", None),
        ("[not an address", None),
        ("", None),
        (None, None),
    ],
)
def test_others_do_not(host: str | None, origin: str | None) -> None:
    with pytest.raises(PermissionDenied, match="HIVE_MCP_HOSTS"):
        require_own_names(host, origin, loopback_only=False, names=NAMES)


def test_on_loopback_no_address_of_the_network_comes_in() -> None:
    with pytest.raises(PermissionDenied):
        require_own_names("192.168.1.5", None, loopback_only=True, names=())
