"""Files from disk: read by pattern, written whole or added to, and only within the folders that are allowed."""

import asyncio
import base64
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from structlog.testing import capture_logs

from tests.unit.workflow.nodes.case import Case, Fails, check, file, outputs, run
from workflow.core.driver import Driver
from workflow.core.effects import Effect, HandleFiles, effect_from_json
from workflow.core.execution import Reply
from workflow.outside.file_calls import FileCalls


def within(*folders: Path) -> Callable[[Effect], Reply]:
    calls = FileCalls(folders)

    def carry_out(effect: Effect) -> Reply:
        stored = effect_from_json(effect.to_json())
        assert isinstance(stored, HandleFiles)
        return asyncio.run(calls.carry_out(stored))

    return carry_out


def case(gives: Any = (), *, item: Any = None, **parameters: Any) -> Case:
    return Case(name="", kind="readWriteFile", parameters=parameters, items=[item or {}], gives=gives)


def read(path: Path | str, gives: Any = (), **options: Any) -> Case:
    return case(gives, operation="read", fileSelector=str(path), options=options)


def write(path: Path | str, text: str, gives: Any = (), **options: Any) -> Case:
    item = {"json": {"a": 1}, "binary": {"data": file(text)}}
    return case(gives, item=item, operation="write", fileName=str(path), dataPropertyName="data", options=options)


def test_files_are_read_by_a_pattern(driver: Driver, tmp_path: Path) -> None:
    (tmp_path / "inner").mkdir()
    for name in ("b.txt", "a.txt", "c.md", "inner/d.txt"):
        (tmp_path / name).write_text(name)
    found = outputs(run(driver, read(tmp_path / "*.txt"), within(tmp_path)))[0]
    assert [item["json"]["fileName"] for item in found] == ["a.txt", "b.txt"]
    assert base64.b64decode(found[0]["binary"]["data"]["data"]) == b"a.txt"
    assert found[0]["json"] == {
        "mimeType": "text/plain", "fileType": "text", "fileName": "a.txt", "fileExtension": "txt", "fileSize": "5 B",
    }  # fmt: skip
    deep = outputs(run(driver, read(tmp_path / "**/d.txt", dataPropertyName="x", mimeType="a/b"), within(tmp_path)))[0]
    assert deep[0]["binary"]["x"]["mimeType"] == "a/b"
    check(driver, read(tmp_path / "*.none"), within(tmp_path))
    check(driver, read(tmp_path / "none", Fails("no such file")), within(tmp_path))
    check(driver, read("", Fails("No file is named")), within(tmp_path))


def test_who_may_read_a_file_that_is_overwritten_may_as_before(driver: Driver, tmp_path: Path) -> None:
    path = tmp_path / "out.txt"
    path.touch(mode=0o600)
    run(driver, write(path, "new"), within(tmp_path))
    assert (path.read_text(), path.stat().st_mode & 0o777) == ("new", 0o600)


def test_files_are_written_whole_or_added_to(driver: Driver, tmp_path: Path) -> None:
    path = tmp_path / "out.txt"
    gives = [[{"a": 1, "fileName": str(path)}]]
    check(driver, write(path, "one", gives), within(tmp_path))
    check(driver, write(path, "two", gives), within(tmp_path))
    check(driver, write(path, "three", gives, append=True), within(tmp_path))
    assert path.read_text() == "twothree"
    assert [effect.repeatable for effect in driver.effects] == [True, True, False]
    assert [each.name for each in tmp_path.iterdir()] == ["out.txt"]
    check(driver, write(tmp_path / "no" / "folder", "x", Fails("cannot be written")), within(tmp_path))


def test_without_an_administrator_there_are_no_files(driver: Driver, tmp_path: Path) -> None:
    check(driver, read(tmp_path / "a", Fails("HIVE_WORKFLOW_FILES")), within())
    check(driver, write(tmp_path / "a", "x", Fails("HIVE_WORKFLOW_FILES")), within())


@pytest.mark.parametrize("way", ["outside", "up", "link", "pattern", "up in a pattern", "relative", "alike"])
def test_nothing_leads_out_of_the_folders(driver: Driver, tmp_path: Path, way: str) -> None:
    inside, outside = tmp_path / "in", tmp_path / "in-other"
    inside.mkdir()
    outside.mkdir()
    (outside / "secret").write_text("secret")
    (inside / "link").symlink_to(outside)
    path = {
        "outside": outside / "secret",
        "up": f"{inside}/../in-other/secret",
        "link": inside / "link" / "secret",
        "pattern": f"{tmp_path}/*/secret",
        "up in a pattern": f"{inside}/*/../../in-other/secret",
        "relative": "in/secret",
        "alike": f"{inside}-other/secret",
    }[way]
    for wish in (read(path, Fails("")), write(path, "x", Fails(""))):
        with capture_logs() as logs:
            failed = check(driver, wish, within(inside))
        assert failed.failure is not None
        assert failed.failure.code == "request_refused" or way == "pattern"
        told = [(log["code"], log["path"]) for log in logs if log["event"] == "file_refused"]
        assert told == [("request_refused", str(path))] or way == "pattern"
    assert (outside / "secret").read_text() == "secret"
    check(driver, read(inside / "link" / "*", Fails("no folder")), within(inside))


def test_too_much_is_refused(driver: Driver, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("workflow.outside.file_calls.MAX_FILES", 2)
    for name in "abc":
        (tmp_path / name).write_text(name)
    check(driver, read(tmp_path / "*", Fails("more than 2 files")), within(tmp_path))
