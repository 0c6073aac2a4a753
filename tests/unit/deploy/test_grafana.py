"""Grafana's dashboards: as the script makes them, and made of metrics that there are."""

import json
import re
import shutil
import subprocess
from pathlib import Path
from typing import Any, Final

import pytest
import yaml

from deploy.grafana.writing import FOLDER, files

ROOT = Path(__file__).parents[3]
EXPORTERS: Final = {
    *("gnatsd_varz_connections", "gnatsd_varz_in_bytes", "gnatsd_varz_in_msgs", "gnatsd_varz_mem", "gnatsd_varz_out_bytes"),
    *("gnatsd_varz_out_msgs", "gnatsd_varz_slow_consumers", "jetstream_consumer_num_pending", "jetstream_stream_total_bytes"),
    *("pg_database_size_bytes", "pg_settings_max_connections", "pg_stat_database_blks_hit", "pg_stat_database_blks_read"),
    *(
        "pg_stat_database_deadlocks",
        "pg_stat_database_numbackends",
        "pg_stat_database_xact_commit",
        "pg_stat_database_xact_rollback",
    ),
}
"""That prometheus-nats-exporter (-varz -jsz=all) and postgres_exporter have."""
WORDS: Final = {"by", "without", "on", "ignoring", "and", "or", "unless", "bool", "offset", "group_left", "group_right"}
SHOWN: Final = {"cluster", "agents", "models", "queue", "workflows", "nats", "postgres"}


def documented() -> set[str]:
    """Tests of their own keep both pages and what is exported equal."""
    pages = ((ROOT / "docs" / name).read_text() for name in ("metrics.md", "observability.md"))
    found = {name: kind for page in pages for name, kind in re.findall(r"^\| `(hive_\w+)` \| (\w+)", page, re.MULTILINE)}
    parts = {f"{name}_{part}" for name, kind in found.items() if kind == "histogram" for part in ("bucket", "sum", "count")}
    return found.keys() | parts


def dashboards() -> list[dict[str, Any]]:
    return [json.loads(path.read_text()) for path in sorted(FOLDER.glob("*.json"))]


def expressions() -> list[str]:
    return [target["expr"] for board in dashboards() for panel in board["panels"] for target in panel["targets"]]


def metrics_of(expression: str) -> set[str]:
    """Names that are neither functions nor labels."""
    bare = re.sub(r'"[^"]*"|\{[^}]*\}|\[[^\]]*\]', " ", re.sub(r'\{(?:[^{}"]|"[^"]*")*\}', " ", expression))
    bare = re.sub(r"\b(by|without|on|ignoring)\s*\([^)]*\)", " ", bare)
    return {name for name in re.findall(r"\b[a-zA-Z_:][\w:]*\b(?!\s*\()", bare) if name not in WORDS}


def test_files_are_those_that_the_script_makes() -> None:
    assert {path.name: path.read_text() for path in FOLDER.glob("*.json")} == files()
    assert {board["uid"] for board in dashboards()} == {f"hive-{name}" for name in SHOWN}


def test_ids_are_unique_and_panels_do_not_overlap() -> None:
    for board in dashboards():
        ids = [panel["id"] for panel in board["panels"]]
        assert len(ids) == len(set(ids))
        taken: set[tuple[int, int]] = set()
        for place in (panel["gridPos"] for panel in board["panels"]):
            cells = {
                (x, y) for x in range(place["x"], place["x"] + place["w"]) for y in range(place["y"], place["y"] + place["h"])
            }
            assert not cells & taken
            assert max(x for x, _ in cells) < 24
            taken |= cells


def test_every_panel_says_what_it_shows() -> None:
    for board in dashboards():
        assert [panel["title"] for panel in board["panels"] if not (panel["title"] and panel["description"])] == []


def test_every_metric_is_one_of_hive_s_or_of_the_exporters() -> None:
    used = set().union(*map(metrics_of, expressions()))
    assert sorted(used - documented() - EXPORTERS - {"up"}) == []
    assert len(used) > 40


def test_what_every_gateway_tells_is_taken_once_of_several_that_are_scraped() -> None:
    pages = ((ROOT / "docs" / name).read_text() for name in ("metrics.md", "observability.md"))
    of_hive, of_processes = ({*re.findall(r"^\| `(hive_\w+)`", page, re.MULTILINE)} for page in pages)
    told = {name for name in of_hive - of_processes if not name.startswith("hive_api_")}
    wrong = [each for each in expressions() if metrics_of(each) & told and not re.search(r"\b(max|avg|min)\b", each)]
    assert wrong == []


def test_variables_take_the_label_of_a_metric_that_there_is() -> None:
    queries = [each["query"] for board in dashboards() for each in board["templating"]["list"]]
    assert [re.fullmatch(r"label_values\((\w+), \w+\)", query) is None for query in queries] == [False] * 3
    assert {query[13:].split(",")[0] for query in queries} <= documented() | EXPORTERS


def test_metrics_are_found_in_an_expression() -> None:
    assert metrics_of('sum by (a) (rate(one{b="c"}[5m])) / scalar(two) > 3 unless on (x) three') == {"one", "two", "three"}


@pytest.mark.skipif(shutil.which("promtool") is None, reason="promtool is not installed; Debian has it in `prometheus`")
def test_every_expression_is_promql(tmp_path: Path) -> None:
    """As recording rules, since promtool reads those."""
    filled = [re.sub(r"\$__rate_interval", "1m", each).replace("$", "") for each in expressions()]
    rules = [{"record": f"expression:{number}", "expr": each} for number, each in enumerate(filled)]
    (tmp_path / "rules.yml").write_text(yaml.safe_dump({"groups": [{"name": "dashboards", "rules": rules}]}))
    found = subprocess.run(
        ["promtool", "check", "rules", "rules.yml"], cwd=tmp_path, capture_output=True, text=True, timeout=60, check=False
    )
    assert found.returncode == 0, found.stdout + found.stderr


def test_what_is_provisioned_is_what_the_dashboards_ask() -> None:
    folder = FOLDER.with_name("provisioning")
    (source,) = yaml.safe_load((folder / "datasources" / "hive.yml").read_text())["datasources"]
    assert {
        target["datasource"]["uid"] for board in dashboards() for panel in board["panels"] for target in panel["targets"]
    } == {source["uid"]}
    (provider,) = yaml.safe_load((folder / "dashboards" / "hive.yml").read_text())["providers"]
    assert provider["type"] == "file"


def test_what_processes_tell_of_themselves_is_documented() -> None:
    """Their samples are made in many rooms, so the source is read."""
    rooms = ("bus", "coordinator", "agent_sidecar", "workflow", "monitor", "gui")
    source = "\n".join(path.read_text() for room in rooms for path in (ROOT / room).rglob("*.py"))
    made = {(name, kind) for name, kind in re.findall(r'Sample\(\s*"(\w+)",\s*"(\w+)"', source)}
    page = (ROOT / "docs" / "observability.md").read_text()
    told = set(re.findall(r"^\| `hive_(\w+)` \| (\w+)", page, re.MULTILINE))
    assert {(f"{name}_total" if kind == "counter" else name, kind) for name, kind in made} == told
