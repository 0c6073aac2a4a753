"""`hive backup`: one file with the record and the streams of a hive, taken while it works; or whether such a file is whole."""

from pathlib import Path
from typing import Annotated

import typer

from bus.errors import Conflict
from deploy.backup.manifest import Manifest
from deploy.cli.command import Json, command, settings
from deploy.cli.connection import quiet
from deploy.cli.screen import local_second, note, print_json, say

MIB = 1024 * 1024


@command
async def backup(
    file: Annotated[Path, typer.Argument(help="The file to write, or to check.", metavar="FILE")],
    check: Annotated[bool, typer.Option("--check", help="Write nothing; read FILE and say whether it is whole.")] = False,
    force: Annotated[bool, typer.Option("--force", help="Write over a file that is there.")] = False,
    without_metrics: Annotated[bool, typer.Option("--without-metrics", help="Leave out the hosts' kept metrics.")] = False,
    with_secrets: Annotated[
        bool,
        typer.Option(
            "--with-secrets", help="Take along the bus's passwords, the key of credentials, and the authority of certificates."
        ),
    ] = False,
    as_json: Json = False,
) -> None:
    """Write a backup of the hive, which goes on working."""
    from deploy.backup import archive, servers, taking  # the clients of PostgreSQL and NATS

    quiet()
    if check:
        _show(archive.verify(file), f"{file} is whole.", as_json)
        return
    if file.exists() and not force:
        raise Conflict(f"{file} is there already. Choose another name, or write over it with --force.")
    found = settings()
    async with servers.of_any_hive(found) as parts, servers.nats_client(found, parts) as client:
        files = taking.secret_files(found.data_dir) if with_secrets else {}
        manifest, size = await taking.take(
            file, parts.database_url, client, metrics=not without_metrics, files=files, tell=note
        )
    _show(manifest, f"Wrote {file}, {size / MIB:,.1f} MiB.", as_json)
    if manifest.credential_keys and "files/credentials.key" not in {each.name for each in manifest.files}:
        note(
            f"Its credentials are sealed, and their key ({', '.join(manifest.credential_keys)}) is not in it: keep a copy of "
            f"{found.data_dir / 'credentials.key'}, or of HIVE_CREDENTIALS_KEY, in another place. Without it they cannot be opened."
        )


def _show(manifest: Manifest, done: str, as_json: bool) -> None:
    if as_json:
        print_json(manifest)
        return
    rows, messages = sum(table.rows for table in manifest.tables), sum(stream.messages for stream in manifest.streams)
    say(
        f"{done} Hive {manifest.hive_version}, taken {local_second(manifest.taken_at)}: {rows:,} rows of {len(manifest.tables)} tables, "
        f"{messages:,} messages of {len(manifest.streams)} streams."
    )
