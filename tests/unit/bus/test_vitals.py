"""What a process reads of itself."""

import os
import time
from pathlib import Path

from bus.vitals import Load, Meter, load


def test_percent_is_cpu_time_over_time_and_the_first_reading_has_none() -> None:
    readings = iter([Load(10.0, 100), Load(13.0, 200), Load(13.0, 200)])
    clock = iter([0.0, 2.0, 4.0])
    meter = Meter(lambda: next(readings), lambda: next(clock))
    assert [meter.read() for _ in range(3)] == [(None, 100), (150.0, 200), (0.0, 200)]


def test_the_process_reads_its_own_cpu_and_memory() -> None:
    before, began = load(), time.process_time()
    while time.process_time() - began < 0.05:
        pass
    after = load()
    assert after.cpu_seconds - before.cpu_seconds >= 0.03
    assert after.memory_bytes > 10_000_000


def test_the_first_process_of_a_container_reads_the_container_s_cgroup(tmp_path: Path) -> None:
    (tmp_path / "cpu.stat").write_text("usage_usec 2500000\nuser_usec 2000000\nsystem_usec 500000\n")
    (tmp_path / "memory.current").write_text("4096\n")
    assert load(tmp_path, pid=1) == Load(2.5, 4096)
    assert load(tmp_path, pid=os.getpid() + 1).memory_bytes > 4096


def test_where_the_cgroup_tells_nothing_the_process_is_read(tmp_path: Path) -> None:
    assert load(tmp_path, pid=1).memory_bytes > 10_000_000
