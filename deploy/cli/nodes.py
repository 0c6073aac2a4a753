"""`hive nodes`: packages of n8n's nodes from npm, for the engine of this machine."""

from typing import Annotated

import typer

from deploy.cli.command import Json, command, settings
from deploy.cli.screen import print_json, print_table, say
from deploy.node_packages import Folder
from workflow.packages.installed import Index

app = typer.Typer(help="Packages of nodes from npm.", no_args_is_help=True)

PackageArgument = Annotated[str, typer.Argument(help="Its name.", metavar="PACKAGE")]


@app.command()
@command
def install(
    package: Annotated[
        str | None,
        typer.Argument(
            help="Name, name@version, or a tarball. Left out: what the lock file has, exactly.", metavar="[PACKAGE]"
        ),
    ] = None,
    allow_scripts: Annotated[
        bool, typer.Option(help="Let packages run their install scripts: they may do all that you may.")
    ] = False,
) -> None:
    """Install a package of nodes. An engine uses it at once. Needs no hive."""
    folder = _folder()
    for each in folder.install(package, allow_scripts=allow_scripts):
        runs = sum(1 for node in each.nodes if node.unfit is None)
        say(
            f"{each.name} {each.version}: {runs} of {len(each.nodes)} nodes run, {len(each.credentials)} types of credentials",
            "green",
        )
        for problem in each.problems:
            say(f"not loaded  {problem}", "yellow")
    say("Its code runs with the rights of the engine: install what you trust.", "yellow")


@app.command("list")
@command
def list_packages(as_json: Json = False) -> None:
    """What is installed. Needs no hive."""
    packages = _folder().installed()
    if as_json:
        print_json(Index(packages=packages))
        return
    rows = [
        (each.name, each.version, str(sum(1 for node in each.nodes if node.unfit is None)), str(len(each.nodes)))
        for each in packages
    ]
    print_table(("package", "version", "run", "nodes"), rows, "No package of nodes is installed.")


@app.command()
@command
def remove(package: PackageArgument) -> None:
    """Remove a package. Workflows with its nodes fail where they reach one. Needs no hive."""
    _folder().remove(package)
    say(f"{package} is removed.", "green")


def _folder() -> Folder:
    return Folder(settings().data_dir)
