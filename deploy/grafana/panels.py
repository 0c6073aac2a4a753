"""Dashboards and panels as Grafana's JSON: the little of it that Hive's have. Pure."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final, Literal

SOURCE: Final = {"type": "prometheus", "uid": "hive-prometheus"}
COLUMNS: Final = 24
HEIGHT: Final = 8

Kind = Literal["timeseries", "stat", "bargauge", "table"]


@dataclass(frozen=True, kw_only=True)
class Panel:
    """`queries`: PromQL and its legend. `unit` is one of Grafana's; `most` the end of the scale, where there is one."""

    title: str
    queries: tuple[tuple[str, str], ...]
    description: str
    unit: str = "short"
    kind: Kind = "timeseries"
    width: int = 12
    most: float | None = None
    stacked: bool = False


@dataclass(frozen=True, kw_only=True)
class Dashboard:
    """`variables`: name and metric; the variable takes that metric's label of the same name."""

    uid: str
    title: str
    panels: Sequence[Panel]
    variables: tuple[tuple[str, str], ...] = ()


def rendered(dashboard: Dashboard) -> dict[str, Any]:
    return {
        "uid": dashboard.uid,
        "title": dashboard.title,
        "tags": ["hive"],
        "schemaVersion": 39,
        "version": 1,
        "editable": False,
        "refresh": "15s",
        "time": {"from": "now-1h", "to": "now"},
        "timezone": "browser",
        "annotations": {"list": []},
        "templating": {"list": [_variable(name, metric) for name, metric in dashboard.variables]},
        "links": [{"title": "Hive", "type": "dashboards", "tags": ["hive"], "asDropdown": True, "keepTime": True}],
        "panels": _placed(dashboard.panels),
    }


def _placed(panels: Sequence[Panel]) -> list[dict[str, Any]]:
    """From left to right, a new row where one is full."""
    found, x, y = [], 0, 0
    for number, panel in enumerate(panels, start=1):
        if x + panel.width > COLUMNS:
            x, y = 0, y + HEIGHT
        found.append(_panel(panel, number, x, y))
        x += panel.width
    return found


def _panel(panel: Panel, number: int, x: int, y: int) -> dict[str, Any]:
    custom = {"stacking": {"mode": "normal"}, "fillOpacity": 30} if panel.stacked else {}
    ends = {"min": 0} | ({} if panel.most is None else {"max": panel.most})
    return {
        "id": number,
        "type": panel.kind,
        "title": panel.title,
        "description": panel.description,
        "datasource": SOURCE,
        "gridPos": {"x": x, "y": y, "w": panel.width, "h": HEIGHT},
        "fieldConfig": {"defaults": {"unit": panel.unit, **ends, "custom": custom}, "overrides": []},
        "options": {},
        "targets": [_target(panel, letter, *query) for letter, query in zip("ABCDEF", panel.queries, strict=False)],
    }


def _target(panel: Panel, letter: str, expression: str, legend: str) -> dict[str, Any]:
    at_once = panel.kind in ("stat", "bargauge", "table")
    found = {"refId": letter, "datasource": SOURCE, "expr": expression, "legendFormat": legend, "instant": at_once}
    return found | ({"format": "table"} if panel.kind == "table" else {"exemplar": "_bucket" in expression})


def _variable(name: str, metric: str) -> dict[str, Any]:
    return {
        "name": name,
        "type": "query",
        "datasource": SOURCE,
        "query": f"label_values({metric}, {name})",
        "refresh": 2,
        "multi": True,
        "includeAll": True,
        "allValue": ".*",
        "current": {"text": "All", "value": "$__all"},
    }
