"""What is promised of workflows and of old leaders, each broken here once in a history that holds otherwise."""

from uuid import UUID, uuid4

from bus.messages import AttemptRecord, AttemptStatus, TaskRecord, TaskStatus
from tests.chaos.history import (
    Acknowledged,
    EffectCame,
    Entry,
    ExecutionAcknowledged,
    ExecutionFinal,
    FaultBegan,
    Final,
    GenerationBegan,
    Offered,
    RequestFailed,
)
from tests.chaos.hosts.checker import judge_hosts
from tests.chaos.hosts.report import late, refused_seconds, rows
from tests.unit.chaos.test_checker import NOW

FLOW = uuid4()


def effects(*places: str) -> list[Entry]:
    return [EffectCame(key=f"{FLOW}.{place}.0.0", at=float(number)) for number, place in enumerate(places)]


def execution(status: str = "success") -> list[Entry]:
    return [ExecutionAcknowledged(execution_id=FLOW), ExecutionFinal(execution_id=FLOW, status=status)]


def offered(attempt_id: UUID, epoch: int, at: float, agent_id: str = "s1") -> Offered:
    return Offered(agent_id=agent_id, attempt_id=attempt_id, epoch=epoch, at=at)


def ran(attempt_id: UUID, *, started: bool = True) -> Final:
    status = AttemptStatus.COMPLETED if started else AttemptStatus.REFUSED
    attempt = AttemptRecord(
        id=attempt_id, number=1, agent_id="s1", model="slow", status=status, offered_at=NOW, started_at=NOW if started else None
    )
    record = TaskRecord(id=uuid4(), owner="ada", status=TaskStatus.COMPLETED, priority=3, created_at=NOW, attempts=(attempt,))
    return Final(op="", record=record)


def test_a_history_that_holds() -> None:
    """An effect may come twice while it is in flight."""
    verdict = judge_hosts([*execution(), *effects("1.1", "1.1", "3.1", "4.1")])
    assert not verdict.broken
    assert (verdict.executions, verdict.effects) == (1, 4)
    assert verdict.unseen == ["acknowledged", "offers"]


def test_an_effect_after_what_was_built_on_it() -> None:
    assert judge_hosts([*execution(), *effects("1.1", "3.1", "1.1")]).broken.keys() == {"effects_repeated"}


def test_an_execution_that_nobody_knows_and_one_that_failed() -> None:
    assert judge_hosts([ExecutionAcknowledged(execution_id=FLOW)]).broken.keys() == {"executions_lost"}
    assert judge_hosts(execution("running")).broken.keys() == {"executions_lost"}
    assert judge_hosts(execution("error")).broken.keys() == {"executions_failed"}


def test_an_old_leader_s_attempt_is_accepted() -> None:
    old, new = uuid4(), uuid4()
    history: list[Entry] = [offered(new, 2, 1.0), offered(old, 1, 2.0), ran(old)]
    assert judge_hosts(history).broken.keys() == {"old_leader_accepted"}


def test_an_old_leader_may_try_and_what_the_new_one_offers_again_is_its_own() -> None:
    old, new = uuid4(), uuid4()
    refused: list[Entry] = [offered(new, 2, 1.0), offered(old, 1, 2.0), ran(old, started=False)]
    verdict = judge_hosts(refused)
    assert (verdict.stale_offers, verdict.broken) == (1, {})
    assert not judge_hosts([*refused[:2], offered(old, 2, 3.0), ran(old)]).broken
    assert not judge_hosts([offered(new, 2, 1.0, "s2"), offered(old, 1, 2.0), ran(old)]).stale_offers


def test_what_takes_too_long_is_told_by_fault() -> None:
    task_id = uuid4()
    history: list[Entry] = [
        FaultBegan(fault="kill -9", role="leader", victim="c1", at=10.0),
        GenerationBegan(name="a", agent_id="s1", number=1, at=9.0),
        RequestFailed(op="b", request="submit", why="no_leader", at=11.0),
        Acknowledged(op="b", task_id=task_id, asked_at=10.0, at=15.0),
        GenerationBegan(name="b", agent_id="s1", number=1, at=16.0),
    ]
    verdict = judge_hosts(history)
    assert late(history, verdict) == {"kill -9: leader": ["6.0 s without dispatch, wanted 5"]}
    assert rows(history, verdict)["kill -9: leader"].lost == 1  # it has no record
    assert refused_seconds(history) == 4.0
