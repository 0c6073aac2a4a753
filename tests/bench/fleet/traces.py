"""What people ask for: several users who are alike, each at a steady pace and now and then in a burst, with prompts of very uneven size."""

import random
from collections.abc import Mapping
from typing import TypeVar

from tests.bench.fleet.hosts import SHARE, Host, Job

Drawn = TypeVar("Drawn")

USERS = ("ada", "bob", "cyd", "dan")
PRIORITIES = {1: 0.1, 2: 0.1, 3: 0.5, 4: 0.15, 5: 0.15}
BURSTS = 0.3
"""Of the jobs come in bursts, of one user and one model."""
MEAN_BURST = 12
PARTS = 500


def mix_of(hosts: list[Host]) -> dict[str, float]:
    """The models that somebody has, by how much they are asked for."""
    return {model: share for model, share in SHARE.items() if any(model in host.models for host in hosts)}


def draw(dice: random.Random, weights: Mapping[Drawn, float]) -> Drawn:
    return dice.choices(list(weights), list(weights.values()))[0]


def job_of(dice: random.Random, at: float, user: str, model: str) -> Job:
    return Job(
        number=0,
        at=at,
        user=user,
        priority=draw(dice, PRIORITIES),
        model=model,
        prompt_tokens=min(30_000, 1 + int(dice.lognormvariate(5.5, 1.3))),
        completion_tokens=min(2_000, 1 + int(dice.lognormvariate(5.0, 0.8))),
    )


def jobs_a_second(hosts: list[Host], dice: random.Random) -> float:
    """What the fleet could do if no model ever had to be loaded: the mix is shared out in small parts, each to the host that it fills least.

    The models that few hosts have come first. So 80 % of it is a load that the fleet can bear.
    """
    mix = mix_of(hosts)
    sample = [job_of(dice, 0.0, USERS[0], draw(dice, mix)) for _ in range(2000)]
    filled = dict.fromkeys(hosts, 0.0)
    """Seconds of all its slots, for one job of the mix."""
    for model in sorted(mix, key=lambda model: sum(model in host.models for host in hosts)):
        jobs = [job for job in sample if job.model == model]
        part = len(jobs) / len(sample) / PARTS
        seconds = {
            host: sum(map(host.service_seconds, jobs)) / len(jobs) / host.kind.slots for host in hosts if model in host.models
        }
        for _ in range(PARTS):
            least = min(seconds, key=lambda host: filled[host] + part * seconds[host])
            filled[least] += part * seconds[least]
    return 1 / max(filled.values())


def trace(hosts: list[Host], jobs: int, load: float, seed: int) -> list[Job]:
    """In their order. Bursts go round the users, so that all of them ask for as much."""
    dice, mix = random.Random(seed), mix_of(hosts)
    pace = load * jobs_a_second(hosts, dice)
    steady = int(jobs * (1 - BURSTS))
    made = [job_of(dice, dice.uniform(0, jobs / pace), USERS[number % len(USERS)], draw(dice, mix)) for number in range(steady)]
    while len(made) < jobs:
        size, model = 1 + int(dice.expovariate(1 / MEAN_BURST)), draw(dice, mix)
        for user in USERS:
            at = dice.uniform(0, jobs / pace)
            made += [job_of(dice, at + place * 0.05, user, model) for place in range(size)]
    made.sort(key=lambda job: job.at)
    for number, job in enumerate(made):
        job.number = number
    return made
