"""`hive up`: the options; what they start is in hosting.py, imported when it is wanted: it takes a second."""

from pathlib import Path
from typing import Annotated

import typer

from deploy.cli.command import command, flags_as_environment, settings
from deploy.cli.connection import quiet


@command
async def up(
    port: Annotated[int | None, typer.Option(help="Of the API (HIVE_API_PORT); 0 takes a free one.")] = None,
    gui_port: Annotated[int | None, typer.Option(help="Of the dashboard (HIVE_GUI_PORT).")] = None,
    nats_port: Annotated[int | None, typer.Option(help="Of the bus (HIVE_NATS_PORT).")] = None,
    listen: Annotated[
        str | None,
        typer.Option(help="Serve a LAN on this address of the machine, with TLS (HIVE_LISTEN).", metavar="ADDRESS"),
    ] = None,
    leaf_port: Annotated[
        int | None, typer.Option(help="Of the bus for buses of sites behind NAT, see `hive leaf` (HIVE_NATS_LEAF_PORT).")
    ] = None,
    host: Annotated[str | None, typer.Option(help="Address of API and dashboard (HIVE_HOST).")] = None,
    nats_url: Annotated[str | None, typer.Option(help="A NATS server to use instead (NATS_URL).")] = None,
    database_url: Annotated[str | None, typer.Option(help="A PostgreSQL to use instead (HIVE_DATABASE_URL).")] = None,
    redis_url: Annotated[str | None, typer.Option(help="A Redis to use instead (HIVE_REDIS_URL).")] = None,
    backends: Annotated[str | None, typer.Option(help="Ollama and OpenAI-compatible hosts, by comma (HIVE_BACKENDS).")] = None,
    data_dir: Annotated[Path | None, typer.Option(help="Where all state lives (HIVE_DATA_DIR).")] = None,
    config: Annotated[Path | None, typer.Option(help="YAML file of settings (HIVE_CONFIG).")] = None,
) -> None:
    """Start a whole hive here, until Ctrl-C."""
    flags_as_environment(
        HIVE_API_PORT=port,
        HIVE_GUI_PORT=gui_port,
        HIVE_NATS_PORT=nats_port,
        HIVE_LISTEN=listen,
        HIVE_NATS_LEAF_PORT=leaf_port,
        HIVE_HOST=host,
        NATS_URL=nats_url,
        HIVE_DATABASE_URL=database_url,
        HIVE_REDIS_URL=redis_url,
        HIVE_BACKENDS=backends,
        HIVE_DATA_DIR=data_dir,
        HIVE_CONFIG=config,
    )
    from deploy.cli.hosting import host_hive

    quiet()
    await host_hive(settings())
