"""`hive static export`: what browsers load of the dashboard, as files for a CDN or a web server (HIVE_STATIC_URL)."""

from pathlib import Path
from typing import Annotated

import typer

from bus.errors import InvalidRequest
from deploy.cli.command import command
from deploy.cli.screen import say

app = typer.Typer(help="What browsers load of the dashboard beside its pages.", no_args_is_help=True)


@app.callback()
def _group() -> None:
    """With one command only, typer would leave out its name."""


@app.command("export")
@command
def export(
    folder: Annotated[Path, typer.Argument(help="Where the files go, in a folder named by what they hold.", metavar="DIR")],
) -> None:
    """Write scripts, styles and fonts of the dashboard into a folder.

    Serve DIR at HIVE_STATIC_URL before dashboards of this version start, and keep the folders of older versions for pages that are open.
    """
    from gui.static_files import collected
    from gui.static_files import export as write

    try:
        written = write(collected(), folder)
    except OSError as error:
        raise InvalidRequest(
            f"The files cannot be written to {folder}: {error.strerror or error}. Choose another folder."
        ) from None
    say(str(written))
