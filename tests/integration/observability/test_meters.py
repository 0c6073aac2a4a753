"""The monitor's metrics by OTLP, as a real receiver gets them."""

from datetime import UTC, datetime
from time import monotonic

import pytest

from bus.messages import TaskKind, TaskStatus, Timings, Usage
from bus.settings import HiveSettings
from monitor.ingest import Ledger
from monitor.meters import attributes_of, metering
from tests.parts.otlp import receiving
from tests.unit.monitor.events import metrics, task_event


def test_tasks_and_cards_arrive_in_the_words_of_the_conventions() -> None:
    ledger = Ledger(datetime.now(UTC), fresh_seconds=30, remembered=1000)
    ledger.measure(metrics("acacia", gpu_usage=50, gpu_memory=25, gpu_temperature=61, cpu_usage=3), monotonic())
    ledger.measure(metrics("walnut", cpu_usage=3), monotonic())
    ended = task_event(
        model="llama3.2:3b",
        usage=Usage(prompt_tokens=30, completion_tokens=12),
        timings=Timings(total_seconds=1.5, time_to_first_token_seconds=0.25),
    )
    with receiving() as receiver, metering(HiveSettings(otlp_endpoint=receiver.url), ledger) as heard:
        heard(ended)
        heard(ended)
        heard(task_event(TaskStatus.QUEUED, model="llama3.2:3b"))
    common = {
        "gen_ai.operation.name": "chat",
        "gen_ai.provider.name": "hive",
        "gen_ai.request.model": "llama3.2:3b",
        "hive.agent.id": "acacia",
    }
    usage = {
        attributes["gen_ai.token.type"]: (attributes, point)
        for attributes, point in receiver.metrics["gen_ai.client.token.usage"]
    }
    assert usage["input"][0] == {**common, "gen_ai.token.type": "input"}
    assert (usage["input"][1].sum, usage["output"][1].sum, usage["output"][1].count) == (60, 24, 2)
    ((attributes, duration),) = receiver.metrics["gen_ai.client.operation.duration"]
    assert (attributes, duration.sum) == (common, 3)
    ((_, first),) = receiver.metrics["gen_ai.server.time_to_first_token"]
    assert first.sum == pytest.approx(0.5)
    card = {"hw.id": "acacia", "hw.type": "gpu", "hive.agent.id": "acacia"}
    for name, value in (("hw.gpu.utilization", 0.5), ("hw.gpu.memory.utilization", 0.25), ("hw.temperature", 61)):
        ((attributes, point),) = receiver.metrics[name]
        assert (attributes, point.as_double) == (card, value)
    assert "hw.power" not in receiver.metrics
    assert {header["content-type"] for header in receiver.headers} == {"application/x-protobuf"}


@pytest.mark.parametrize(
    ("kind", "operation"),
    [
        (TaskKind.CHAT, "chat"),
        (TaskKind.GENERATE, "text_completion"),
        (TaskKind.EMBED, "embeddings"),
        (None, None),
    ],
)
def test_each_kind_of_work_has_its_own_operation(kind: TaskKind | None, operation: str | None) -> None:
    assert attributes_of(task_event(kind=kind).data).get("gen_ai.operation.name") == operation


def test_of_several_monitors_one_tells() -> None:
    ledger = Ledger(datetime.now(UTC), fresh_seconds=30, remembered=1000)
    chosen = [False]
    with receiving() as receiver, metering(HiveSettings(otlp_endpoint=receiver.url), ledger, lambda: chosen[0]) as heard:
        heard(task_event(timings=Timings(total_seconds=1)))
        chosen[0] = True
        heard(task_event(timings=Timings(total_seconds=2)))
    ((_, duration),) = receiver.metrics["gen_ai.client.operation.duration"]
    assert duration.sum == 2


def test_without_an_endpoint_nobody_is_told() -> None:
    with metering(HiveSettings(), Ledger(datetime.now(UTC), fresh_seconds=30, remembered=1000)) as heard:
        heard(task_event())
