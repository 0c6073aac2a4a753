"""What one decision of the scheduler costs: `python -m tests.bench.decisions [HOSTS WAITING]`, by default 200 hosts and 100,000 waiting.

Each round a random attempt ends, so that a slot is free, and the next task is chosen and taken; owners, models and priorities are mixed,
and a new task comes for each that goes. So the queue stays as long as it is, as under a load that is too high.

Then the same hosts under a load that they bear: dozens are free, the slow ones, while tasks are kept for the fast ones, which are busy.
"""

import random
import sys
from datetime import UTC, datetime, timedelta
from itertools import count
from time import process_time_ns
from uuid import UUID, uuid4

from bus.messages import AgentRegistration, AgentStatus, ModelInfo
from coordinator.agents.agent import Agent, OpenAttempt
from coordinator.agents.registry import Registry
from coordinator.scheduling.queue import Queue
from coordinator.scheduling.scheduler import Placement, Scheduler
from coordinator.scheduling.sizes import size
from coordinator.scheduling.speed import Speed
from coordinator.tasks import Task

SEED = 5
MODELS, OWNERS, SLOTS = 20, 20, 2
ROUNDS = 20_000
TICK_SECONDS, ARRIVALS = 0.05, 0.15
"""Tasks a second and host, which the fast ones alone could nearly do."""
START = datetime(2025, 1, 1, tzinfo=UTC)


def fleet(hosts: int, dice: random.Random) -> Registry:
    """Each has a handful of the models, of which one is warm, and its own speed."""
    registry = Registry()
    for number in range(hosts):
        names = dice.sample(range(MODELS), 6)
        models = tuple(
            ModelInfo(name=f"model-{name}:8b", loaded=place == 0, size_bytes=5_000_000_000) for place, name in enumerate(names)
        )
        known = AgentRegistration(
            agent_id=f"host-{number}", name=f"host-{number}", endpoint="http://host", instance="one", slots=SLOTS, models=models
        )
        pace = dice.choice((0.2, 1.0, 3.0))
        agent = Agent(registration=known, status=AgentStatus.ONLINE, slots=SLOTS, models=models)
        agent.speeds = {m.name: Speed(prompt_rate=900 * pace, generation_rate=30 * pace, completion_tokens=250) for m in models}
        registry.agents[known.agent_id] = agent
    return registry


class Bench:
    def __init__(self, hosts: int, waiting: int) -> None:
        self.dice = random.Random(SEED)
        self.registry, self.queue, self.scheduler = fleet(hosts, self.dice), Queue(), Scheduler()
        self.sequence, self.clock, self.due = count(1), 0.0, 0.0
        self.queue.extend((self.task() for _ in range(waiting)), START)
        self.agents = list(self.registry)

    @property
    def now(self) -> datetime:
        return START + timedelta(seconds=self.clock)

    def task(self) -> Task:
        return Task(
            id=UUID(int=self.dice.getrandbits(128)),
            tenant="default",
            owner=f"owner-{self.dice.randrange(OWNERS)}",
            priority=self.dice.choice((1, 2, 3, 3, 3, 4, 5)),
            sequence=next(self.sequence),
            created_at=self.now,
            model=f"model-{self.dice.randrange(MODELS)}:8b",
            size=size(int(self.dice.lognormvariate(6, 1)), None),
        )

    def take(self, placement: Placement) -> None:
        self.scheduler.take(self.queue, placement)
        attempt = OpenAttempt(
            id=uuid4(),
            task_id=placement.task.id,
            agent_id=placement.agent.agent_id,
            instance="one",
            number=1,
            model=placement.model.name,
            opened_at=self.clock,
            seen_at=self.clock,
            ends_at=self.clock + placement.seconds,
        )
        self.registry.take(attempt)

    def decisions(self) -> list[float]:
        """Gives out what can be, as a turn does. How many microseconds of processor time each decision took; the look at the hosts, which
        serves them all, counts to the first. The last one, which finds nothing more to give, is none and takes next to nothing: counted
        in, it was half of all, and made the median of the others a third of what it is.
        """
        took, fleet = list[float](), None
        while True:
            began = process_time_ns()
            fleet = fleet or self.scheduler.fleet(self.agents, self.clock)
            placement = self.scheduler.next(self.queue, fleet, self.now)
            if placement is None:
                return took
            took.append((process_time_ns() - began) / 1000)
            self.take(placement)
            fleet.given(placement.agent, placement.model)

    def round(self) -> list[float]:
        self.clock += 0.05
        ended = self.dice.choice(list(self.registry.open))
        self.registry.close(ended)
        self.queue.add(self.task(), self.now)
        return self.decisions()

    def tick(self) -> list[float]:
        """What is done by now ends, what comes meanwhile is added, and all that can is given out."""
        self.clock += TICK_SECONDS
        for attempt in [a for a in self.registry.open.values() if a.ends_at is not None and a.ends_at <= self.clock]:
            self.registry.close(attempt.id)
        self.due += TICK_SECONDS * ARRIVALS * len(self.agents)
        while self.due >= 1:
            self.due -= 1
            self.queue.add(self.task(), self.now)
        return self.decisions() if len(self.queue) else []


def spare(hosts: int) -> None:
    """Prints what a decision costs while hosts are free."""
    bench, took, free = Bench(hosts, 0), list[float](), list[int]()
    for number in range(ROUNDS // 20):
        micros = bench.tick()
        if number >= ROUNDS // 100 and micros:
            took += micros
            free.append(sum(len(agent.attempts) < agent.slots for agent in bench.agents))
    took.sort()
    p50, p99 = took[len(took) // 2], took[len(took) * 99 // 100]
    print(
        f"{sorted(free)[len(free) // 2]} of {hosts} hosts free, {len(bench.queue)} kept: {len(took):,} decisions, "
        f"p50 {p50:.0f} µs, p99 {p99:.0f} µs"
    )


def main() -> None:
    hosts, waiting = (int(sys.argv[1]), int(sys.argv[2])) if len(sys.argv) > 2 else (200, 100_000)
    bench = Bench(hosts, waiting)
    bench.decisions()
    took = sorted(micros for _ in range(ROUNDS // 10) for micros in bench.round())
    p50, p99 = took[len(took) // 2], took[len(took) * 99 // 100]
    print(
        f"seed {SEED}: {hosts} hosts, {len(bench.queue):,} waiting: {len(took):,} decisions, "
        f"p50 {p50:.0f} µs, p99 {p99:.0f} µs, worst {took[-1]:.0f} µs"
    )
    spare(hosts)


if __name__ == "__main__":
    main()
