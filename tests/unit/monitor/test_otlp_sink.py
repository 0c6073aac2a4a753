"""Agents' metrics by OTLP: what a collector gets of them, and what becomes of what it does not take."""

import asyncio
from datetime import UTC, datetime

import httpx
import pytest
from google.rpc.status_pb2 import Status
from opentelemetry.proto.collector.metrics.v1.metrics_service_pb2 import ExportMetricsServiceResponse

from bus import subjects
from bus.client import Received
from bus.messages import PerformanceMetrics
from bus.messages.agents import NetworkCounters
from monitor.settings import MonitorSettings
from monitor.sinks.destination import values_of
from monitor.sinks.otlp import NAMES, UNNAMED, destination
from monitor.sinks.sink import APART_AFTER, SAID_AGAIN, Away, Sink
from tests.parts.otlp import Receiver, receiving
from tests.unit.monitor.events import metrics

AT = datetime(2026, 11, 27, 14, 30, 0, 123456, tzinfo=UTC)


def received(found: PerformanceMetrics) -> Received:
    return Received(subjects.metrics(found.agent_id), found.model_dump_json().encode(), stored_at=AT)


def sink_to(receiver: Receiver) -> Sink:
    to = destination(MonitorSettings(otlp_endpoint=receiver.url))
    assert to is not None
    return Sink(None, to)  # type: ignore[arg-type]


async def written(receiver: Receiver, *found: PerformanceMetrics) -> Sink:
    sink = sink_to(receiver)
    await again(sink, *found)
    return sink


async def again(sink: Sink, *found: PerformanceMetrics) -> None:
    async with httpx.AsyncClient(trust_env=False) as client:
        await sink._write(client, sink._to.read([received(each) for each in found])[0])


def counts(sink: Sink) -> dict[str, float]:
    assert {sample.labels["sink"] for sample in sink.samples()} == {"otlp"}
    return {sample.name.removeprefix("sink_"): sample.value for sample in sink.samples()}


def test_every_field_of_the_metrics_has_a_name_but_those_that_no_agent_fills() -> None:
    everything = {name: 1 for name in PerformanceMetrics.model_fields if name not in {"agent_id", "timestamp", "network_io"}}
    network = NetworkCounters(bytes_sent_per_second=1, bytes_received_per_second=2)
    full = PerformanceMetrics(agent_id="acacia", timestamp=AT, network_io=network, **everything)
    assert values_of(full).keys() == NAMES.keys() | UNNAMED
    assert len({name for name, _, _ in NAMES.values()}) == len(NAMES)


async def test_each_value_comes_with_the_bus_s_time_and_its_agent() -> None:
    with receiving() as receiver:
        acacia = metrics("acacia", gpu_usage=50, gpu_memory=25, gpu_temperature=61, cpu_usage=3)
        sink = await written(receiver, acacia, metrics("walnut", cpu_usage=4, response_time=1.5))
    card, walnut = {"hw.id": "acacia", "hw.type": "gpu", "hive.agent.id": "acacia"}, {"hive.agent.id": "walnut"}
    for name, value in (("hw.gpu.utilization", 0.5), ("hw.gpu.memory.utilization", 0.25), ("hw.temperature", 61)):
        ((attributes, point),) = receiver.metrics[name]
        assert (attributes, point.as_double, point.time_unix_nano) == (card, value, 1795789800123456000)
    assert "hw.power" not in receiver.metrics
    cpu = [(attributes, point.as_double) for attributes, point in receiver.metrics["hive.agent.cpu.utilization"]]
    assert cpu == [({"hive.agent.id": "acacia"}, 0.03), (walnut, 0.04)]
    ((attributes, point),) = receiver.metrics["hive.agent.response_time"]
    assert (attributes, point.as_double) == (walnut, 1.5)
    assert {header["content-type"] for header in receiver.headers} == {"application/x-protobuf"}
    assert counts(sink) == {"written_samples": 2, "refused_samples": 0, "failures": 0}


async def test_what_another_s_agent_measures_beyond_the_names_is_left_out() -> None:
    with receiving() as receiver:
        sink = await written(receiver, metrics("acacia", cpu_usage=3, queue_length=4), metrics("walnut", retry_count=1))
    assert set(receiver.metrics) == {"hive.agent.cpu.utilization"}
    assert counts(sink) == {"written_samples": 1, "refused_samples": 0, "failures": 0}


async def test_what_it_will_never_take_is_left_behind_and_told_once(capsys: pytest.CaptureFixture[str]) -> None:
    with receiving() as receiver:
        receiver.status, receiver.answer = 400, Status(code=3, message="no such unit").SerializeToString()
        sink = await written(receiver, metrics("acacia", cpu_usage=3))
        await again(sink, metrics("acacia", cpu_usage=4))
        assert counts(sink) == {"written_samples": 0, "refused_samples": 2, "failures": 0}
        receiver.status, receiver.answer = 200, b""
        await again(sink, metrics("acacia", cpu_usage=5))
    assert counts(sink)["written_samples"] == 1
    (told,) = [line for line in capsys.readouterr().out.splitlines() if "sink_refuses" in line]
    assert "said='no such unit'" in told


@pytest.mark.parametrize("status", [404, 405, 501])
async def test_a_collector_of_traces_alone_is_not_asked_again(status: int) -> None:
    with receiving() as receiver:
        receiver.statuses["/v1/metrics"] = status
        sink = await written(receiver, metrics("acacia", cpu_usage=3))
    assert counts(sink) == {"written_samples": 0, "refused_samples": 1, "failures": 0}


async def test_a_page_is_no_answer_of_a_collector() -> None:
    """As of a login in front of it."""
    with receiving() as receiver:
        receiver.content_type = "text/html; charset=utf-8"
        with pytest.raises(Away, match="a page") as away:
            await written(receiver, metrics("acacia", cpu_usage=3))
    assert away.value.misled


class _Waiting:
    async def waiting(self) -> int:
        return 0


async def until_written(receiver: Receiver, *agents: str) -> Sink:
    sink = sink_to(receiver)
    found, _ = sink._to.read([received(metrics(agent, cpu_usage=3)) for agent in agents])
    async with httpx.AsyncClient(trust_env=False) as client, asyncio.timeout(10):
        await sink._until_written(client, _Waiting(), found)  # type: ignore[arg-type]
    return sink


async def test_one_measurement_that_it_fails_at_holds_up_no_others(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr("monitor.sinks.sink.AGAIN_SECONDS", (0.0,))
    with receiving() as receiver:
        receiver.poison = (b"agent-03", b"agent-11")
        sink = await until_written(receiver, *(f"agent-{each:02}" for each in range(20)))
    assert (counts(sink)["written_samples"], counts(sink)["refused_samples"]) == (18, 2)
    there = {attributes["hive.agent.id"] for attributes, _ in receiver.metrics["hive.agent.cpu.utilization"]}
    assert there == {f"agent-{each:02}" for each in range(20)} - {"agent-03", "agent-11"}
    assert "status=500" in capsys.readouterr().out


async def test_a_collector_that_fails_at_all_of_them_gets_them_later(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("monitor.sinks.sink.AGAIN_SECONDS", (0.0,))
    with receiving() as receiver:
        receiver.status = 500
        writing = asyncio.create_task(until_written(receiver, *(f"agent-{each:02}" for each in range(20))))
        while len(receiver.headers) < 4 * APART_AFTER:
            await asyncio.sleep(0.01)
        receiver.status = 200
        sink = await writing
    assert (counts(sink)["written_samples"], counts(sink)["refused_samples"]) == (20, 0)


async def test_what_is_as_old_as_the_bus_holds_is_left_behind(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("monitor.sinks.sink.AGAIN_SECONDS", (0.0,))
    monkeypatch.setattr("monitor.sinks.sink.HOUR", 0.1)
    with receiving() as receiver:
        receiver.status = 500
        sink = await until_written(receiver, "acacia")
    assert (counts(sink)["written_samples"], counts(sink)["refused_samples"]) == (0, 1)


@pytest.mark.parametrize(("status", "misled"), [(302, True), (404, True), (405, True), (403, True), (429, False), (503, False)])
async def test_what_is_no_collector_or_busy_is_asked_again(status: int, misled: bool) -> None:
    with receiving() as receiver:
        receiver.status = status
        with pytest.raises(Away) as away:
            await written(receiver, metrics("acacia", cpu_usage=3))
    assert away.value.misled is misled


def test_a_wrong_setting_is_named_again_and_again(capsys: pytest.CaptureFixture[str]) -> None:
    to = destination(MonitorSettings(otlp_endpoint="http://127.0.0.1:9"))
    assert to is not None
    sink = Sink(None, to)  # type: ignore[arg-type]
    for tries in range(SAID_AGAIN + 1):
        sink._tell(Away("it answered 404", 404), tries)
        sink._tell(Away("ConnectError"), tries)
    told = capsys.readouterr().out
    assert (told.count("sink_misled"), told.count("sink_away")) == (2, 1)
    assert "correct HIVE_OTLP_ENDPOINT" in told


async def test_points_that_it_took_the_others_without_count_as_measurements(capsys: pytest.CaptureFixture[str]) -> None:
    answer = ExportMetricsServiceResponse()
    answer.partial_success.rejected_data_points = 3
    answer.partial_success.error_message = "too old"
    with receiving() as receiver:
        receiver.answer = answer.SerializeToString()
        sink = await written(receiver, *(metrics(f"agent-{n}", cpu_usage=3, memory_usage=4, disk_usage=5) for n in range(3)))
        assert counts(sink) == {"written_samples": 2, "refused_samples": 1, "failures": 0}
        assert "said='too old'" in capsys.readouterr().out
        answer.partial_success.rejected_data_points = 1
        receiver.answer = answer.SerializeToString()
        await again(sink, metrics("acacia", cpu_usage=3, memory_usage=4), metrics("walnut", cpu_usage=3, memory_usage=4))
    assert counts(sink) == {"written_samples": 3, "refused_samples": 2, "failures": 0}


def test_without_an_endpoint_there_is_no_sink() -> None:
    assert destination(MonitorSettings()) is None
