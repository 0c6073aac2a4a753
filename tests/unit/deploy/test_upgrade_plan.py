"""What an upgrade would do, in which order, and what stands in its way."""

from datetime import UTC, datetime

import pytest

from bus.messages import AgentRecord, AgentStatus
from bus.messages.readings import ServiceVitals
from deploy.local.finding import Level
from deploy.local.state import HiveState, NatsAddress, ProcessState, ProcessStatus
from deploy.upgrading import plan
from deploy.upgrading.plan import SUPERVISOR, UNTOLD, Step

OLD, NEW = "0.1.0+0000aaaa", "0.2.0+1111bbbb"
NAMES = ("nats", "postgres", "valkey", "coordinator", "workflow", "monitor", "gateway", "gui", "sidecar-local")
PACKAGES = {"nats": "2.15.1", "postgres": "18.6.3", "valkey": "9.1.2"}


def state(**changes: object) -> HiveState:
    processes = tuple(
        ProcessStatus(name=name, pid=number, state=ProcessState.RUNNING, version=PACKAGES.get(name, OLD))
        for number, name in enumerate(NAMES, 1)
    )
    address = NatsAddress(url="nats://bus")
    found = HiveState(
        api="",
        gui="",
        nats=address,
        database_url="",
        redis_url="",
        version=OLD,
        started_at=datetime.now(UTC),
        processes=processes,
        upgrades=True,
    )
    return found.model_copy(update=changes)


def vitals(service: str, version: str | None, pid: int | None = None) -> ServiceVitals:
    return ServiceVitals(service=service, instance=f"{service}-1", memory_bytes=1, version=version, pid=pid)


def agent(name: str, version: str) -> AgentRecord:
    now = datetime.now(UTC)
    return AgentRecord(
        agent_id=name,
        name=name,
        endpoint="",
        backend="ollama",
        slots=1,
        status=AgentStatus.ONLINE,
        version=version,
        registered_at=now,
        last_seen=now,
    )


def test_services_follow_one_another_and_servers_that_are_the_same_stay() -> None:
    parts = plan.local_parts(state(), NEW, PACKAGES)
    assert [part.name for part in parts if part.step is Step.RENEWED] == [SUPERVISOR, *NAMES[3:]]
    assert {part.name for part in parts if part.step is Step.STAYS} == {"nats", "postgres", "valkey"}


def test_a_server_of_a_newer_package_is_renewed_before_the_services() -> None:
    parts = plan.local_parts(state(), NEW, {**PACKAGES, "nats": "2.16.0"})
    assert [part.name for part in parts if part.step is Step.RENEWED][:3] == [SUPERVISOR, "nats", "coordinator"]


def test_a_process_that_does_not_run_is_not_called_old() -> None:
    resting = ProcessStatus(name="gui", state=ProcessState.RESTARTING)
    gui = plan.local_parts(state(processes=(resting,)), NEW, PACKAGES)[1]
    assert (gui.runs, gui.step) == (plan.NOTHING, Step.RENEWED)
    assert plan.versions([gui], back=False).level is Level.OK


def test_nothing_is_to_be_done_where_all_is_as_installed() -> None:
    assert {part.step for part in plan.local_parts(state(), OLD, PACKAGES)} == {Step.STAYS}


def test_what_is_elsewhere_comes_in_the_order_of_an_upgrade_and_the_hosts_last() -> None:
    told = [
        vitals("gui", OLD),
        vitals("gateway", OLD),
        vitals("workflow", None),
        vitals("coordinator", NEW),
        vitals("monitor", OLD),
    ]
    parts = plan.bus_parts(told, [agent("walnut", OLD), agent("acacia", "0.1.0")], NEW)
    assert [part.name.split()[-1] for part in parts] == [
        "coordinator-1",
        "workflow-1",
        "monitor-1",
        "gateway-1",
        "gui-1",
        "acacia",
        "walnut",
    ]
    assert parts[0].step is Step.STAYS
    assert parts[1].runs == parts[5].runs == UNTOLD
    assert {part.step for part in parts[1:]} == {Step.THERE}


def test_processes_of_this_machine_are_not_listed_twice() -> None:
    assert plan.bus_parts([vitals("gateway", OLD, pid=7), vitals("gateway", OLD, pid=8)], [], NEW, local=[7]) == plan.bus_parts(
        [vitals("gateway", OLD, pid=8)], [], NEW
    )


@pytest.mark.parametrize(
    ("version", "than", "is_newer"),
    [
        ("0.10.0+a", "0.9.2+b", True),
        ("0.9.2", "0.10.0", False),
        ("0.1.0+a", "0.1.0+b", False),
        ("1.0", "1.0.0rc1", False),
        ("", "0.1.0", False),
    ],
)
def test_newer_is_by_the_numbers_of_a_release(version: str, than: str, is_newer: bool) -> None:
    assert plan.newer(version, than) is is_newer


def test_a_newer_version_that_runs_is_refused_unless_one_goes_back() -> None:
    parts = plan.local_parts(state(version=NEW), OLD, PACKAGES)
    refused = plan.versions(parts, back=False)
    assert refused.level is Level.FAIL
    assert NEW in refused.found
    assert "--back" in (refused.remedy or "")
    assert plan.versions(parts, back=True).level is Level.WARN
    assert plan.versions(plan.local_parts(state(), NEW, PACKAGES), back=False).level is Level.OK


def test_migrations_must_be_known_and_those_to_come_are_told() -> None:
    known = {"schema_migrations": [1, 2, 3], "monitor_migrations": [1]}
    assert plan.migrations(
        {"schema_migrations": [1, 2]}, known
    ).found == "to be made: monitor_migrations 1, schema_migrations 3" or (
        plan.migrations({"schema_migrations": [1, 2]}, known).found == "to be made: schema_migrations 3, monitor_migrations 1"
    )
    assert plan.migrations(known, known).found == "none to be made"
    foreign = plan.migrations({"schema_migrations": [1, 2, 3, 4]}, known)
    assert (foreign.level, "schema_migrations 4" in foreign.found) == (Level.FAIL, True)


def test_a_newer_postgresql_than_the_files_are_of_is_refused() -> None:
    assert plan.postgres_release("18\n", "18.6.3").level is Level.OK
    assert plan.postgres_release(None, "19.1.0").level is Level.OK
    assert plan.postgres_release("18\n", "19.1.0").level is Level.FAIL


def test_a_supervisor_that_cannot_be_followed_and_a_part_that_rests_are_refused() -> None:
    assert plan.takes_over(state()).level is Level.OK
    assert plan.takes_over(state(upgrades=False)).level is Level.FAIL
    assert plan.all_run(state()).level is Level.OK
    resting = ProcessStatus(name="gui", state=ProcessState.RESTARTING)
    assert plan.all_run(state(processes=(resting,))).found == "gui is restarting"
    assert plan.all_run(state(processes=(resting,))).level is Level.FAIL
    assert plan.all_run(state(processes=(resting,)), back=True).level is Level.WARN, "it may be why somebody goes back"


def test_room_is_asked_for_before_a_backup() -> None:
    assert [plan.room(free, 10).level for free in (9, 10)] == [Level.FAIL, Level.OK]
