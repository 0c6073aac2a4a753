"""Who may say and hear what: a host its own agents' words and no other's, whatever it tries; a service its own."""

from pathlib import Path
from uuid import UUID

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bus import permissions, subjects
from bus.messages import TaskClass
from bus.permissions import ROOMS, covers, host_user, of_host, of_service
from deploy.nats_users import with_users

SLUGS = st.from_regex(r"[a-z0-9]([a-z0-9-]{0,20}[a-z0-9])?", fullmatch=True)
TOKENS = st.from_regex(r"[a-zA-Z0-9_-]{1,12}", fullmatch=True)
PATTERNS = st.lists(TOKENS | st.just("*"), min_size=1, max_size=6).flatmap(
    lambda tokens: st.sampled_from((".".join(tokens), ".".join([*tokens, ">"])))
)


def words_of(agent: str, token: str) -> tuple[str, ...]:
    """What a sidecar publishes for an agent."""
    return (
        *(subjects.heartbeat(agent), subjects.metrics(agent), subjects.outcome(agent, token, token)),
        *(subjects.report(agent, token, token), subjects.output(agent, token, token)),
        *(subjects.agents_verb(subjects.SERVICE_AGENTS, verb, agent) for verb in ("register", "benchmarked")),
        subjects.key_of(subjects.KV_JOBS, subjects.job_key(agent, token)),
    )


def orders_to(agent: str, token: str) -> tuple[str, ...]:
    return subjects.dispatch(agent, token), subjects.control(agent), subjects.health(agent)


@settings(max_examples=40)
@given(SLUGS, SLUGS, TOKENS)
def test_a_host_speaks_for_its_own_agents_and_for_no_other(mine: str, other: str, token: str) -> None:
    may = of_host(mine, (mine,))
    assert all(may.may_publish(word) for word in words_of(mine, token))
    assert all(may.may_subscribe(order) for order in orders_to(mine, token))
    assert may.may_subscribe(f"{subjects.inbox(host_user(mine))}.*")
    if other != mine:
        assert not any(may.may_publish(word) for word in words_of(other, token))
        assert not any(may.may_subscribe(order) for order in orders_to(other, token))
        assert not may.may_subscribe(f"{subjects.inbox(host_user(other))}.>")


@settings(max_examples=40)
@given(SLUGS, PATTERNS)
def test_no_pattern_lets_a_host_hear_more_than_its_own(mine: str, pattern: str) -> None:
    may, elsewhere = of_host(mine, (mine,)), "someone-elses"
    if mine != elsewhere and may.may_subscribe(pattern):
        heard = (
            *orders_to(elsewhere, "i1"),
            subjects.ALL_EVENTS,
            *words_of(elsewhere, "t"),
            "_INBOX.gateway.x",
            subjects.ADMISSIONS,
        )
        assert not any(covers(pattern, subject) for subject in heard)


@pytest.mark.parametrize(
    "subject",
    [
        *(
            ">",
            "hive.>",
            "hive.*.*.*",
            "_INBOX.>",
            "$SYS.>",
            "$JS.>",
            "$KV.>",
            "$SRV.>",
            subjects.ALL_EVENTS,
            subjects.ALL_OUTPUT,
        ),
        *(subjects.ALL_HEARTBEATS, subjects.ADMISSIONS, subjects.DISCONNECTED, "hive.dispatch.*.*", "hive.agents.*.control"),
    ],
)
def test_a_host_hears_nothing_of_what_is_not_its_own(subject: str) -> None:
    assert not of_host("walnut", ("walnut",)).may_subscribe(subject)


@pytest.mark.parametrize(
    "subject",
    [
        *("$SYS.REQ.SERVER.x.KICK", subjects.CONNECTIONS, subjects.ADMISSIONS, "_INBOX.coordinator.x", "$SYS._INBOX.x"),
        *("$JS.API.STREAM.DELETE.HIVE_TASKS", "$JS.API.STREAM.PURGE.HIVE_TASKS", "$JS.API.STREAM.UPDATE.HIVE_TASKS"),
        *("$JS.API.STREAM.CREATE.MINE", "$JS.API.CONSUMER.CREATE.HIVE_TASKS", "$JS.API.CONSUMER.CREATE.KV_hive_placement.x"),
        *("$JS.API.STREAM.MSG.GET.KV_hive_keys", "$JS.API.DIRECT.GET.KV_hive_keys", "$JS.API.DIRECT.GET.KV_hive_hosts.>"),
        *("$KV.hive_placement.wish", "$KV.hive_hosts.x", "$KV.hive_keys.x", "$KV.hive_jobs.oak.1"),
        *(
            subjects.service_verb("agents", "register"),
            subjects.service_verb("keys", "create"),
            "hive.tasks.submit.default.high.x",
        ),
        *(subjects.service_verb("agents", "remove"), subjects.agents_verb("agents", "remove", "walnut")),
        *(
            "hive.events.default.task.completed.x",
            "hive.events.default.agent.registered.oak",
            "hive.events.other.model.started.x",
        ),
        *("hive.agents.walnut.control", "hive.dispatch.walnut.i1", "hive.coordinator.x.tick", subjects.WORKFLOW_NOTICES),
    ],
)
def test_a_host_says_nothing_that_is_anothers_to_say(subject: str) -> None:
    assert not of_host("walnut", ("walnut", "walnut-2")).may_publish(subject)


def test_a_host_speaks_for_every_agent_that_it_was_given() -> None:
    may = of_host("walnut", ("walnut", "walnut-2"))
    assert may.may_publish(subjects.heartbeat("walnut-2"))
    assert may.answers


@settings(max_examples=40)
@given(PATTERNS, st.lists(TOKENS, min_size=1, max_size=6))
def test_a_pattern_covers_what_the_server_would_match(pattern: str, tokens: list[str]) -> None:
    subject, wanted = ".".join(tokens), pattern.split(".")
    open_end = wanted[-1] == ">"
    fixed = wanted[:-1] if open_end else wanted
    long_enough = len(tokens) > len(fixed) if open_end else len(tokens) == len(fixed)
    same = all(want in ("*", token) for want, token in zip(fixed, tokens, strict=False))
    assert covers(pattern, subject) is (long_enough and same)
    assert covers(pattern, pattern)


def test_services_do_not_play_sidecars_or_coordinators() -> None:
    for service in ROOMS.keys() - {permissions.SIDECAR, permissions.COORDINATOR}:
        may = of_service(service)
        assert not any(may.may_publish(word) for word in words_of("oak", "t"))
        assert not any(may.may_subscribe(order) for order in orders_to("oak", "i1"))
        for foreign in (subjects.ADMISSION_REPLIES, subjects.kick("x"), subjects.key_of(subjects.KV_HOSTS, "U")):
            assert not may.may_publish(foreign)
        assert not may.may_subscribe(subjects.ADMISSIONS)


@pytest.mark.parametrize("service", ROOMS)
def test_no_service_hears_anothers_answers_or_breaks_a_stream(service: str) -> None:
    may = of_service(service)
    assert may.may_subscribe(f"{subjects.inbox(service)}.x.*")
    assert not may.may_subscribe("_INBOX.>")
    assert not may.may_subscribe(">")
    for other in ROOMS.keys() - {service}:
        assert not may.may_subscribe(f"{subjects.inbox(other)}.x")
    for forbidden in (
        "$JS.API.STREAM.DELETE.HIVE_TASKS",
        "$JS.API.STREAM.MSG.DELETE.HIVE_TASKS",
        "$JS.API.STREAM.RESTORE.X",
        ">",
    ):
        assert not may.may_publish(forbidden)
    for declaring in ("$JS.API.STREAM.UPDATE.HIVE_TASKS", "$JS.API.STREAM.CREATE.MINE"):
        assert may.may_publish(declaring) is (service == permissions.COORDINATOR)
    assert may.may_publish("$JS.API.STREAM.INFO.HIVE_TASKS"), "all wait until it is there"


def test_every_service_of_the_bus_is_served_by_somebody_and_every_bucket_written() -> None:
    """What is new in bus/subjects.py has its owner in bus/permissions.py, or works only for the operator."""
    names = vars(subjects)
    services = {value for name, value in names.items() if name.startswith("SERVICE_")}
    assert services == {service for room in ROOMS.values() for service in room.serves}
    buckets = {value for name, value in names.items() if name.startswith("KV_")}
    assert buckets == {bucket for room in ROOMS.values() for bucket in room.writes} | {subjects.KV_JOBS}  # sidecars do


def test_nats_conf_has_these_users() -> None:
    text = (Path(__file__).parents[3] / "nats.conf").read_text()
    assert with_users(text) == text, "python -m deploy.nats_users"


@pytest.mark.parametrize("name", ROOMS)
def test_a_service_tells_the_audit_log_of_its_own_verbs_alone(name: str) -> None:
    may, own = of_service(name), ROOMS[name].serves
    assert all(may.may_publish(subjects.audit("acme", f"{service}.create")) for service in (*own, "doors"))
    others = {service for room in ROOMS.values() for service in room.serves} - set(own)
    assert not any(may.may_publish(subjects.audit("acme", f"{service}.create")) for service in others)


@pytest.mark.parametrize("service", [permissions.GATEWAY, permissions.COORDINATOR, permissions.WORKFLOW])
def test_whoever_submits_tasks_may_for_every_tenant_and_class(service: str) -> None:
    """Requests at a door, schedules, and nodes of workflows that ask a model (bus/submit.py)."""
    may = of_service(service)
    assert all(may.may_publish(subjects.submit("acme", task_class, "t")) for task_class in TaskClass)


@pytest.mark.parametrize("service", [permissions.GATEWAY, permissions.GUI])
def test_whoever_shows_answers_may_hear_them_and_read_what_was_said_before(service: str) -> None:
    """bus/follow.py."""
    may = of_service(service)
    assert may.may_subscribe(subjects.outputs_of_task(UUID(int=1)))
    assert may.may_subscribe(subjects.events("task.*", entity_id=UUID(int=1)))
    for call in ("STREAM.MSG.GET.HIVE_OUTPUT", "CONSUMER.CREATE.HIVE_OUTPUT"):
        assert may.may_publish(f"$JS.API.{call}")


def test_what_is_work_has_one_reader_and_so_has_what_has_a_durable_consumer() -> None:
    """Whoever may make a consumer of a stream may change any of it whose name it knows (bus/permissions.py)."""

    def readers(stream: str) -> set[str]:
        return {name for name in ROOMS if of_service(name).may_publish(f"$JS.API.CONSUMER.CREATE.{stream}")}

    assert readers(subjects.TASKS) == readers(subjects.OUTCOMES) == {permissions.COORDINATOR}
    assert readers(subjects.AUDIT) == {permissions.MONITOR}
    for owner, room in ROOMS.items():
        assert all(readers(stream) == {owner} for stream, _ in room.durables)
