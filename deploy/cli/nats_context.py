"""`hive nats-context`: let the plain NATS CLI speak to this hive without a word about credentials."""

import json
import os
import pwd
from pathlib import Path
from urllib.parse import unquote, urlsplit

from bus.messages import Message
from deploy.cli.command import Json, command, settings
from deploy.cli.connection import nats_authority, nats_url
from deploy.cli.screen import print_json, say

NAME = "hive"

TRY = """  nats micro ls
  nats req hive.svc.tasks.submit '{"prompt": "Say hello in one short sentence."}'
  nats sub 'hive.events.>'
  nats kv ls hive_agents"""


class WrittenContext(Message):
    name: str
    path: Path
    selected: bool


@command
def nats_context(as_json: Json = False) -> None:
    """Make the NATS CLI ready for this hive.

    Writes its context `hive`, and selects it when none is selected.
    """
    found = settings()
    written = write(nats_url(found), configuration(), nats_authority(found))
    if as_json:
        print_json(written)
        return
    say(f"Wrote {written.path}.")
    if not written.selected:
        say(f"Another context is selected; choose this one with `nats context select {NAME}`, or add `--context {NAME}`.")
    say(f"Try:\n{TRY}")


def configuration() -> Path:
    """The NATS CLI's own folder, where that looks for it: below this user's home of the passwd file, whatever HOME says (as under `sudo -E`)."""
    if said := os.environ.get("XDG_CONFIG_HOME"):
        return Path(said) / "nats"
    try:
        home = Path(pwd.getpwuid(os.getuid()).pw_dir)
    except KeyError:  # a user that only a container's command line names
        home = Path.home()
    return home / ".config" / "nats"


def write(url: str, folder: Path, authority: Path | None = None) -> WrittenContext:
    """`folder` is that of `configuration`. The file holds a password, so it is this user's alone."""
    path, selection = folder / "context" / f"{NAME}.json", folder / "context.txt"
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w") as file:
        os.fchmod(file.fileno(), 0o600)
        file.write(json.dumps(context(url) | ({"ca": str(authority)} if authority else {}), indent=2) + "\n")
    if not selection.exists() or not selection.read_text().strip():
        selection.write_text(NAME)
    return WrittenContext(name=NAME, path=path, selected=selection.read_text().strip() == NAME)


def context(url: str) -> dict[str, str]:
    """The NATS CLI's own format: servers without credentials, and these beside them."""
    servers = [urlsplit(server) for server in url.split(",")]
    return {
        "description": "Hive",
        "url": ",".join(f"{server.scheme}://{server.netloc.rpartition('@')[2]}" for server in servers),
        "user": unquote(servers[0].username or ""),
        "password": unquote(servers[0].password or ""),
    }
