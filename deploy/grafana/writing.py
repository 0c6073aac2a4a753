"""The dashboards as files."""

import json
from pathlib import Path
from typing import Final

from deploy.grafana.hive_dashboards import DASHBOARDS
from deploy.grafana.panels import rendered

FOLDER: Final = Path(__file__).with_name("dashboards")


def files() -> dict[str, str]:
    """Text by name."""
    return {f"{each.uid}.json": json.dumps(rendered(each), indent=1, ensure_ascii=False) + "\n" for each in DASHBOARDS}
