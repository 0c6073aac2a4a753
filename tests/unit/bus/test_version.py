"""By what an upgrade tells two states of the code apart."""

from pathlib import Path

from bus.version import PACKAGES, ROOT, code_on_disk, code_version, hive_version


def code(root: Path) -> Path:
    for package in PACKAGES:
        (root / package).mkdir(parents=True)
    (root / "bus" / "one.py").write_text("ONE = 1\n")
    return root


def test_any_change_of_the_code_is_another_version(tmp_path: Path) -> None:
    root = code(tmp_path)
    before = code_on_disk(root)
    (root / "bus" / "one.py").write_text("ONE = 2\n")
    changed = code_on_disk(root)
    (root / "bus" / "one.py").rename(root / "bus" / "two.py")
    assert len({before, changed, code_on_disk(root)}) == 3
    assert before.startswith(f"{hive_version()}+")


def test_what_is_no_code_of_ours_says_nothing(tmp_path: Path) -> None:
    root = code(tmp_path)
    before = code_on_disk(root)
    for name in ("bus/__pycache__/one.py", "gui/node_modules/vue.js", "gui/.cache/x.py", "gui/page.md", "tests/test_one.py"):
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_text("other")
    (root / "bus" / ".#one.py").symlink_to("somebody@host.4711")
    assert code_on_disk(root) == before


def test_a_file_that_goes_meanwhile_stops_nobody(tmp_path: Path) -> None:
    root = code(tmp_path)
    (root / "bus" / "gone.py").symlink_to(root / "nowhere.py")
    assert code_on_disk(root).startswith(f"{hive_version()}+")


def test_every_package_of_hive_counts() -> None:
    assert {path.name for path in ROOT.iterdir() if (path / "__init__.py").exists()} - {"tests"} == set(PACKAGES)
    assert code_version() == code_on_disk()
