"""`hive upgrade`: the version that is installed takes the place of the one that runs, part by part, while the hive works."""

import sys
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated

import typer

from bus.errors import Conflict, Unavailable, UpgradeFailed, UpgradeRefused
from bus.messages import Message
from deploy.cli.command import Json, command, settings
from deploy.cli.connection import quiet
from deploy.cli.screen import note, print_json, print_table, say, state
from deploy.local.data_folder import DataFolder
from deploy.local.state import HiveState, UpgradeStage
from deploy.settings import DeploySettings
from deploy.sidecar_host import upgrade as host
from deploy.sidecar_host.facts import joined_host
from deploy.upgrading.plan import Part, UpgradePlan

PENDING = 10
"""The exit status of --check where something is to be done."""

INSTALL = """How to install another version (docs/upgrading.md has it for every kind of installation):
  a checkout:   git pull && make setup
  a wheel:      uv pip install --require-hashes -r requirements.lock && uv pip install --no-deps hive-*.whl
then `hive upgrade` again."""


class Upgraded(Message):
    """`backup`: the file that was made before. `renewed`: the parts that were, in their order."""

    version: str
    renewed: tuple[str, ...]
    backup: Path | None = None


@command
async def upgrade(
    check: Annotated[
        bool, typer.Option("--check", help="Change nothing; the exit status is 10 where something is to be done.")
    ] = False,
    backup: Annotated[Path | None, typer.Option("--backup", help="Where the backup goes.", metavar="FILE")] = None,
    no_backup: Annotated[bool, typer.Option("--no-backup", help="Make none.")] = False,
    back: Annotated[bool, typer.Option("--back", help="Go back to an older version.")] = False,
    as_json: Json = False,
) -> None:
    """Let the installed version take over, part by part.

    A running hive goes on answering meanwhile. On a sidecar's host, its sidecar.
    """
    quiet()
    found = settings()
    folder = DataFolder(found.data_dir)
    supervisor = folder.locked_by()
    running = folder.read_state(HiveState) if supervisor else None
    if supervisor and running:
        file = None if no_backup else backup or _backup_file(folder)
        await _of_machine(found, folder, supervisor, running, file=file, back=back, check=check, as_json=as_json)
    elif found.given_nats_url:
        await _of_bus(check=check, as_json=as_json)
    elif joined_host(found.data_dir):
        host.upgrade(found.data_dir, check=check, as_json=as_json)
    else:
        raise Unavailable(host.nothing_here(found.data_dir))


async def _of_machine(
    found: DeploySettings,
    folder: DataFolder,
    supervisor: int,
    running: HiveState,
    *,
    file: Path | None,
    back: bool,
    check: bool,
    as_json: bool,
) -> None:
    from deploy.upgrading import looking  # the clients of every server

    plan = await looking.of_machine(found, folder, running, backup=file, back=back)
    if check:
        _show(plan, as_json)
        _end_of_check(plan)
    if not plan.renewed:
        _nothing_to_do(plan, as_json)
        return
    if plan.refusals:
        raise UpgradeRefused(" ".join(f"{each.what}: {each.found}. {each.remedy or ''}".strip() for each in plan.refusals))
    if not as_json:
        _table(plan.parts)
    if file is not None:
        await _take_backup(found, file)
    renewed = await _follow(folder, supervisor, file)
    done = Upgraded(version=plan.installed, renewed=renewed, backup=file)
    if as_json:
        print_json(done)
        return
    say(f"The hive on {folder.path} runs {plan.installed} now.", "green")
    if file is not None:
        say(f"The backup from before is {file}; remove it when you are content.")
    _others(plan)


async def _take_backup(found: DeploySettings, file: Path) -> None:
    from deploy.backup import servers, taking

    _require_new(file)
    file.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    note(f"Taking a backup into {file} …")
    async with servers.of_any_hive(found) as parts, servers.nats_client(found, parts) as client:
        await taking.take(file, parts.database_url, client, metrics=True, files={}, tell=lambda _: None)


def _require_new(file: Path) -> None:
    """Conflict for a file that is there: it may be the one from before an upgrade that failed."""
    if file.exists():
        raise Conflict(f"{file} is there already. Choose another name with --backup.")


async def _follow(folder: DataFolder, supervisor: int, file: Path | None) -> tuple[str, ...]:
    from deploy.upgrading.following import follow

    note("The supervisor takes over, then part after part …")
    ended = await follow(folder, supervisor, datetime.now(UTC), lambda name: note(f"  {name} is renewed"))
    if ended.stage is UpgradeStage.FAILED:
        raise UpgradeFailed(f"{ended.message.rstrip('. ')}. {_way_back(ended.doing, ended.done, file)}")
    return ("supervisor", *ended.done)


def _way_back(part: str | None, done: tuple[str, ...], file: Path | None) -> str:
    stands = f"Renewed: {', '.join(done) or 'no part'}; " + (
        f"{part} and what comes after it run as before." if part else "the rest runs as before."
    )
    restore = (
        f" If the data is not as it was: `hive down`, then with the old version `hive restore --replace {file}` and `hive up`."
        if file
        else ""
    )
    return f"{stands} To go back, install the version from before and give `hive upgrade --back`.{restore}"


async def _of_bus(*, check: bool, as_json: bool) -> None:
    """Parts that run elsewhere are upgraded by what runs them."""
    from deploy.upgrading import looking

    plan = await looking.of_bus()
    _show(plan, as_json)
    if check:
        _end_of_check(plan)
    if plan.elsewhere:
        raise UpgradeRefused(
            "These parts are upgraded by what runs them (Compose, Swarm, systemd), in the order above: docs/upgrading.md has the commands. "
            "`hive upgrade --check` tells what is left."
        )


def _show(plan: UpgradePlan, as_json: bool) -> None:
    if as_json:
        print_json(plan)
        return
    say(f"Installed: {plan.installed} ({sys.prefix})")
    _table(plan.parts)
    rows = [(state(each.level), each.what, each.found, each.remedy) for each in plan.findings]
    print_table(("", "What", "Found", "What to do"), rows, "")


def _table(parts: tuple[Part, ...]) -> None:
    rows = [(part.name, part.runs, part.would_run, part.step) for part in parts]
    print_table(("Part", "Runs", "Would run", ""), rows, "Nothing tells of itself on this bus.")


def _end_of_check(plan: UpgradePlan) -> None:
    if plan.refusals:
        raise typer.Exit(1)
    raise typer.Exit(PENDING if plan.renewed or plan.elsewhere else 0)


def _nothing_to_do(plan: UpgradePlan, as_json: bool) -> None:
    if as_json:
        print_json(Upgraded(version=plan.installed, renewed=()))
        return
    say(f"All of this hive's own parts run {plan.installed}, which is what is installed.")
    _others(plan)
    if not plan.elsewhere:
        note(INSTALL)


def _others(plan: UpgradePlan) -> None:
    if plan.elsewhere:
        say(
            f"Not of this machine, and of another version: {', '.join(plan.elsewhere)}. Install it there too, then there: hive upgrade"
        )


def _backup_file(folder: DataFolder) -> Path:
    return folder.path / "backups" / f"before-upgrade-{datetime.now(UTC):%Y%m%d-%H%M%S}.backup"
