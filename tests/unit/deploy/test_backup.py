"""The file of a backup, and the numbers that a restored record begins with."""

import gzip
import stat
import tarfile
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from bus.errors import BackupUnusable
from deploy.backup import archive, record, schema
from deploy.backup.manifest import FORMAT, Manifest, Section, Table

NOW = datetime(2027, 1, 31, tzinfo=UTC)
ROWS = [bytes([number]) * 3_000_000 for number in range(5)]


def manifest(*tables: Table, **more: object) -> Manifest:
    known = {
        "hive_version": "0.1.0",
        "hive_id": "",
        "taken_at": NOW,
        "schema_numbers": {},
        "sequences": {},
        "partitions": (),
        "tables": tables,
        "streams": (),
        "files": (),
        "metrics": True,
        "credential_keys": (),
    }
    return Manifest.model_validate(known | more)


def table(section: Section) -> Table:
    return Table(**section.model_dump(), columns=("id",), rows=len(ROWS))


def written(path: Path, **more: object) -> Manifest:
    with archive.Writer(path) as writer:
        writer.begin("postgres/tasks")
        for row in ROWS:
            writer.write(row)
        full = table(writer.end())
        writer.begin("postgres/users")
        empty = table(writer.end())
        told = manifest(full, empty, **more)
        writer.finish(told)
    return told


def test_what_was_written_is_read_in_pieces_that_fit_in_memory(tmp_path: Path) -> None:
    told = written(tmp_path / "hive.backup")
    assert archive.verify(tmp_path / "hive.backup") == told
    [(name, chunks), (last, _)] = [(name, list(chunks)) for name, chunks in archive.sections(tmp_path / "hive.backup")]
    assert (name, last) == ("postgres/tasks", archive.MANIFEST)
    assert b"".join(chunks) == b"".join(ROWS)
    assert max(map(len, chunks)) == archive.CHUNK_BYTES


def test_the_file_is_its_owners_alone_and_the_only_one(tmp_path: Path) -> None:
    path = tmp_path / "hive.backup"
    written(path)
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert list(tmp_path.iterdir()) == [path]


def test_a_backup_that_fails_leaves_what_was_there(tmp_path: Path) -> None:
    path = tmp_path / "hive.backup"
    path.write_text("the one before")
    with archive.Writer(path) as writer:  # and no `finish`
        writer.begin("postgres/tasks")
        writer.write(ROWS[0])
        writer.end()
    assert path.read_text() == "the one before"
    assert list(tmp_path.iterdir()) == [path]


def test_a_flipped_bit_a_lost_end_and_a_strange_file_are_told(tmp_path: Path) -> None:
    path = tmp_path / "hive.backup"
    written(path)
    whole = path.read_bytes()
    middle = len(whole) // 2
    for broken in (
        whole[:middle] + bytes([whole[middle] ^ 1]) + whole[middle + 1 :],
        whole[:-20],
        whole[:middle],
        b"not a backup",
        gzip.compress(b"nor this"),
        b"",
    ):
        path.write_bytes(broken)
        with pytest.raises(BackupUnusable):
            archive.verify(path)
    with pytest.raises(BackupUnusable, match="no file"):
        archive.verify(tmp_path / "other")


def test_a_section_that_is_not_the_manifests_is_told(tmp_path: Path) -> None:
    path = tmp_path / "hive.backup"
    with archive.Writer(path) as writer:
        writer.begin("postgres/tasks")
        writer.write(b"1\n")
        wrong = writer.end().model_copy(update={"sha256": "0" * 64})
        writer.finish(manifest(table(wrong)))
    with pytest.raises(BackupUnusable, match="postgres/tasks"):
        archive.verify(path)


STRANGE = [
    tarfile.TarInfo("../../evil/000000"),
    tarfile.TarInfo("/etc/cron.d/evil"),
    tarfile.TarInfo("files/../secrets.json/000000"),
    tarfile.TarInfo("files/..//000000"),
    tarfile.TarInfo("files/secrets.json/000000"),
    tarfile.TarInfo("postgres/tasks/000000"),
]
STRANGE[4].type, STRANGE[4].linkname = tarfile.SYMTYPE, "/etc/passwd"
STRANGE[5].size = 1 << 40


@pytest.mark.parametrize("member", STRANGE, ids=lambda member: member.name)
def test_members_that_lead_out_are_links_or_never_end_are_refused_before_anything_is_read_of_them(
    tmp_path: Path, member: tarfile.TarInfo
) -> None:
    path = tmp_path / "hive.backup"
    with gzip.open(path, "wb") as plain:
        plain.write(member.tobuf())
        plain.write(bytes(10 * tarfile.BLOCKSIZE))
    with pytest.raises(BackupUnusable, match="no backup of a hive has") as refused:
        archive.verify(path)
    assert refused.value.code == "backup_unusable"
    assert list(tmp_path.iterdir()) == [path]


def test_a_newer_form_is_refused_with_the_remedy(tmp_path: Path) -> None:
    written(tmp_path / "hive.backup", format=FORMAT + 1)
    with pytest.raises(BackupUnusable, match="Upgrade this one"):
        archive.verify(tmp_path / "hive.backup")


def test_a_newer_schema_is_refused_with_the_remedy() -> None:
    with pytest.raises(BackupUnusable, match=r"workflow_migrations: 9999.*Upgrade"):
        schema.require_known(manifest(schema_numbers={"workflow_migrations": (1, 9999)}))
    with pytest.raises(BackupUnusable, match="Upgrade"):
        schema.require_known(manifest(schema_numbers={"another_rooms": (1,)}))
    schema.require_known(manifest(schema_numbers={"workflow_migrations": (1,)}))


def test_the_epoch_is_above_all_that_a_sidecar_may_have_heard() -> None:
    first = record.restored_epoch(7, NOW)
    assert first > 1_000_000
    led_since = first + 30  # thirty leaders within a minute
    assert record.restored_epoch(7, NOW + timedelta(minutes=1)) > led_since, "of the same backup, restored again"
    assert record.restored_epoch(first + 10**9, NOW) > first + 10**9


def test_no_position_is_beyond_its_stream() -> None:
    found = {"high": 40, "medium": 90, "outcomes": 3, "stores": {"high": "2027-01-01"}}
    assert record.restored_positions(found, {"high": 80, "medium": 80, "low": 80, "outcomes": 5}) == {
        "high": 40,
        "medium": 80,
        "outcomes": 3,
    }
