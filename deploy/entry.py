"""The `hive` command. `hive run` is taken aside before anything is imported: a sidecar on a GPU host has neither typer nor rich."""

import sys


def main() -> None:
    if sys.argv[1:2] == ["run"]:
        from deploy.run import main as run

        run(sys.argv[2:])
        return
    try:
        from deploy.cli import app
    except ModuleNotFoundError as missing:
        sys.exit(
            f"error [unavailable]: this install has no command line but `hive run` ({missing.name} is missing). "
            "Install hive[cli]."
        )
    app()
