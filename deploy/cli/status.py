"""`hive status`: what runs on the data folder."""

from deploy.cli.command import Json, command, settings
from deploy.cli.connection import running
from deploy.cli.screen import print_facts, print_json, print_table, state

HIDDEN = {"database_url", "redis_url", "version", "started_at"}


@command
def status(as_json: Json = False) -> None:
    """Show addresses and processes of the hive that runs on the data folder."""
    found = running(settings())
    if as_json:
        print_json(found.model_dump_json(indent=2, exclude=HIDDEN))
        return
    print_facts([("Dashboard", found.gui), ("API", found.api), ("NATS", found.nats.url)])
    rows = [(process.name, process.pid, state(process.state), process.restarts or "") for process in found.processes]
    print_table(("Process", "Pid", "State", "Restarts"), rows, "Nothing runs yet.")
