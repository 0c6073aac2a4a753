"""mDNS over loopback, with real multicast: what one process says another hears, on the interfaces that were named and no other."""

import asyncio
import socket
from uuid import UUID, uuid4

import pytest

from bus import mdns
from bus.errors import Unavailable
from bus.mdns import FoundHive
from bus.version import hive_version

LOOPBACK = ["127.0.0.1"]


async def found(hive_id: UUID) -> list[FoundHive]:
    """Other tests may be heard here too."""
    return [hive for hive in await mdns.look(LOOPBACK) if hive.hive_id == hive_id]


@pytest.mark.slow
async def test_a_hive_that_is_told_is_found_and_is_gone_when_it_leaves() -> None:
    hive_id = uuid4()
    async with mdns.advertised(port=8420, hive_id=hive_id, on=LOOPBACK) as name:
        assert await found(hive_id) == [FoundHive(name, "http://127.0.0.1:8420", hive_id, hive_version())]
    secure_id = uuid4()
    async with mdns.advertised(port=8420, hive_id=secure_id, on=LOOPBACK, secure=True) as name:
        assert await found(secure_id) == [FoundHive(name, "https://127.0.0.1:8420", secure_id, hive_version())]
    assert await found(hive_id) == []


@pytest.mark.slow
async def test_two_gateways_of_one_machine_have_two_names() -> None:
    hive_id = uuid4()
    async with (
        mdns.advertised(port=8420, hive_id=hive_id, on=LOOPBACK),
        mdns.advertised(port=8421, hive_id=hive_id, on=LOOPBACK),
    ):
        async with asyncio.timeout(30):  # a datagram may be lost, and whoever misses one looks again
            while len(hives := await found(hive_id)) < 2:
                pass
    assert {hive.url for hive in hives} == {"http://127.0.0.1:8420", "http://127.0.0.1:8421"}
    assert len({hive.name for hive in hives}) == 2
    assert mdns.the_one(hives, "").hive_id == hive_id


async def test_what_is_sent_leaves_by_the_named_interface_alone() -> None:
    """A listening socket of mDNS hears on all addresses, as the protocol wants; those that send are bound to one each."""
    async with mdns._speaking(LOOPBACK) as zeroconf:
        await zeroconf.zeroconf.async_wait_for_start()
        senders = [sender.transport.get_extra_info("socket") for sender in zeroconf.zeroconf.engine.senders]
        assert [sender.getsockname()[0] for sender in senders] == LOOPBACK
        for sender in senders:
            chosen = sender.getsockopt(socket.IPPROTO_IP, socket.IP_MULTICAST_IF, 4)
            assert socket.inet_ntoa(chosen) == "127.0.0.1"


async def test_an_address_that_is_not_of_this_machine_is_refused_in_words() -> None:
    with pytest.raises(Unavailable, match=r"192\.0\.2\.1"):
        await mdns.look(["192.0.2.1"])
