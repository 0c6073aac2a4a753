"""What a process exports by OpenTelemetry's own SDK, as a real receiver gets it."""

import sys

import pytest

from bus import tracing
from bus.otlp import exporting
from bus.settings import HiveSettings
from tests.parts.otlp import Receiver, receiving


def export(receiver_url: str | None) -> None:
    settings = HiveSettings.model_validate({"otlp_endpoint": receiver_url, "otlp_headers": "authorization=Bearer open-sesame"})
    with exporting("monitor", settings):
        assert tracing.on() is (receiver_url is not None)
        with tracing.span("outer", "server", {"words": ("a", "b"), "number": 0.5}), tracing.span("inner") as inner:
            inner.fail("no_leader")
    assert not tracing.on()


def test_spans_arrive_whole_when_the_process_ends() -> None:
    with receiving() as receiver:
        export(receiver.url)
    inner, outer = receiver.spans
    assert (outer.name, inner.name, outer.service) == ("outer", "inner", "hive-monitor")
    assert (inner.parent, inner.trace_id, outer.parent) == (outer.span_id, outer.trace_id, "")
    assert outer.attributes == {"words": ["a", "b"], "number": 0.5}
    assert (inner.failed, inner.attributes, outer.failed) == (True, {"error.type": "no_leader"}, False)
    assert receiver.headers[0]["authorization"] == "Bearer open-sesame"


@pytest.mark.timeout(30)
def test_a_collector_that_is_away_holds_nobody_up() -> None:
    export("http://127.0.0.1:9")


def test_without_the_packages_it_says_so_and_what_to_do(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setitem(sys.modules, "opentelemetry.exporter.otlp.proto.http.trace_exporter", None)
    settings = HiveSettings.model_validate({"otlp_endpoint": "http://127.0.0.1:9"})
    with exporting("sidecar", settings):
        assert not tracing.on()
    said = capsys.readouterr().out
    assert "spans_not_exported" in said
    assert "pip install 'hive[otlp]'" in said


def test_without_an_endpoint_nothing_is_made() -> None:
    export(None)
    assert Receiver().spans == []
