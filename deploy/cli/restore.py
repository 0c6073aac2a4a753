"""`hive restore`: a hive as a backup has it, for `hive up` to serve."""

from pathlib import Path
from typing import Annotated

import typer

from deploy.backup.manifest import Manifest
from deploy.cli.command import command, settings
from deploy.cli.connection import quiet
from deploy.cli.screen import local_second, note, say
from deploy.local.data_folder import DataFolder
from deploy.settings import DeploySettings


@command
async def restore(
    file: Annotated[Path, typer.Argument(help="What `hive backup` wrote.", metavar="FILE")],
    replace: Annotated[bool, typer.Option("--replace", help="Let go of the hive that is there.")] = False,
) -> None:
    """Bring back a hive from a backup.

    The hive must not run, and must be empty unless you say --replace.
    """
    from deploy.backup import archive, restoring, servers  # the clients of PostgreSQL and NATS

    quiet()
    found = settings()
    folder = DataFolder(found.data_dir)
    servers.require_stopped(folder)
    note(f"Reading {file} …")
    manifest = archive.verify(file)
    async with servers.started(found, folder, synced=False) as parts, servers.nats_client(found, parts) as client:
        await restoring.restore(
            file, manifest, parts.database_url, client, folder, replace=replace, tell=note, stores=parts.stores
        )
    say(f"Restored the hive of {local_second(manifest.taken_at)}. Start it with `hive up`.")
    _mind_the_key(manifest, found)


def _mind_the_key(manifest: Manifest, found: DeploySettings) -> None:
    from bus.vault import FILE_NAME, Vault
    from workflow.settings import WorkflowSettings

    given = WorkflowSettings().credentials_key
    here = Vault(found.data_dir.expanduser() / FILE_NAME, given.get_secret_value() if given else None).ids()
    if lacking := set(manifest.credential_keys) - set(here):
        note(
            f"Credentials are sealed with a key that is not here ({', '.join(sorted(lacking))}): put it into "
            f"{found.data_dir / FILE_NAME}, or give it in HIVE_CREDENTIALS_KEY. Until then what uses them fails."
        )
