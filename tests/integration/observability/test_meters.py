"""What the monitor adds up of tasks, by OTLP, as a real receiver gets it."""

import pytest

from bus.messages import TaskKind, TaskStatus, Timings, Usage
from bus.settings import HiveSettings
from monitor.meters import attributes_of, metering
from tests.parts.otlp import receiving
from tests.unit.monitor.events import task_event


def test_tasks_arrive_in_the_words_of_the_conventions() -> None:
    ended = task_event(
        model="llama3.2:3b",
        usage=Usage(prompt_tokens=30, completion_tokens=12),
        timings=Timings(total_seconds=1.5, time_to_first_token_seconds=0.25),
    )
    with receiving() as receiver, metering(HiveSettings(otlp_endpoint=receiver.url)) as heard:
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
    chosen = [False]
    with receiving() as receiver, metering(HiveSettings(otlp_endpoint=receiver.url), lambda: chosen[0]) as heard:
        heard(task_event(timings=Timings(total_seconds=1)))
        chosen[0] = True
        heard(task_event(timings=Timings(total_seconds=2)))
    ((_, duration),) = receiver.metrics["gen_ai.client.operation.duration"]
    assert duration.sum == 2


def test_without_an_endpoint_nobody_is_told() -> None:
    with metering(HiveSettings()) as heard:
        heard(task_event())
