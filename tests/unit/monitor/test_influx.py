"""InfluxDB's line protocol, and where it goes."""

from datetime import UTC, datetime

import httpx
import pytest

from bus import subjects
from bus.client import Received
from bus.messages.agents import NetworkCounters
from monitor.settings import MonitorSettings
from monitor.sinks.influx import destination, line_of, lines
from monitor.sinks.sink import Away, Sink
from tests.unit.monitor.events import metrics

AT = datetime(2026, 11, 27, 14, 30, 0, 123456, tzinfo=UTC)


def test_a_line_has_the_agent_its_values_and_the_bus_s_time() -> None:
    line = line_of(metrics("acacia", cpu_usage=12.5, queue_length=3), AT)
    assert line == "hive_agent,agent_id=acacia cpu_usage=12.5,queue_length=3.0 1795789800123456000"


def test_counters_within_counters_are_fields_of_their_own() -> None:
    network = NetworkCounters(bytes_sent_per_second=1, bytes_received_per_second=2)
    line = line_of(metrics("acacia").model_copy(update={"network_io": network}), AT)
    assert line is not None
    assert line.split()[1] == "network_io_bytes_sent_per_second=1.0,network_io_bytes_received_per_second=2.0"


def test_what_measured_nothing_or_is_another_s_is_no_line() -> None:
    def received(agent_id: str, body: bytes) -> Received:
        return Received(subjects.metrics(agent_id), body, stored_at=AT)

    fine = metrics("acacia", cpu_usage=1).model_dump_json().encode()
    empty = metrics("acacia").model_dump_json().encode()
    found, refused = lines(
        [received("acacia", fine), received("walnut", fine), received("acacia", empty), received("acacia", b"no")]
    )
    assert (len(found), refused) == (1, 3)


@pytest.mark.parametrize(
    ("given", "url", "headers"),
    [
        ({}, "http://db:8086/write?db=hive&precision=ns", {}),
        ({"influx_token": "ann:pw"}, "http://db:8086/write?db=hive&precision=ns", {"Authorization": "Basic YW5uOnB3"}),
        ({"influx_token": "proxy"}, "http://db:8086/write?db=hive&precision=ns", {"Authorization": "Bearer proxy"}),
        (
            {"influx_org": "wood land", "influx_database": "trees", "influx_token": "leaf"},
            "http://db:8086/api/v2/write?org=wood+land&bucket=trees&precision=ns",
            {"Authorization": "Token leaf"},
        ),
    ],
)
def test_where_it_goes(given: dict[str, str], url: str, headers: dict[str, str]) -> None:
    found = destination(MonitorSettings.model_validate({"influx_url": "http://db:8086/", **given}))
    assert found is not None
    assert (found.url, found.headers) == (url, headers)


def test_without_an_address_there_is_no_sink() -> None:
    assert destination(MonitorSettings()) is None


async def test_an_address_that_is_none_is_a_database_that_is_away() -> None:
    found = destination(MonitorSettings(influx_url="http://xn--\u00e9"))
    assert found is not None
    sink = Sink(None, found)  # type: ignore[arg-type]
    async with httpx.AsyncClient(trust_env=False) as client:
        with pytest.raises(Away):
            await sink._write(client, ["a b=1.0 1"])
