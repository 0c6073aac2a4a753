from pathlib import Path

import pytest

from deploy.cli.hosting import journal_at
from deploy.local import log_file
from deploy.local.log_file import last_lines, rotate


@pytest.fixture(autouse=True)
def small(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(log_file, "MAX_LOG_BYTES", 10)


def test_a_small_log_and_one_that_is_not_there_stay_as_they_are(tmp_path: Path) -> None:
    rotate(tmp_path / "absent.log")
    (tmp_path / "a.log").write_text("short")
    rotate(tmp_path / "a.log")
    assert [path.name for path in tmp_path.iterdir()] == ["a.log"]


def test_large_logs_move_on_and_the_oldest_goes(tmp_path: Path) -> None:
    log = tmp_path / "a.log"
    for number in range(5):
        log.write_text(f"large log {number}")
        rotate(log)
    kept = {path.name: path.read_text() for path in tmp_path.iterdir()}
    assert kept == {"a.log": "", "a.log.1": "large log 4", "a.log.2": "large log 3", "a.log.3": "large log 2"}


def test_who_writes_to_a_log_goes_on_at_the_start_of_the_emptied_one(tmp_path: Path) -> None:
    log = tmp_path / "a.log"
    with log.open("a") as writer:
        writer.write("before the rotation\n")
        writer.flush()
        rotate(log)
        writer.write("after it\n")
    assert log.read_text() == "after it\n"
    assert (tmp_path / "a.log.1").read_text() == "before the rotation\n"


def test_the_supervisors_own_log_is_bounded_too(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(log_file, "MAX_LOG_BYTES", 1000)
    with journal_at(tmp_path / "supervisor.log") as journal:
        for number in range(100):
            journal.info("process", name="gui", restarts=number)
    sizes = {path.name: path.stat().st_size for path in tmp_path.iterdir()}
    assert set(sizes) == {"supervisor.log", "supervisor.log.1", "supervisor.log.2", "supervisor.log.3"}
    assert max(sizes.values()) < 1200
    assert '"restarts": 99' in (tmp_path / "supervisor.log").read_text()


def test_the_last_lines_are_one_line(tmp_path: Path) -> None:
    (tmp_path / "a.log").write_text("one\ntwo\nthree\nfour\n")
    assert last_lines(tmp_path / "a.log", 2) == "three | four"
    assert last_lines(tmp_path / "absent.log") == "(nothing)"
