"""A hive on many hosts, each with an address of its own (tests/parts/network.py): whatever happens to them, nothing acknowledged is lost.

`make chaos MINUTES=2` has time for the first test; with more minutes every fault comes once, and then any of them for so long.
`make hosts FAULTS='leader'` strikes only what has that in its title.
"""

import asyncio
import os
from collections.abc import AsyncIterator, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path
from random import Random

import psutil
import pytest

from tests.chaos.history import Entry
from tests.chaos.hosts import nemesis
from tests.chaos.hosts.checker import HostsVerdict, judge_hosts
from tests.chaos.hosts.load import HostsLoad
from tests.chaos.hosts.nemesis import Fault, HostsNemesis
from tests.chaos.hosts.report import late, refused_seconds, table
from tests.chaos.hosts.topology import ManyHosts
from tests.chaos.test_random import MINUTES, SEED
from tests.conftest import folder_for_others
from tests.parts.network import missing

SHORT_MINUTES = 2
REFUSED_SECONDS = 10
"""While a server of the bus is away, as long as the others may need to choose a leader."""
ONLY = os.environ.get("HIVE_CHAOS_FAULTS", "")
pytestmark = [
    pytest.mark.skipif(bool(missing()), reason=missing()),
    pytest.mark.timeout(1200),
]
with_time = pytest.mark.skipif(
    MINUTES <= SHORT_MINUTES and not ONLY, reason=f"it takes more than {SHORT_MINUTES} minutes (MINUTES)"
)
whole = pytest.mark.skipif(bool(ONLY), reason="only some faults are wanted (FAULTS)")


@asynccontextmanager
async def hosts(folder: Path, *, clocks: bool = False, small: bool = False) -> AsyncIterator[tuple[ManyHosts, HostsLoad]]:
    """Nothing that it started is left afterwards."""
    before = set(psutil.Process().children(recursive=True))
    async with AsyncExitStack() as stack:
        data = stack.enter_context(folder_for_others("hosts"))
        hive = await stack.enter_async_context(ManyHosts(folder, data / "postgres", clocks=clocks, small=small))
        load = HostsLoad(hive, Random(1))
        stack.callback(load.log.close)
        yield hive, load
    left = set(psutil.Process().children(recursive=True)) - before
    assert not left, f"left behind: {left}"


def chosen(faults: Sequence[Fault]) -> list[Fault]:
    found = [fault for fault in faults if ONLY in fault.title]
    if not found:
        pytest.skip(f"none of its faults is called {ONLY}")
    return found


def judged(history: list[Entry]) -> HostsVerdict:
    """Nothing promised is broken. What took too long is the caller's."""
    verdict = judge_hosts(history)
    load = " ".join(f"{value:.1f}" for value in os.getloadavg())
    print(f"{verdict}\nload averages {load}, {os.cpu_count()} cores\n\n{table(history, verdict)}")
    assert not verdict.broken, verdict
    assert not verdict.unseen, verdict
    assert verdict.stale_offers, "no old leader has tried, so none was refused"
    return verdict


async def in_turn(folder: Path, faults: Sequence[Fault], *, clocks: bool = False, small: bool = False) -> None:
    wanted = chosen(faults)
    async with hosts(folder, clocks=clocks, small=small) as (hive, load):
        async with load.on():
            await load.flows()
            await HostsNemesis(hive, load).run(wanted)
            await load.offer_as_an_old_leader()
        history = await load.settle()
    assert not (slow := late(history, judged(history))), slow


@whole
async def test_a_few_faults_on_many_hosts(tmp_path: Path) -> None:
    await in_turn(tmp_path, nemesis.SHORT)


@with_time
async def test_any_process_and_any_host_dies(tmp_path: Path) -> None:
    await in_turn(tmp_path, nemesis.KILLS)


@with_time
async def test_cables_and_links_fail(tmp_path: Path) -> None:
    await in_turn(tmp_path, (*nemesis.CUTS, *nemesis.LINKS))


@with_time
@pytest.mark.skipif(bool(nemesis.clocks_missing()), reason=nemesis.clocks_missing())
async def test_clocks_jump(tmp_path: Path) -> None:
    await in_turn(tmp_path, nemesis.CLOCKS, clocks=True)


@with_time
async def test_disks_fill(tmp_path: Path) -> None:
    await in_turn(tmp_path, nemesis.DISKS, small=True)


@with_time
@whole
async def test_an_upgrade_goes_from_process_to_process(tmp_path: Path) -> None:
    async with hosts(tmp_path) as (hive, load):
        async with load.on():
            await load.flows()
            for role in nemesis.UPGRADE:
                await HostsNemesis(hive, load).restart(role)
            await load.offer_as_an_old_leader()
        history = await load.settle()
    judged(history)
    print(f"refused for {refused_seconds(history):.1f} s at most")
    assert refused_seconds(history) < REFUSED_SECONDS


@with_time
@whole
@pytest.mark.timeout(MINUTES * 60 * 1.5 + 900)
async def test_any_faults_for_as_long_as_asked(tmp_path: Path) -> None:
    print(f"many hosts for {MINUTES:g} minutes, SEED={SEED}")
    stopped = asyncio.Event()
    async with hosts(tmp_path) as (hive, load):
        async with load.on():
            await load.flows()
            asyncio.get_running_loop().call_later(MINUTES * 60, stopped.set)
            await HostsNemesis(hive, load).run(nemesis.at_random(Random(SEED)), stopped)
            await load.offer_as_an_old_leader()
        history = await load.settle()
    judged(history)
