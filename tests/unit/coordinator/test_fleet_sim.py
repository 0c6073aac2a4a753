"""What the scheduler is for, on a mixed fleet at 80 % load: seen beside the ways of its peers (tests/bench/fleet_sim.py prints more)."""

from tests.bench.fleet.policies import POLICIES
from tests.bench.fleet_sim import run


def test_on_a_mixed_fleet_the_first_token_comes_sooner_with_fewer_swaps_and_for_everybody() -> None:
    found = {policy: run("mixed, 12 hosts", policy, seed=1, jobs_at_most=1500) for policy in POLICIES}
    hive = found.pop("hive")
    assert hive.p95 <= 0.5 * min(peer.p95 for peer in found.values())
    assert hive.swaps <= 0.5 * min(peer.swaps for peer in found.values())
    assert hive.jain >= 0.95
    assert hive.longest <= min(peer.longest for peer in found.values()), "somebody starves"
