"""How an agent is, what its attempts add up to, and what it says of both."""

from datetime import UTC, datetime
from pathlib import Path
from uuid import uuid4

import pytest

from agent_sidecar.benchmark import BEYOND_SECONDS, TOKENS, best_slots, next_number
from agent_sidecar.condition import Condition
from agent_sidecar.heartbeat import MODELS_SECONDS, Beat, Pulse
from agent_sidecar.measured import Measured
from agent_sidecar.metrics import compose
from agent_sidecar.tally import WINDOW_SECONDS, Recent, Tally
from agent_sidecar.telemetry.host import HostReading
from bus.errors import BackendStalled, BackendUnreachable
from bus.messages import AgentStatus, AttemptOutcome, ModelInfo, OutcomeStatus, Timings
from bus.messages.benchmarks import BenchmarkFigures


def test_an_agent_is_degraded_until_its_backend_answered() -> None:
    condition = Condition()
    statuses = [condition.status]
    assert condition.closed is not None
    condition.recover()
    statuses.append(condition.status)
    assert statuses == [AgentStatus.DEGRADED, AgentStatus.ONLINE]
    assert condition.reason is None


def test_draining_is_shown_before_a_fault() -> None:
    condition = Condition()
    condition.draining = True
    assert (condition.status, condition.closed) == (AgentStatus.DRAINING, "draining")


def test_an_agent_whose_sidecar_is_stopped_drains_though_it_was_told_to_resume() -> None:
    condition = Condition()
    condition.recover()
    condition.draining = condition.leaving = True
    condition.draining = False
    assert (condition.status, condition.closed) == (AgentStatus.DRAINING, "draining")
    assert condition.reason == "its sidecar is stopped"


def test_a_stall_is_not_forgotten_over_a_lesser_fault() -> None:
    condition = Condition()
    condition.recover()
    condition.fail(BackendStalled("hangs"), "m")
    condition.fail(BackendUnreachable("gone"))
    assert condition.fault is not None
    assert (condition.fault.model, condition.reason) == ("m", "hangs")


def outcome(status: OutcomeStatus, **timings: float) -> AttemptOutcome:
    return AttemptOutcome(
        attempt_id=uuid4(), task_id=uuid4(), agent_id="a", instance="i", status=status, timings=Timings.model_validate(timings)
    )


def test_recent_attempts_add_up_and_a_cancel_counts_for_nothing() -> None:
    tally = Tally()
    assert tally.recent(0) == Recent()
    done = outcome(OutcomeStatus.COMPLETED, total_seconds=2, generation_seconds=1, generation_tokens_per_second=30)
    slow = outcome(OutcomeStatus.COMPLETED, total_seconds=4, generation_seconds=3, generation_tokens_per_second=10)
    for ended in (done, slow, outcome(OutcomeStatus.FAILED), outcome(OutcomeStatus.CANCELLED)):
        tally.add(ended, 100)
    recent = tally.recent(100)
    assert recent.tokens_per_second == pytest.approx(15)
    assert recent.response_time == pytest.approx(3)
    assert recent.success_rate == pytest.approx(2 / 3)
    assert recent.error_rate == pytest.approx(1 / 3)
    assert tally.recent(100 + WINDOW_SECONDS + 1) == Recent()


def test_what_cannot_be_read_is_left_out_of_the_metrics() -> None:
    metrics = compose("acacia", datetime.now(UTC), 2, Recent(), HostReading(cpu_usage=5.0))
    assert set(metrics.model_dump(exclude_none=True)) == {"agent_id", "timestamp", "cpu_usage", "active_tasks"}


def test_heartbeats_carry_the_models_when_they_changed_and_now_and_then() -> None:
    beat = Beat("acacia", "i1")

    def next_models(names: tuple[str, ...] | None, now: float) -> bool:
        models = None if names is None else tuple(ModelInfo(name=name) for name in names)
        return (
            beat.next(
                Pulse(status=AgentStatus.ONLINE, reason=None, slots=1, running=(), measuring=False, models=models), now
            ).models
            is not None
        )

    assert not next_models(None, 100)
    assert next_models(("a",), 100.5)
    assert not next_models(("a",), 101)
    assert next_models(("a", "b"), 101.5)
    assert next_models(("a", "b"), 101.5 + MODELS_SECONDS)


@pytest.mark.parametrize(
    ("rates", "slots"),
    [
        ({1: 20.0}, 1),
        ({1: 20.0, 2: 21.0}, 1),
        ({1: 20.0, 2: 35.0, 4: 38.0}, 2),
        ({1: 20.0, 2: 35.0, 4: 60.0}, 4),
        ({1: 277.0, 2: 265.0, 4: 420.0, 8: 665.0}, 8),
        ({1: 100.0, 2: 110.0, 4: 131.0}, 1),  # less than two steps have to gain
        ({1: 100.0, 2: 110.0, 4: 133.0}, 4),
        ({1: 100.0, 2: 150.0, 4: 150.0, 8: 150.0}, 2),
        ({1: 0.0}, 1),
    ],
)
def test_more_slots_must_be_worth_it(rates: dict[int, float], slots: int) -> None:
    assert best_slots(rates) == slots


@pytest.mark.parametrize(
    ("rates", "limit", "number"),
    [
        ({1: 277.0}, 16, 2),
        ({1: 277.0}, 1, None),
        ({1: 277.0, 2: 400.0}, 3, None),
        ({1: 277.0, 2: 400.0, 4: 700.0, 8: 1300.0}, 16, 16),
        ({1: 277.0, 2: 400.0, 4: 700.0, 8: 1300.0, 16: 2500.0}, 64, None),
        ({1: 277.0, 2: 265.0}, 16, 4),  # gained nothing: one further
        ({1: 277.0, 2: 265.0}, 2, None),
        ({1: 277.0, 2: 265.0, 4: 420.0}, 16, 8),
        ({1: 277.0, 2: 265.0, 4: 280.0}, 16, None),
        ({1: 277.0, 2: 400.0, 4: 390.0}, 16, 8),
        ({1: 277.0, 2: 400.0, 4: 390.0, 8: 395.0}, 16, None),
        ({1: 0.1}, 16, 2),
        ({1: 4.0, 2: 4 * TOKENS / BEYOND_SECONDS}, 16, 4),
        ({1: 4.0, 2: 4 * TOKENS / BEYOND_SECONDS - 0.01}, 16, None),  # too slow a host to try for so little hope
    ],
)
def test_one_doubling_that_gains_nothing_does_not_end_the_search(
    rates: dict[int, float], limit: int, number: int | None
) -> None:
    assert next_number(rates, limit) == number


def test_measurements_outlive_the_process(tmp_path: Path) -> None:
    path = tmp_path / "sidecar" / "acacia.json"
    Measured(path).keep("m", BenchmarkFigures(slots=4, prompt_tokens_per_second=900))
    Measured(path).note_load("m", 12)
    again = Measured(path)
    again.note_load("m", 3)
    assert (again.findings.slots, again.model("m").load_seconds, again.model("m").prompt_tokens_per_second) == (4, 12, 900)
    assert again.model("other") == BenchmarkFigures()


def test_a_broken_file_of_measurements_is_only_forgotten(tmp_path: Path) -> None:
    path = tmp_path / "acacia.json"
    path.write_text("{")
    assert Measured(path).findings.slots is None


def test_measurements_that_find_no_room_on_the_disk_are_kept_in_memory(tmp_path: Path) -> None:
    (tmp_path / "acacia.new").symlink_to("/dev/full")
    measured = Measured(tmp_path / "acacia.json")
    measured.note_load("m", 12)
    assert measured.model("m").load_seconds == 12
    assert not (tmp_path / "acacia.json").exists()
