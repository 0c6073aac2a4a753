"""Fleets that never were: the real scheduler beside the peers' ways, on the same hosts and the same traces.

`python -m tests.bench.fleet_sim [SEED …]`. A discrete-event simulation; the first tenth of each trace, in which rates are
learnt, is left out for everybody.
"""

import random
import sys
from dataclasses import dataclass
from heapq import heappop, heappush
from itertools import count
from statistics import mean

from tests.bench.fleet.hosts import Host, Job, fleet
from tests.bench.fleet.policies import POLICIES, Policy
from tests.bench.fleet.traces import USERS, trace

SEEDS = (1, 2, 3)
LOAD = 0.8
TICK_SECONDS = 0.25
FLEETS: dict[str, tuple[list[str], int]] = {
    "three hosts": (["workstation", "workstation", "desktop"], 1500),
    "mixed, 12 hosts": (["workstation", "desktop", "laptop", "old"] * 3, 4000),
    "alike, 8 hosts": (["desktop"] * 8, 3000),
    "mixed, 200 hosts": (["workstation", "desktop", "laptop", "old"] * 50, 12000),
}
"""Kinds of hosts, and how many jobs."""


@dataclass(frozen=True, kw_only=True)
class Findings:
    p50: float
    p95: float
    urgent_p95: float
    longest: float
    swaps: float
    jain: float


def simulate(policy: Policy, hosts: list[Host], jobs: list[Job]) -> None:
    """Until the last job is done."""
    number, events = count(), list[tuple[float, int, str, Job, Host | None]]()
    for job in jobs:
        heappush(events, (job.at, next(number), "arrives", job, None))
    ticking, left = False, len(jobs)
    while events:
        now, _, what, job, host = heappop(events)
        if what == "arrives":
            policy.arrives(job)
        elif what == "ends" and host is not None:
            left -= 1
            del host.running[job.number]
            policy.ended(job, host)
            for started in host.start_what_can(now):
                heappush(events, (started.ended_at, next(number), "ends", started, host))
        else:
            ticking = False
        for given, to in policy.give_out(now):
            to.waiting.append(given)
            for started in to.start_what_can(now):
                heappush(events, (started.ended_at, next(number), "ends", started, to))
        if left and not ticking:
            ticking = True
            heappush(events, (now + TICK_SECONDS, next(number), "ticks", job, None))


def measure(hosts: list[Host], jobs: list[Job]) -> Findings:
    counted = jobs[len(jobs) // 10 :]
    waits = sorted(job.first_token_at - job.at for job in counted)
    urgent = sorted(job.first_token_at - job.at for job in counted if job.priority == 1)
    slowness = [mean(job.ended_at - job.at for job in counted if job.user == user) for user in USERS]
    return Findings(
        p50=waits[len(waits) // 2],
        p95=waits[len(waits) * 95 // 100],
        urgent_p95=urgent[len(urgent) * 95 // 100],
        longest=waits[-1],
        swaps=sum(host.swaps for host in hosts),
        jain=sum(slowness) ** 2 / (len(slowness) * sum(value**2 for value in slowness)),
    )


def run(name: str, policy: str, seed: int, jobs_at_most: int = 1_000_000) -> Findings:
    kinds, many = FLEETS[name][0], min(jobs_at_most, FLEETS[name][1])
    hosts = fleet(kinds, random.Random(seed))
    jobs = trace(hosts, many, LOAD, seed)
    simulate(POLICIES[policy](hosts), hosts, jobs)
    return measure(hosts, jobs)


def _mean(found: list[Findings]) -> Findings:
    return Findings(**{name: mean(getattr(one, name) for one in found) for name in Findings.__dataclass_fields__})


def main() -> None:
    seeds = [int(word) for word in sys.argv[1:]] or list(SEEDS)
    print(f"load {LOAD:.0%}, seeds {', '.join(map(str, seeds))}; seconds to the first token; Jain's index between equal users")
    print(f"{'fleet':<18} {'policy':<18} {'p50':>7} {'p95':>8} {'p95 urgent':>10} {'longest':>8} {'swaps':>6} {'Jain':>6}")
    for name in FLEETS:
        for policy in POLICIES:
            found = _mean([run(name, policy, seed) for seed in seeds])
            print(
                f"{name:<18} {policy:<18} {found.p50:>7.2f} {found.p95:>8.1f} {found.urgent_p95:>10.1f} {found.longest:>8.0f} "
                f"{found.swaps:>6.0f} {found.jain:>6.3f}",
                flush=True,
            )


if __name__ == "__main__":
    main()
