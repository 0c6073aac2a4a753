"""What the monitor's sums cost with as many models, users and workflows as it keeps, each with an end in every minute of the hour:
`python -m tests.bench.many_names`. In seconds of the CPU, since other work on a machine adds to those of the clock.
"""

import asyncio
import resource
from collections.abc import Callable
from datetime import timedelta
from time import monotonic, process_time
from typing import Final
from uuid import UUID

from bus.messages import Timings, Usage
from bus.messages.alerts import AlertRule, AlertScope, RuleSet, RuleSource, Severity
from bus.testing import InMemoryBus
from monitor.alerting.hearing import Hearing
from monitor.alerting.watch import Watch
from monitor.groups import MOST
from monitor.ingest import Ledger
from tests.unit.monitor.events import NOON, execution_event, task_event

AGENTS: Final = 200
MINUTES: Final = 60
ENDS: Final = 2 * MOST * MINUTES
RATE: Final = "rate(failed, 300) > 0.1 * (rate(failed, 300) + rate(completed, 300))"
USED: Final = {"usage": Usage(prompt_tokens=9, completion_tokens=9), "timings": Timings(total_seconds=2, generation_seconds=1)}


def fill(ledger: Ledger) -> None:
    for minute in range(MINUTES):
        at = NOON - timedelta(minutes=minute)
        for name in range(MOST):
            who = {"owner": f"user-{name}", "model": f"model-{name}:8b", "agent_id": f"agent-{name % AGENTS}"}
            ledger.count(task_event(timestamp=at, **USED, **who))  # type: ignore[arg-type]
            ledger.count_execution(execution_event(workflow_id=UUID(int=name), timestamp=at))


def told(what: str, ask: Callable[[], object], times: int = 10) -> None:
    taken = []
    for _ in range(times):
        before = process_time()
        ask()
        taken.append(process_time() - before)
    print(f"{what}: {1000 * min(taken):.1f} to {1000 * max(taken):.1f} ms", flush=True)


def memory() -> float:
    """MB, at most until now."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1000


async def main() -> None:
    counted, ledger = asyncio.Event(), Ledger(NOON, fresh_seconds=15, remembered=ENDS)
    counted.set()
    empty, before = memory(), process_time()
    fill(ledger)
    print(f"{1e6 * (process_time() - before) / ENDS:.0f} µs an end, made and counted; {memory() - empty:.0f} MB", flush=True)
    rule = AlertRule(condition=RATE, severity=Severity.WARNING, scope=AlertScope.MODEL)
    rules = RuleSet(alerts={"failing": rule}, source=RuleSource.FILE)
    hearing = Hearing(InMemoryBus(), ledger, counted)
    watch = Watch(InMemoryBus(), ledger, rules, counted=counted, retain_seconds=0)
    watch._use(rules)
    for seconds in range(0, 300, 5):
        watch._hearing._count(NOON.timestamp() + seconds)
    at = NOON.timestamp() + 295
    told("a scrape", lambda: ledger.readings(NOON, monotonic()))
    told("GET /api/metrics/performance", lambda: ledger.performance(monotonic()))
    told("what the watch takes of the sums, each five seconds", lambda: hearing._count(at))
    told("a round of one rule over two windows of each model, each second", lambda: watch._verdicts(at))


if __name__ == "__main__":
    asyncio.run(main())
