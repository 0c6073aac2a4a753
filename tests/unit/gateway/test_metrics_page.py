"""docs/metrics.md names every metric with its type and its labels, and no other."""

import re
from pathlib import Path

from prometheus_client.parser import text_string_to_metric_families

from coordinator.gateway.examples.cluster import METRICS_PAGE

PAGE = Path(__file__).parents[3] / "docs" / "metrics.md"
ROW = re.compile(r"^\| `(hive_\w+)` \| (\w+) \|([^|]*)\|", re.MULTILINE)
COUNTED_BY_REQUESTS = {"method", "route", "status"}
WRITTEN = {"unknown": "untyped"}


def documented() -> dict[str, tuple[str, set[str]]]:
    return {name: (kind, set(re.findall(r"`(\w+)`", labels))) for name, kind, labels in ROW.findall(PAGE.read_text())}


def exported() -> dict[str, tuple[str, set[str]]]:
    found = {}
    for family in text_string_to_metric_families(METRICS_PAGE):
        name = f"{family.name}_total" if family.type == "counter" else family.name
        labels = {label for sample in family.samples for label in sample.labels}
        found[name] = (WRITTEN.get(family.type, family.type), labels or of_requests(family.name))
    return found


def of_requests(name: str) -> set[str]:
    """No request has come to the gateway of the example."""
    return COUNTED_BY_REQUESTS if name.startswith("hive_api_") else set()


def test_every_metric_is_documented_with_its_type_and_labels() -> None:
    assert exported() == documented()
