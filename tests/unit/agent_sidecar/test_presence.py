"""What a sidecar tells the commands on its host, and when that is not believed."""

import os
from pathlib import Path

from agent_sidecar.joined import folder_of
from agent_sidecar.presence import PRESENCE_FILE, Presence, read_presence, tell_presence
from bus.version import code_version


def test_a_sidecar_that_runs_says_who_it_is_and_what_it_runs(tmp_path: Path) -> None:
    tell_presence(tmp_path)
    assert read_presence(tmp_path) is None, "there is no folder: whom it is not for, is not told"
    folder_of(tmp_path).mkdir()
    tell_presence(tmp_path)
    assert read_presence(tmp_path) == Presence(pid=os.getpid(), version=code_version())


def test_what_another_process_left_is_not_believed(tmp_path: Path) -> None:
    folder_of(tmp_path).mkdir()
    file = folder_of(tmp_path) / PRESENCE_FILE
    tell_presence(tmp_path)
    os.utime(file, (1, 1))
    assert read_presence(tmp_path) is None, "this process is younger than the file"
    file.write_text(Presence(pid=2**22 + 1, version="0.1.0").model_dump_json())
    assert read_presence(tmp_path) is None
    file.write_text("{")
    assert read_presence(tmp_path) is None
