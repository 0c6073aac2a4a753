"""`hive doctor`: everything that can be wrong, and what to do about it."""

from datetime import UTC, datetime

import typer
from pydantic import TypeAdapter

from deploy.cli.command import Json, command, settings
from deploy.cli.connection import quiet
from deploy.cli.screen import print_json, print_table, state
from deploy.local.data_folder import DataFolder
from deploy.local.finding import Finding, Level
from deploy.local.state import HiveState
from deploy.settings import DeploySettings


@command
async def doctor(as_json: Json = False) -> None:
    """Check everything, and say what to do.

    The exit status is 1 when something fails.
    """
    findings = await examine(settings())
    if as_json:
        print_json(TypeAdapter(list[Finding]).dump_json(findings, indent=2).decode())
    else:
        rows = [(state(finding.level), finding.what, finding.found, finding.remedy) for finding in findings]
        print_table(("", "What", "Found", "What to do"), rows, "")
    if any(finding.level is Level.FAIL for finding in findings):
        raise typer.Exit(1)


def certificates(found: DeploySettings, folder: DataFolder) -> list[Finding]:
    """Of those that an administrator gave, else of the hive's own where it has some."""
    from deploy.local.doctor import certificate

    now, home = datetime.now(UTC), folder.path / "tls"
    if found.tls_cert is not None:
        return [certificate(found.tls_cert, now, "Renew it: the hive takes the new files by itself.")]
    remedies = {
        "server.pem": "hive logs supervisor says why it was not made anew; remove the file, and start the hive again.",
        "ca.pem": f"When it is over, remove {home} and start the hive again; then every host joins anew.",
    }
    return [certificate(home / name, now, remedy) for name, remedy in remedies.items() if (home / name).exists()]


async def examine(found: DeploySettings) -> list[Finding]:
    from deploy.local import doctor as looks  # the clients of every server

    quiet()
    folder = DataFolder(found.data_dir)
    findings = [looks.python(), *looks.packages(), *looks.data_folder(folder)]
    state = folder.read_state(HiveState) if folder.locked_by() else None
    findings += looks.ports(found) if state is None else looks.processes(state)
    findings += certificates(found, folder)
    nats_url = found.given_nats_url or (state.nats.url if state else None)
    database_url = found.given_database_url or (state.database_url if state else None)
    redis_url = found.given_redis_url or (state.redis_url if state else None)
    if nats_url:
        authority = found.nats_ca if found.given_nats_url or state is None else state.nats.ca
        findings += await looks.bus(found.model_copy(update={"nats_ca": authority}), nats_url)
    if database_url:
        findings.append(await looks.database(database_url))
    if redis_url:
        findings.append(await looks.cache(redis_url))
    if state is None:
        text = f"none runs on {folder.path}"
        findings.append(Finding(what="hive", level=Level.WARN, found=text, remedy="Start one with `hive up`."))
    return findings + await looks.backends()
