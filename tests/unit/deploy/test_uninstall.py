"""What is removed of a machine, and what is not: on real folders."""

import json
from pathlib import Path

import pytest
from typer.testing import CliRunner

from bus import telemetry
from bus.errors import Conflict, NotFound
from deploy.cli import app
from deploy.local.data_folder import DataFolder, Secrets
from deploy.local.socket_folder import short_folder
from deploy.sidecar_host.uninstall import OURS
from deploy.sidecar_host.uninstall import planned as planned_host
from deploy.uninstalling.plan import of_folder, of_nats_context, real_folder
from deploy.uninstalling.removing import remove


@pytest.fixture(autouse=True)
def bare(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("NATS_URL", "HIVE_CONFIG", "HIVE_DATABASE_URL", "HIVE_REDIS_URL"):
        monkeypatch.setenv(name, "")
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "config"))
    monkeypatch.setenv("HIVE_DATA_DIR", str(tmp_path / "data"))
    monkeypatch.setattr(telemetry, "configure", lambda *_: None)


def hive(path: Path) -> DataFolder:
    """As one leaves it that ran."""
    folder = DataFolder(path).create()
    folder.secrets()
    for name in ("postgres/base/1", "nats/jetstream/msgs", "valkey/x", "sidecar/keys/k", "backups/before.backup"):
        (path / name).parent.mkdir(parents=True, exist_ok=True)
        (path / name).write_text("x")
    (path / ".secrets.json.x7d2a1").write_text("half")
    return folder


def left_in(path: Path) -> list[str]:
    return sorted(str(each.relative_to(path)) for each in path.rglob("*"))


def test_only_what_hive_made_is_removed_and_backups_stay(tmp_path: Path) -> None:
    folder = hive(tmp_path / "data").path
    (folder / "thesis.tex").write_text("mine")
    removed, left = of_folder(folder)
    remove(removed, folder)
    assert left_in(folder) == ["backups", "backups/before.backup", "thesis.tex"]
    assert [line.partition(":")[0] for line in left] == [str(folder / "backups"), str(folder / "thesis.tex")]


def test_a_folder_with_nothing_else_goes_too(tmp_path: Path) -> None:
    folder = hive(tmp_path / "data").path
    (folder / "backups" / "before.backup").unlink()
    (folder / "backups").rmdir()
    remove(of_folder(folder)[0], folder)
    assert not folder.exists()


def test_links_are_removed_and_never_followed(tmp_path: Path) -> None:
    elsewhere, folder = tmp_path / "disk", hive(tmp_path / "data").path
    elsewhere.mkdir()
    (elsewhere / "precious").write_text("x")
    (folder / "tls").symlink_to(elsewhere)
    (folder / "nats" / "deep").symlink_to(elsewhere)
    remove(of_folder(folder)[0], folder)
    assert (elsewhere / "precious").exists()
    assert not (folder / "tls").is_symlink()


def test_a_data_folder_that_is_a_link_is_refused_unless_systemd_made_it(tmp_path: Path) -> None:
    real = hive(tmp_path / "real").path
    (tmp_path / "data").symlink_to(real)
    with pytest.raises(Conflict, match=str(real)):
        real_folder(tmp_path / "data")
    (tmp_path / "private").mkdir()
    real.rename(tmp_path / "private" / "hive")
    (tmp_path / "hive").symlink_to("private/hive")
    assert real_folder(tmp_path / "hive") == tmp_path / "private" / "hive"


@pytest.mark.parametrize("names", [[], ["thesis.tex"], ["logs"]])
def test_a_folder_that_is_no_hive_s_is_left_alone(tmp_path: Path, names: list[str]) -> None:
    for name in names:
        (tmp_path / name).write_text("mine")
    with pytest.raises(NotFound):
        of_folder(tmp_path)


@pytest.mark.parametrize("secrets", [None, "{}", '{"api_key": "mine"}', "no JSON"])
def test_a_folder_with_names_that_others_give_too_is_left_alone(tmp_path: Path, secrets: str | None) -> None:
    """As /var/lib is, where HIVE_DATA_DIR names it by mistake."""
    for name in ("postgres", "nats", "logs", "sidecar"):
        (tmp_path / name).mkdir()
    if secrets is not None:
        (tmp_path / "secrets.json").write_text(secrets)
    with pytest.raises(NotFound):
        of_folder(tmp_path)


def test_what_shows_whose_the_folder_is_goes_last(tmp_path: Path) -> None:
    """Else a removal that was cut short could not be given again."""
    folder = hive(tmp_path / "data").path
    (folder / "tls").mkdir()
    removed = of_folder(folder)[0]
    remove(removed[:-2], folder)
    assert {each.path.name for each in of_folder(folder)[0]} == {"secrets.json", "sidecar"}


def test_sockets_in_a_short_place_go_along(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path / "tmp"))
    folder = hive(tmp_path / "data").path
    place = short_folder(folder / "postgres", (folder / "postgres").stat().st_uid)
    place.mkdir(parents=True)
    assert place in {each.path for each in of_folder(folder)[0]}


def test_the_context_of_the_nats_cli_goes_only_where_it_is_this_hive_s(tmp_path: Path) -> None:
    context = tmp_path / "context" / "hive.json"
    context.parent.mkdir()
    context.write_text(json.dumps({"password": "p"}))
    (tmp_path / "context.txt").write_text("hive")
    assert of_nats_context(tmp_path, "hive", "another") == []
    assert of_nats_context(tmp_path, "hive", None) == []
    assert [each.path for each in of_nats_context(tmp_path, "hive", "p")] == [context, tmp_path / "context.txt"]


def test_nothing_is_removed_unasked(tmp_path: Path) -> None:
    folder = hive(tmp_path / "data").path
    before = left_in(folder)
    told = CliRunner().invoke(app, ["uninstall", "--check"])
    assert (told.exit_code, str(folder / "postgres") in told.output) == (0, True)
    refused = CliRunner().invoke(app, ["uninstall"])
    assert (refused.exit_code, "Say --yes" in refused.output) == (1, True)
    assert left_in(folder) == before


def test_a_hive_that_rests_is_removed_with_its_context(tmp_path: Path) -> None:
    folder = hive(tmp_path / "data")
    password = folder.read("secrets.json", Secrets)
    assert password is not None
    context = tmp_path / "config" / "nats" / "context" / "hive.json"
    context.parent.mkdir(parents=True)
    context.write_text(json.dumps({"password": password.nats_password}))
    done = CliRunner().invoke(app, ["uninstall", "--yes"])
    assert (done.exit_code, left_in(folder.path)) == (0, ["backups", "backups/before.backup"]), done.output
    assert not context.exists()


def test_a_hive_that_somebody_starts_meanwhile_keeps_its_files(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """As a unit with Restart=always does."""
    folder = hive(tmp_path / "data").path
    before, another = left_in(folder), DataFolder(folder)
    monkeypatch.setattr("deploy.cli.uninstall.stop", lambda _: another.lock())
    refused = CliRunner().invoke(app, ["uninstall", "--yes"])
    another.unlock()
    assert (refused.exit_code, "A hive already runs" in refused.output) == (1, True), refused.output
    assert set(left_in(folder)) - {"lock"} == set(before)


def test_who_serves_a_lan_is_told_which_backups_have_its_authority(tmp_path: Path) -> None:
    folder = hive(tmp_path / "data").path
    (folder / "tls").mkdir()
    told = {each.path.name: each.what for each in of_folder(folder)[0]}
    assert ("--with-secrets" in told["tls"], "--with-secrets" in told["nats"]) == (True, False)


def test_kept_data_stays_as_it_is(tmp_path: Path) -> None:
    folder = hive(tmp_path / "data").path
    before = left_in(folder)
    done = CliRunner().invoke(app, ["uninstall", "--yes", "--keep-data"])
    assert (done.exit_code, left_in(folder)) == (0, before), done.output


def test_a_backup_is_not_written_into_what_is_removed(tmp_path: Path) -> None:
    folder = hive(tmp_path / "data").path
    refused = CliRunner().invoke(app, ["uninstall", "--yes", "--backup", str(folder / "logs" / "last.backup")])
    assert (refused.exit_code, "lies in what would be removed" in refused.output) == (1, True), refused.output


def test_a_host_s_unit_goes_only_where_it_is_as_hive_brings_it(tmp_path: Path) -> None:
    folder, unit = hive(tmp_path / "data").path, tmp_path / "hive-sidecar.service"
    unit.write_bytes(OURS.read_bytes())
    assert unit in {each.path for each in planned_host(folder, keep_data=True, with_unit=True, unit_file=unit).removed}
    unit.write_text("# mine\n")
    changed = planned_host(folder, keep_data=True, with_unit=True, unit_file=unit)
    assert changed.removed == ()
    assert any(str(unit) in line for line in changed.left)
