"""What an upgrade would do, and what stands in its way. Pure."""

from collections.abc import Iterable, Mapping, Sequence
from enum import StrEnum
from typing import Final

from bus.messages import AgentRecord, Message
from bus.messages.readings import ServiceVitals
from deploy.local.finding import Finding, Level, fail, ok, warn
from deploy.local.state import HiveState, ProcessState

SUPERVISOR: Final = "supervisor"
UNTOLD: Final = "older than versions are told"
NOTHING: Final = "nothing: it does not run"


class Step(StrEnum):
    """`renewed`: by `hive upgrade` on this machine. `there`: by whoever looks after the machine where it runs."""

    STAYS = "stays"
    RENEWED = "renewed"
    THERE = "upgraded where it runs"


class Part(Message):
    """One process of the hive, in the order of an upgrade."""

    name: str
    runs: str
    would_run: str
    step: Step


class UpgradePlan(Message):
    installed: str
    parts: tuple[Part, ...]
    findings: tuple[Finding, ...] = ()

    @property
    def renewed(self) -> tuple[str, ...]:
        return tuple(part.name for part in self.parts if part.step is Step.RENEWED)

    @property
    def elsewhere(self) -> tuple[str, ...]:
        return tuple(part.name for part in self.parts if part.step is Step.THERE)

    @property
    def refusals(self) -> tuple[Finding, ...]:
        return tuple(finding for finding in self.findings if finding.level is Level.FAIL)


def local_parts(state: HiveState, installed: str, packages: Mapping[str, str]) -> tuple[Part, ...]:
    """Of a hive on this machine: the supervisor, then its processes as it has them: servers, then who depends on whom.

    `packages`: by embedded server, the version of the package that is installed.
    """
    running = [(SUPERVISOR, state.version), *((each.name, each.version if each.pid else NOTHING) for each in state.processes)]
    return tuple(_part(name, version, packages.get(name, installed), Step.RENEWED) for name, version in running)


def bus_parts(
    vitals: Iterable[ServiceVitals], agents: Iterable[AgentRecord], installed: str, local: Sequence[int] = ()
) -> tuple[Part, ...]:
    """Of what tells of itself on the bus, but not the processes with the numbers `local`: services, then agents, which come last."""
    services = [
        (f"{found.service} {found.instance}", found.version or "")
        for found in sorted(vitals, key=_order)
        if found.pid is None or found.pid not in local
    ]
    hosts = [(f"agent {agent.agent_id}", agent.version if "+" in agent.version else "") for agent in agents]
    return tuple(_part(name, version, installed, Step.THERE) for name, version in (*services, *sorted(hosts)))


ORDER: Final = ("coordinator", "workflow", "monitor", "gateway", "gui")
"""Of services: who decides and keeps the record first, then who asks them (deploy/local/services.py starts and renews in the same order)."""


def _order(vitals: ServiceVitals) -> tuple[int, str, str]:
    place = ORDER.index(vitals.service) if vitals.service in ORDER else len(ORDER)
    return place, vitals.service, vitals.instance


def _part(name: str, runs: str, would_run: str, step: Step) -> Part:
    return Part(name=name, runs=runs or UNTOLD, would_run=would_run, step=Step.STAYS if runs == would_run else step)


def newer(version: str, than: str) -> bool:
    """By the numbers of a release: `0.10.0+3ad8eec2` is newer than `0.9.2`. Two states of one release are neither."""
    return _release(version) > _release(than)


def _release(version: str) -> tuple[int, ...]:
    numbers = []
    for word in version.partition("+")[0].split("."):
        if not word.isdecimal():
            break
        numbers.append(int(word))
    return tuple(numbers)


def versions(parts: Iterable[Part], *, back: bool) -> Finding:
    """Whether somebody runs a newer release than the one that is installed."""
    ahead = [f"{part.name} {part.runs}" for part in parts if part.runs != UNTOLD and newer(part.runs, part.would_run)]
    if not ahead:
        return ok("versions", "nobody runs a newer one")
    if back:
        return warn("versions", f"newer than what is installed: {', '.join(ahead)}", "You asked to go back (--back).")
    return fail(
        "versions",
        f"newer than what is installed: {', '.join(ahead)}",
        "Install that version, or go back to this one with --back, which only a schema allows that it knows.",
    )


def takes_over(state: HiveState) -> Finding:
    """Whether the supervisor that runs can be followed while its hive works."""
    if state.upgrades:
        return ok("supervisor", "another can take over from it")
    return fail(
        "supervisor",
        "it does not know how another takes over from it",
        "This once: `hive backup hive.backup`, `hive down`, `hive up`; "
        "what was acknowledged stays, and what asks meanwhile is refused for some seconds.",
    )


def all_run(state: HiveState, *, back: bool = False) -> Finding:
    """Who goes back may do so because of what does not run."""
    resting = [f"{process.name} is {process.state}" for process in state.processes if process.state is not ProcessState.RUNNING]
    if resting and back:
        return warn("processes", ", ".join(resting), "You asked to go back (--back).")
    if resting:
        return fail(
            "processes",
            ", ".join(resting),
            "Mend that first: `hive logs NAME` has the reason. Where the installed version mends it: `hive down`, `hive up`.",
        )
    return ok("processes", f"all {len(state.processes)} run")


def migrations(done: Mapping[str, Iterable[int]], known: Mapping[str, Iterable[int]]) -> Finding:
    """By ledger, the numbers that the database has and those that this version brings."""
    foreign = [
        f"{ledger} {number}" for ledger, numbers in done.items() for number in sorted(set(numbers) - set(known.get(ledger, ())))
    ]
    if foreign:
        return fail(
            "migrations",
            f"the database has some that this version does not know: {', '.join(foreign)}",
            "Install a version that knows them. To go back further, with this version: `hive down`, `hive restore --replace FILE`, `hive up`. "
            "FILE is a backup from before, as `hive upgrade` leaves it in `backups` of the data folder; what came after it is lost.",
        )
    coming = [
        f"{ledger} {number}" for ledger, numbers in known.items() for number in sorted(set(numbers) - set(done.get(ledger, ())))
    ]
    return ok("migrations", f"to be made: {', '.join(coming)}" if coming else "none to be made")


def postgres_release(of_data: str | None, installed: str) -> Finding:
    """`of_data`: what PG_VERSION says. A newer PostgreSQL does not read an older one's files."""
    if of_data is None or not installed or of_data.strip() == installed.partition(".")[0]:
        return ok("postgres files", "of the release that is installed" if of_data else "none of its own")
    return fail(
        "postgres files",
        f"of PostgreSQL {of_data.strip()}, and {installed} is installed",
        "Install the release before again, then: `hive backup hive.backup`, `hive down`, install this one, and `hive restore hive.backup` into "
        "an empty data folder.",
    )


def room(free_bytes: int, wanted_bytes: int) -> Finding:
    mib = 1024 * 1024
    said = f"{free_bytes // mib:,} MiB free, {wanted_bytes // mib:,} MiB wanted"
    if free_bytes < wanted_bytes:
        return fail("room", said, "Make room, or name a file on another disk with --backup FILE.")
    return ok("room", said)
