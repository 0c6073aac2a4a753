"""The `hive` command and the options that all of its commands share; the commands themselves come by catalogue.py."""

from pathlib import Path
from typing import Annotated

import typer

from deploy import run
from deploy.cli.catalogue import LazyGroup
from deploy.cli.command import flags_as_environment

app = typer.Typer(
    name="hive",
    cls=LazyGroup,
    help="Turn a handful of GPU hosts that run Ollama into one dependable service.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
    context_settings={"help_option_names": ["-h", "--help"]},
)


@app.callback()
def common(
    config: Annotated[Path | None, typer.Option(help="YAML file of settings (HIVE_CONFIG).")] = None,
    data_dir: Annotated[Path | None, typer.Option(help="Where all state lives (HIVE_DATA_DIR).")] = None,
    nats_url: Annotated[str | None, typer.Option(help="The bus to use, with user and password (NATS_URL).")] = None,
) -> None:
    flags_as_environment(HIVE_CONFIG=config, HIVE_DATA_DIR=data_dir, NATS_URL=nats_url)


@app.command(
    "join",
    context_settings={"allow_extra_args": True, "ignore_unknown_options": True, "help_option_names": []},
    help="Make this host one of a hive's.",
)
def join_hive(context: typer.Context) -> None:
    from deploy.join import main

    main(context.args)


@app.command(
    "run",
    context_settings={"allow_extra_args": True, "ignore_unknown_options": True, "help_option_names": []},
    help="Become one service, such as a sidecar.",
)
def run_service(context: typer.Context) -> None:
    run.main(context.args)
