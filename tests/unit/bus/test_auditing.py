"""Every change has a record before it is made, and none holds a secret; who is refused is told, and floods nothing."""

import asyncio
from typing import Any

import pytest
from pydantic import BaseModel, SecretStr

from bus import auth, subjects
from bus.auditing.auditor import AGAIN_SECONDS, IN_VAIN, IN_VAIN_SECONDS, WRITE_SECONDS, Auditor
from bus.auditing.changes import ABANDONED, changes
from bus.auditing.describing import about, summary
from bus.auth import Permission
from bus.client import Stored
from bus.errors import (
    AuditUnavailable,
    BusUnavailable,
    Conflict,
    PermissionDenied,
    SessionOver,
    StoreFull,
    TooManyAttempts,
)
from bus.messages import Claims, CreateKey, IssuedKey, KeyRef, NoReply, Role
from bus.messages.audit import AuditRecord, AuditResult
from bus.messages.base import Command
from bus.messages.people import CreateUser
from bus.service import Call, Endpoint, Service
from bus.testing import InMemoryBus

ANNA = Claims(sub="anna", roles=(Role.ADMIN,), address="10.0.0.7", via="POST /api/things")
VIEWER = Claims(sub="vic", roles=(Role.VIEWER,))


class MakeThing(Command):
    name: str
    password: SecretStr = SecretStr("")
    note: str = ""
    data: dict[str, str] | None = None


class Room:
    def __init__(self) -> None:
        self.made: list[str] = []

    async def make(self, call: Call[MakeThing]) -> NoReply:
        match call.body.name:
            case "taken":
                raise Conflict("It is taken.")
            case "broken":
                raise RuntimeError("with a secret in it")
            case "often":
                raise TooManyAttempts("Too many attempts failed.")
            case "foreign":
                raise PermissionDenied("It is another's.")
        self.made.append(call.body.name)
        return NoReply()


@pytest.fixture
def room() -> Room:
    return Room()


async def serve(bus: InMemoryBus, room: Room) -> None:
    verbs = (
        Endpoint(verb="make", body=MakeThing, handler=room.make, permission=Permission.AGENTS_MANAGE),
        Endpoint(verb="look", body=MakeThing, handler=room.make, permission=Permission.AGENTS_VIEW),
    )
    await bus.serve(Service(name="things", version="0", description="", endpoints=verbs))


async def ask(bus: InMemoryBus, name: str, claims: Claims | None = ANNA, verb: str = "make") -> str:
    """The code of the answer."""
    body = MakeThing(name=name, password=SecretStr("hush"), note="hush hush", data={"token": "hush"})
    headers = {} if claims is None else {subjects.HEADER_CLAIMS: claims.model_dump_json()}
    answer = await bus.request_raw(
        subjects.service_verb("things", verb),
        body.model_dump_json(context=None).replace("**********", "hush").encode(),
        headers=headers,
    )
    return answer.headers.get(subjects.HEADER_ERROR_CODE, "")


async def records(bus: InMemoryBus) -> list[AuditRecord]:
    reader = await bus.read(subjects.AUDIT, subjects.ALL_AUDIT)
    if reader.caught_up:
        return []
    return [received.decode(AuditRecord) for received in await reader.batch(1000)]


async def test_a_change_is_told_when_it_begins_and_with_what_came_of_it(room: Room) -> None:
    bus = InMemoryBus()
    await serve(bus, room)
    assert await ask(bus, "lamp") == ""
    begun, done = await records(bus)
    assert (begun.result, done.result, begun.id == done.id) == (AuditResult.BEGUN, AuditResult.DONE, True)
    assert (done.sub, done.address, done.via, done.action) == ("anna", "10.0.0.7", "POST /api/things", "things.make")
    assert (done.object_id, done.trace_id is not None, done.seconds is not None) == ("lamp", True, True)
    assert done.summary == "name=lamp, password=(secret), note=(9 characters), data=(1 field)"
    assert "hush" not in done.model_dump_json()


@pytest.mark.parametrize(
    ("name", "claims", "result", "code"),
    [
        ("taken", ANNA, AuditResult.FAILED, "conflict"),
        ("broken", ANNA, AuditResult.FAILED, "internal_error"),
        ("foreign", ANNA, AuditResult.REFUSED, "permission_denied"),
        ("lamp", VIEWER, AuditResult.REFUSED, "permission_denied"),
    ],
)
async def test_what_fails_or_is_refused_is_told_with_its_code(
    room: Room, name: str, claims: Claims, result: AuditResult, code: str
) -> None:
    bus = InMemoryBus()
    await serve(bus, room)
    assert await ask(bus, name, claims) == code
    last = (await records(bus))[-1]
    assert (last.result, last.code, last.sub) == (result, code, claims.sub)
    assert "with a secret in it" not in last.model_dump_json()


async def test_whoever_speaks_on_the_bus_without_claims_is_told_as_the_bus(room: Room) -> None:
    bus = InMemoryBus()
    await serve(bus, room)
    await ask(bus, "lamp", None)
    assert (await records(bus))[-1].sub == auth.BUS_OPERATOR.sub


async def test_looking_is_told_only_where_it_is_refused(room: Room) -> None:
    bus = InMemoryBus()
    await serve(bus, room)
    assert await ask(bus, "lamp", VIEWER, "look") == ""
    assert await records(bus) == []
    assert await ask(bus, "lamp", Claims(sub="nobody", roles=()), "look") == "permission_denied"
    for _ in range(3):
        assert await ask(bus, "often", VIEWER, "look") == "too_many_attempts"
    assert [(record.result, record.code) for record in await records(bus)] == [
        (AuditResult.REFUSED, "permission_denied"),
        (AuditResult.REFUSED, "too_many_attempts"),
    ]


async def test_nothing_is_changed_while_no_record_can_be_kept(room: Room) -> None:
    full = InMemoryBus(stream_bytes=10)
    await serve(full, room)
    assert await ask(full, "lamp") == AuditUnavailable.code
    assert room.made == []


async def test_a_change_whose_end_is_not_told_has_its_record_still(room: Room) -> None:
    told: list[AuditRecord] = []

    async def write(subject: str, record: BaseModel, message_id: str) -> None:
        assert isinstance(record, AuditRecord)
        if told:
            raise StoreFull("full")
        told.append(record)

    auditor = Auditor(write)
    begun = await auditor.begin("things.make", ANNA, MakeThing(name="lamp"))
    await auditor.end(begun, 0.1, NoReply(), None)
    assert [record.result for record in told] == [AuditResult.BEGUN]


async def test_the_same_refusal_is_counted_and_told_once_a_minute() -> None:
    bus, clock = InMemoryBus(), [0.0]
    auditor = Auditor(bus._audit, lambda: clock[0])
    for _ in range(500):
        await auditor.refused("doors.request", VIEWER, PermissionDenied("no"))
    await auditor.refused("doors.request", ANNA, PermissionDenied("no"))
    assert [(record.sub, record.times) for record in await records(bus)] == [("vic", 1), ("anna", 1)]
    clock[0] += AGAIN_SECONDS
    await auditor.refused("doors.request", VIEWER, PermissionDenied("no"))
    assert (await records(bus))[-1].times == 500


async def test_who_asks_in_a_loop_for_what_comes_to_nothing_fills_no_disk(room: Room, monkeypatch: pytest.MonkeyPatch) -> None:
    bus, clock = InMemoryBus(), [0.0]
    monkeypatch.setattr(bus, "auditor", Auditor(bus._audit, lambda: clock[0]))
    await serve(bus, room)
    codes = [await ask(bus, "taken") for _ in range(IN_VAIN + 100)]
    assert (codes.count("conflict"), codes.count("rate_limited")) == (IN_VAIN, 100)
    told = await records(bus)
    assert len(told) == 2 * IN_VAIN + 1
    assert (told[-1].result, told[-1].code, told[-1].action) == (AuditResult.REFUSED, "rate_limited", "things.make")
    for claims in (None, VIEWER.model_copy(update={"roles": (Role.ADMIN,)}), ANNA.model_copy(update={"address": "10.0.0.8"})):
        assert await ask(bus, "taken", claims) == "conflict", "nobody else is held up"
    assert "60 s" in (told[-1].message or "")
    clock[0] += IN_VAIN_SECONDS
    assert await ask(bus, "lamp") == ""


async def test_who_comes_by_ever_other_addresses_of_a_network_fills_no_stream() -> None:
    bus = InMemoryBus()
    for host in range(100):
        told = auth.NOBODY.model_copy(update={"address": f"2001:db8::{host:x}"})
        await bus.auditor.refused("doors.request", told, PermissionDenied("no"))
    assert [record.address for record in await records(bus)] == ["2001:db8::0"]


def test_how_long_a_password_is_is_not_told() -> None:
    assert summary(CreateUser(name="anna", password="maple-harbour-tin-42")) == "name=anna, password=(secret)"


def test_a_verb_that_nobody_has_listed_counts_as_a_change() -> None:
    assert changes("things", "new", None)
    assert changes("things", "new", Permission.AGENTS_MANAGE)
    assert not changes("things", "new", Permission.AGENTS_VIEW)
    assert not changes("tasks", "submit", Permission.TASKS_CREATE)
    assert not changes("users", "list", Permission.USERS_MANAGE)
    assert changes("tasks", "cancel", None, "DELETE /api/tasks")
    assert not changes("tasks", "cancel", None, ABANDONED)
    assert changes("agents", "remove", Permission.AGENTS_MANAGE, ABANDONED)


@pytest.mark.parametrize("verb", ["login", "enter", "enter_externally", "refresh", "recall"])
async def test_who_tries_to_sign_in_again_and_again_fills_no_disk(verb: str) -> None:
    bus = InMemoryBus()

    async def refuse(_call: Call[NoReply]) -> NoReply:
        raise SessionOver("It is over.")

    endpoint = Endpoint(verb=verb, body=NoReply, handler=refuse, permission=None)
    await bus.serve(Service(name="sessions", version="0", description="", endpoints=(endpoint,)))
    for _ in range(50):
        with pytest.raises(SessionOver):
            await bus.request(subjects.service_verb("sessions", verb), NoReply(), NoReply, claims=VIEWER)
    assert [record.result for record in await records(bus)] == [AuditResult.REFUSED]


@pytest.mark.parametrize("name", ["users.list", "sessions.signing_keys"])
def test_what_a_page_looks_at_is_no_change(name: str) -> None:
    assert not changes(*name.split("."), Permission.USERS_MANAGE)


def test_what_was_made_is_named_by_its_answer_and_the_key_in_it_is_not_told() -> None:
    key = "sk-hive-secret"
    record = {"id": "22222222-2222-4222-8222-222222222222", "owner": "anna", "role": "viewer", "prefix": key[:10]}
    issued = IssuedKey.model_validate({"key": key, "record": {**record, "created_at": "2026-11-23T00:00:00Z"}})
    wish = CreateKey(owner="anna", role=Role.VIEWER, models=("llama3.2:3b",))
    assert about(wish, issued) == record["id"]
    assert summary(wish) == "owner=anna, role=viewer, models=llama3.2:3b"
    assert about(KeyRef(id=issued.record.id)) == record["id"]


async def test_a_verb_that_is_cut_off_leaves_what_had_begun(room: Room) -> None:
    bus, started = InMemoryBus(), asyncio.Event()

    async def hang(call: Call[MakeThing]) -> NoReply:
        started.set()
        await asyncio.Event().wait()
        return NoReply()

    verb = Endpoint(verb="make", body=MakeThing, handler=hang, permission=Permission.AGENTS_MANAGE)
    await bus.serve(Service(name="things", version="0", description="", endpoints=(verb,)))
    asking = asyncio.create_task(ask(bus, "lamp"))
    await started.wait()
    assert [record.result for record in await records(bus)] == [AuditResult.BEGUN]
    asking.cancel()


class Leaderless(InMemoryBus):
    """Whose audit stream has no leader for `missing` records; None: never again."""

    def __init__(self, missing: int | None) -> None:
        super().__init__()
        self.missing = missing

    async def publish_durable(self, subject: str, *arguments: Any, **named: Any) -> Stored:
        if self.missing is None or self.missing > 0:
            self.missing = None if self.missing is None else self.missing - 1
            raise BusUnavailable("NATS did not acknowledge within 3 s.")
        return await super().publish_durable(subject, *arguments, **named)


@pytest.mark.parametrize(("missing", "patient", "made"), [(2, True, ["lamp"]), (2, False, []), (None, True, [])])
async def test_who_orders_waits_for_the_log_while_there_is_time(
    room: Room, missing: int | None, patient: bool, made: list[str]
) -> None:
    bus = Leaderless(missing)
    await serve(bus, room)
    subject, body = subjects.service_verb("things", "make"), MakeThing(name="lamp")
    asked = bus.request(subject, body, NoReply, claims=ANNA, timeout=WRITE_SECONDS + 1, patient=patient)
    if made:
        await asked
        assert [record.result for record in await records(bus)] == [AuditResult.BEGUN, AuditResult.DONE]
    else:
        with pytest.raises(AuditUnavailable):
            await asked
    assert room.made == made
