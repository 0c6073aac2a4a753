"""`hive uninstall`: ends the hive of this machine and removes what it made here; on a sidecar's host, lets that leave its hive."""

import os
import sys
from contextlib import suppress
from datetime import datetime
from pathlib import Path
from typing import Annotated

import typer

from bus import subjects
from bus.errors import Conflict, HiveError, InvalidRequest
from bus.messages import ClusterStatus, Message, NoReply
from deploy.cli.command import Json, command, settings
from deploy.cli.connection import operator_bus, quiet
from deploy.cli.down import stop
from deploy.cli.nats_context import NAME, configuration
from deploy.cli.screen import note, print_json, print_table, say
from deploy.local.data_folder import DataFolder, Secrets
from deploy.local.postgres_user import NAME as POSTGRES_USER
from deploy.settings import DeploySettings
from deploy.sidecar_host import uninstall as host
from deploy.sidecar_host.facts import joined_host
from deploy.uninstalling.plan import Removal, UninstallPlan, of_folder, of_nats_context, real_folder
from deploy.uninstalling.removing import remove

REQUEST_SECONDS = 5.0


class AtWork(Message):
    """`tasks` that wait or run, and the agents of other hosts, which lose their hive."""

    tasks: int = 0
    agents: tuple[str, ...] = ()


@command
async def uninstall(
    check: Annotated[bool, typer.Option("--check", help="Remove nothing; say what would be.")] = False,
    yes: Annotated[bool, typer.Option("--yes", "-y", help="Do not ask, also while tasks are under way.")] = False,
    keep_data: Annotated[
        bool, typer.Option("--keep-data", help="Keep the data folder: another `hive up` goes on from there.")
    ] = False,
    backup: Annotated[Path | None, typer.Option("--backup", help="Write a backup there first.", metavar="FILE")] = None,
    as_json: Json = False,
) -> None:
    """Remove this machine's hive.

    On a sidecar's host, let that leave its hive.
    """
    quiet()
    found = settings()
    folder = DataFolder(found.data_dir)
    if not (folder.path / "secrets.json").exists() and joined_host(found.data_dir):
        host.uninstall(found.data_dir, check=check, yes=yes, keep_data=keep_data, as_json=as_json)
        return
    plan = planned(found, folder, keep_data=keep_data)
    work = await _at_work() if folder.locked_by() else AtWork()
    _show(plan, work, as_json)
    if check:
        return
    if work.tasks and not (yes or keep_data):
        raise Conflict(
            f"{work.tasks} tasks are under way. Wait for them (`hive task list`), or say --yes to lose them, or --keep-data to go on with them later."
        )
    file = backup if yes else _ask(plan, backup, keep_data=keep_data)
    if file is not None:
        await _take_backup(found, plan, file)
    stop(folder)
    if keep_data:
        remove(plan.removed, plan.folder)
    else:
        _remove_alone(folder, plan)
    if not as_json:
        say(f"The hive on {plan.folder} is {'stopped; its data stays' if keep_data else 'removed'}.")
        if file is not None:
            say(f"To bring it back: hive restore {file}")


def planned(found: DeploySettings, folder: DataFolder, *, keep_data: bool) -> UninstallPlan:
    """NotFound where there is no hive; Conflict for a folder that is a link."""
    place = real_folder(folder.path)
    removed, left = of_folder(place)
    if keep_data:
        removed, left = [], [f"{place}: kept"]
    secrets = folder.read("secrets.json", Secrets)
    removed += of_nats_context(configuration(), NAME, secrets.nats_password if secrets else None)
    named = (("PostgreSQL", found.given_database_url), ("NATS", found.given_nats_url), ("Redis", found.given_redis_url))
    left += [f"what Hive keeps in the {name} that you named: yours to remove" for name, given in named if given]
    if os.geteuid() == 0 and found.given_database_url is None:
        left.append(f"the system user {POSTGRES_USER}, if no other hive of root's is here: userdel {POSTGRES_USER}")
    left.append(f"{sys.prefix}: the environment that hive is installed in; remove it by hand")
    return UninstallPlan(folder=place, removed=tuple(removed), left=tuple(left))


def _remove_alone(folder: DataFolder, plan: UninstallPlan) -> None:
    """Conflict where a unit or a person has started the hive again, which would go on without its files."""
    with suppress(OSError):  # a folder that cannot be written to: removing says so, in words
        folder.lock()
    try:
        lock = Removal(path=plan.folder / "lock", what="")
        remove([*(each for each in plan.removed if each.path != lock.path), lock], plan.folder)
    finally:
        folder.unlock()


async def _at_work() -> AtWork:
    """Nothing, where no coordinator says."""
    from deploy.upgrading.looking import agents_elsewhere

    status = subjects.service_verb(subjects.SERVICE_QUEUE, "status")
    try:
        async with operator_bus() as bus:
            told = await bus.request(status, NoReply(), ClusterStatus, timeout=REQUEST_SECONDS)
            agents = await agents_elsewhere(bus)
    except HiveError as error:
        note(f"Whether tasks are under way is not known: {error.message}")
        return AtWork()
    tasks = sum(told.queue.values()) + sum(told.tasks.values())
    return AtWork(tasks=tasks, agents=tuple(agent.agent_id for agent in agents))


def _show(plan: UninstallPlan, work: AtWork, as_json: bool) -> None:
    if as_json:
        print_json(plan)
        return
    say(f"Of the hive on {plan.folder} would be removed:")
    print_table(("Path", ""), [(each.path, each.what) for each in plan.removed], "  nothing")
    say("Left:")
    for line in plan.left:
        say(f"  {line}")
    if work.tasks:
        say(f"{work.tasks} tasks are under way.", "yellow")
    if work.agents:
        say(f"Agents lose their hive: {', '.join(work.agents)}. On hosts that have joined: hive uninstall", "yellow")


def _ask(plan: UninstallPlan, backup: Path | None, *, keep_data: bool) -> Path | None:
    """Where a backup goes; None for none. InvalidRequest where nobody is there, or says no."""
    if not sys.stdin.isatty():
        raise InvalidRequest("Nothing was removed: nobody is here to ask. Say --yes, and --backup FILE for a backup first.")
    if backup is None and not keep_data and typer.confirm("Write a backup first?", default=True):
        suggested = Path.cwd() / f"hive-{datetime.now().astimezone():%Y%m%d-%H%M}.backup"
        backup = Path(typer.prompt("Into which file?", default=str(suggested)))
    if not typer.confirm("Stop the hive?" if keep_data else f"Remove the hive on {plan.folder}?", default=False):
        raise InvalidRequest("Nothing was removed.")
    return backup


async def _take_backup(found: DeploySettings, plan: UninstallPlan, file: Path) -> None:
    from deploy.backup import servers, taking

    place = _outside(plan, file)
    note(f"Taking a backup into {place} …")
    async with servers.of_any_hive(found) as parts, servers.nats_client(found, parts) as client:
        await taking.take(
            place, parts.database_url, client, metrics=True, files=taking.secret_files(found.data_dir), tell=lambda _: None
        )


def _outside(plan: UninstallPlan, file: Path) -> Path:
    """Conflict, InvalidRequest for a place where a backup would be lost, or be another's end."""
    place = file.absolute()
    if place.exists():
        raise Conflict(f"{place} is there already. Choose another name with --backup.")
    if any(place.is_relative_to(each.path) for each in plan.removed):
        raise InvalidRequest(f"{place} lies in what would be removed. Choose another place with --backup.")
    return place
