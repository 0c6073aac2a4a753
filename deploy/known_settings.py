"""Which variables a service reads, so that a mistyped flag of `hive run` is an error and not silently dropped."""

import importlib
from typing import Final

from bus.settings import HiveSettings
from deploy.modules import MODULES
from deploy.run import variable

_NATS_CONF: Final = {"HIVE_NATS_MONITOR_ADDRESS", "HIVE_NATS_STORE", "HIVE_NATS_PASSWORD", "HIVE_NATS_SYS_PASSWORD"}


def known_variables(service: str) -> set[str]:
    """Of a service of deploy.modules, or of `nats`."""
    names = {"HIVE_CONFIG"} | (_NATS_CONF if service == "nats" else set())
    module = MODULES[service].rpartition(".")[0] if service in MODULES else "deploy"
    for value in vars(importlib.import_module(f"{module}.settings")).values():
        if isinstance(value, type) and issubclass(value, HiveSettings):
            names |= {variable(name) for name in value.model_fields}
    return names
