"""Commands that are imported when they are asked for: most of them need libraries that the others do not."""

from collections.abc import Iterator, Mapping
from importlib import import_module
from typing import Any, Final

import typer
from typer.core import TyperGroup
from typer.main import get_group

MODULES: Final = {
    "up": "up",
    "status": "status",
    "down": "down",
    "doctor": "doctor",
    "logs": "logs",
    "backup": "backup",
    "restore": "restore",
    "upgrade": "upgrade",
    "uninstall": "uninstall",
    "login": "login",
    "nats-context": "nats_context",
    "task": "task",
    "explain": "explain",
    "schedule": "schedule",
    "workflow": "workflow",
    "execution": "execution",
    "credential": "credential",
    "nodes": "nodes",
    "mcp-server": "mcp_server",
    "agents": "agents",
    "join-token": "join_token",
    "leaf": "leaf",
    "maintenance": "maintenance",
    "alerts": "alerts",
    "usage": "usage",
    "audit": "audit",
    "models": "models",
    "apply": "apply",
    "placement": "model_placement",
    "users": "users",
    "signing-keys": "signing_keys",
    "keys": "keys",
    "mcp": "mcp",
    "static": "static_files",
}
"""Command to module of this package. One with several commands has them in its `app`, else the function is called as the module."""


class Catalogue(Mapping[str, Any]):
    """All commands by name, in the order of the help; looking one up imports it. `own` are there already."""

    def __init__(self, own: Mapping[str, Any]) -> None:
        self._found = dict(own)
        self._names = list(dict.fromkeys([*own, *MODULES]))

    def __getitem__(self, name: str) -> Any:
        if name not in self._found:
            self._found[name] = load(name)
        return self._found[name]

    def __contains__(self, name: object) -> bool:
        return name in self._names

    def __iter__(self) -> Iterator[str]:
        return iter(self._names)

    def __len__(self) -> int:
        return len(self._names)


def load(name: str) -> Any:
    """One command, as typer makes it. KeyError for a name that there is not."""
    module = import_module(f"deploy.cli.{MODULES[name]}")
    holder = typer.Typer(rich_markup_mode=None)
    if group := getattr(module, "app", None):
        holder.add_typer(group, name=name)
    else:
        holder.command(name)(getattr(module, MODULES[name]))
    return get_group(holder).commands[name]


class LazyGroup(TyperGroup):
    """A group whose commands are a Catalogue."""

    def __init__(self, **attributes: Any) -> None:
        super().__init__(**attributes)
        self.commands: Any = Catalogue(self.commands)

    def list_commands(self, ctx: Any) -> list[str]:
        return list(self.commands)
