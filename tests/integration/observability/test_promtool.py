"""Hive's metrics and rules as Prometheus's own tool sees them."""

import shutil
from collections.abc import Iterable
from pathlib import Path

import httpx
import pytest

from bus.exposition import Sample, exposed
from bus.settings import HiveSettings
from bus.testing import InMemoryBus
from coordinator.gateway.examples.cluster import METRICS_PAGE
from tests.parts.prometheus import FOLDER, check_metrics, promtool

pytestmark = pytest.mark.skipif(
    shutil.which("promtool") is None, reason="promtool is not installed; Debian has it in `prometheus`"
)


def test_it_finds_nothing_wrong_with_a_gateway_s_metrics_but_what_is_listed() -> None:
    check_metrics(METRICS_PAGE)


def test_it_complains_of_what_is_wrong() -> None:
    with pytest.raises(AssertionError):
        check_metrics("# HELP hive_wrong_total A gauge.\n# TYPE hive_wrong_total gauge\nhive_wrong_total 1\n")


async def test_it_finds_nothing_wrong_with_a_process_s_own_metrics() -> None:
    def read() -> Iterable[Sample]:
        return (Sample("tree_height_metres", "gauge", "How tall.", 12.5), Sample("tree_rings", "counter", "How old.", 80))

    async with exposed(HiveSettings(), 0, "monitor", InMemoryBus(), read) as port, httpx.AsyncClient(trust_env=False) as client:
        check_metrics((await client.get(f"http://127.0.0.1:{port}/metrics")).text)


def test_configuration_and_rules_are_as_prometheus_wants_them() -> None:
    for check, file in (("config", "prometheus.yml"), ("rules", "hive.rules.yml")):
        found = promtool("check", check, file)
        assert found.returncode == 0, found.stdout + found.stderr


def test_the_configuration_of_the_containers_is_too(tmp_path: Path) -> None:
    token = tmp_path / "metrics_token"
    token.write_text("open-sesame")
    written = (FOLDER.parent / "compose" / "prometheus.yml").read_text().replace("/run/secrets/metrics_token", str(token))
    (tmp_path / "prometheus.yml").write_text(written)
    (tmp_path / "hive.rules.yml").write_bytes((FOLDER / "hive.rules.yml").read_bytes())
    found = promtool("check", "config", str(tmp_path / "prometheus.yml"))
    assert found.returncode == 0, found.stdout + found.stderr


def test_rules_fire_when_they_should_and_not_before() -> None:
    found = promtool("test", "rules", "hive.rules.test.yml")
    assert found.returncode == 0, found.stdout + found.stderr


def test_every_alert_has_a_case() -> None:
    rules, cases = ((FOLDER / name).read_text() for name in ("hive.rules.yml", "hive.rules.test.yml"))
    alerts = {line.split(":")[1].strip() for line in rules.splitlines() if line.strip().startswith("- alert:")}
    assert len(alerts) > 10
    assert sorted(alert for alert in alerts if f"alertname: {alert}\n" not in cases) == []
