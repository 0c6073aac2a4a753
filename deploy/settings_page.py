"""docs/settings.md, made of the settings classes: `python -m deploy.settings_page > docs/settings.md`. A test compares the two."""

import importlib
import json
import sys
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from pydantic import SecretStr
from pydantic.fields import FieldInfo

from bus.settings import HiveSettings
from deploy.modules import MODULES
from deploy.run import variable

INTRODUCTION: Final = """# Settings

Made from the `settings.py` of every room by `python -m deploy.settings_page > docs/settings.md`; a test keeps the two equal.

A flag comes before the environment, that before the YAML file that `HIVE_CONFIG` (or `--config`) names, that before the default.
`hive up` has flags for what is changed most (`hive up --help`); `hive run SERVICE` takes every setting of its service as a flag,
`--api-port 8421` for `HIVE_API_PORT`. In the file the names are the same in small letters and without `hive_`: `api_port: 8421`.

Every setting may be given as a file, which is meant for secrets: `HIVE_DATABASE_URL_FILE=/run/secrets/database`.
`hive up` passes what it was told on to the services that it starts. Seconds, hours, days and bytes are what the names say.

| setting | default | read by | what it is |
|---|---|---|---|
"""

CLOSING: Final = """
Whoever starts nats-server with `nats.conf` and without `hive` sets the variables that the head of that file names.
"""

EVERYBODY: Final = "all"


@dataclass(frozen=True, kw_only=True)
class Row:
    """One variable. `description` is empty where no class gives one."""

    name: str
    default: str
    readers: tuple[str, ...]
    description: str


def classes() -> dict[str, type[HiveSettings]]:
    """Of every program that reads settings, by its name."""
    modules = {"hive": "deploy", **{service: module.rpartition(".")[0] for service, module in MODULES.items()}}
    return {program: _settings_of(module) for program, module in modules.items()}


def _settings_of(module: str) -> type[HiveSettings]:
    own = vars(importlib.import_module(f"{module}.settings")).values()
    (found,) = (
        value for value in own if isinstance(value, type) and issubclass(value, HiveSettings) and value is not HiveSettings
    )
    return found


def rows() -> list[Row]:
    """Those of every process first, then by program, each variable once."""
    found = {name: _row(name, field, (EVERYBODY,)) for name, field in HiveSettings.model_fields.items()}
    for program, settings in classes().items():
        for name, field in settings.model_fields.items():
            if name in HiveSettings.model_fields:
                continue
            before = found.get(name)
            row = _row(name, field, (*(before.readers if before else ()), program))
            found[name] = row if before is None else _joined(before, row)
    return list(found.values())


def _row(name: str, field: FieldInfo, readers: tuple[str, ...]) -> Row:
    return Row(name=variable(name), default=_shown(field), readers=readers, description=field.description or "")


def _joined(one: Row, other: Row) -> Row:
    return Row(
        name=one.name,
        default=one.default or other.default,
        readers=other.readers,
        description=one.description or other.description,
    )


def _shown(field: FieldInfo) -> str:
    value = field.get_default(call_default_factory=True, validated_data={})
    if isinstance(value, SecretStr):
        value = value.get_secret_value()
    if isinstance(value, Path):
        return str("~" / value.relative_to(Path.home()))
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, dict):
        return json.dumps(value)
    return "" if value in (None, ()) else f"{value:g}" if isinstance(value, float) else str(value)


def render(listed: Iterable[Row]) -> str:
    """The page as Markdown."""
    lines = (
        f"| `{row.name}` | {f'`{row.default}`' if row.default else ''} | {', '.join(row.readers)} | {row.description} |\n"
        for row in listed
    )
    return INTRODUCTION + "".join(lines) + CLOSING


if __name__ == "__main__":
    sys.stdout.write(render(rows()))
