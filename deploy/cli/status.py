"""`hive status`: what runs on the data folder."""

from typing import Annotated, Any

import typer

from bus.errors import NotFound, Unavailable
from deploy.cli.command import Json, command, settings
from deploy.cli.connection import running
from deploy.local.state import HiveState

SHOWN = {"api", "gui", "nats", "processes"}
"""To programs. The rest is Hive's own business, and some of it secret."""


@command
def status(
    as_json: Json = False,
    env: Annotated[bool, typer.Option("--env", help='Print the addresses for a shell: eval "$(hive status --env)".')] = False,
    pid: Annotated[str | None, typer.Option(metavar="NAME", help="Print only the process id of one process.")] = None,
) -> None:
    """Show addresses and processes of a running hive."""
    found = running(settings())
    if as_json:
        hidden: dict[str, Any] = {"processes": {"__all__": {"version"}}}
        if found.nats.ca is None:
            hidden["nats"] = {"ca"}
        print(found.model_dump_json(indent=2, include=SHOWN, exclude=hidden))
    elif env:
        print(f"export HIVE_API_URL={found.api}\nexport HIVE_GUI_URL={found.gui}")
    elif pid is not None:
        print(pid_of(found, pid))
    else:
        _show(found)


def pid_of(found: HiveState, name: str) -> int:
    """NotFound for a process that the hive does not have; Unavailable while it is being started."""
    for process in found.processes:
        if process.name == name:
            if process.pid is None:
                raise Unavailable(f"{name} has no process now: it is {process.state}. Ask again in a moment.")
            return process.pid
    raise NotFound(f"There is no process {name}; there are: {', '.join(process.name for process in found.processes)}.")


def _show(found: HiveState) -> None:
    from bus.nats_complaints import without_password  # and with it, rich: for people only, programs ask often
    from deploy.cli.screen import print_facts, print_table, state

    print_facts([("Dashboard", found.gui), ("API", found.api), ("NATS", without_password(found.nats.url))])
    rows = [(process.name, process.pid, state(process.state), process.restarts or "") for process in found.processes]
    print_table(("Process", "Pid", "State", "Restarts"), rows, "Nothing runs yet.")
