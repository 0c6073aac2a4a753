"""The `hive` command. `hive run` and `hive join` are taken aside before anything is imported: a GPU host has neither typer nor rich."""

import sys


def main() -> None:
    if sys.argv[1:2] == ["run"]:
        from deploy.run import main as run

        run(sys.argv[2:])
        return
    if sys.argv[1:2] == ["join"]:
        from deploy.join import main as join

        join(sys.argv[2:])
        return
    try:
        from deploy.cli import app
    except ModuleNotFoundError as missing:
        if sys.argv[1:2] in (["upgrade"], ["uninstall"]):
            from deploy.sidecar_host.main import main as of_host

            of_host(sys.argv[1], sys.argv[2:])
            return
        sys.exit(
            "error [unavailable]: this install has no command line but `hive run`, `hive join`, `hive upgrade` and `hive uninstall` "
            f"({missing.name} is missing). Install hive[cli]."
        )
    app()


if __name__ == "__main__":
    main()
