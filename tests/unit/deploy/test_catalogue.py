"""Commands are imported when they are asked for: all are there, and none pays for the libraries of the others."""

import subprocess
import sys
from pathlib import Path

import pytest
from typer.testing import CliRunner

from deploy.cli import app
from deploy.cli.catalogue import MODULES

HEAVY = ("rich", "structlog", "nats", "yaml", "httpx", "psutil", "asyncpg")
PROBE = f"""
import sys
from deploy.cli import app
try:
    app(sys.argv[1:])
finally:
    print("imported:", *(name for name in {HEAVY!r} if name in sys.modules))
"""


@pytest.mark.parametrize("command", ["status --json", "status --help"])
def test_a_command_that_only_reads_a_file_imports_neither_clients_nor_screen(command: str, tmp_path: Path) -> None:
    environment = {"HIVE_DATA_DIR": str(tmp_path)}
    done = subprocess.run(
        [sys.executable, "-c", PROBE, *command.split()],
        env=environment,
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )
    assert done.stdout.splitlines()[-1] == "imported:", done.stderr


@pytest.mark.parametrize("name", MODULES)
def test_every_command_of_the_catalogue_can_be_asked_for_help(name: str) -> None:
    result = CliRunner().invoke(app, [name, "-h"])
    assert result.exit_code == 0, result.output
    assert f" {name} " in result.stdout


@pytest.mark.parametrize("words", [[], *([name] for name in MODULES)])
def test_no_line_of_a_list_of_commands_is_cut(words: list[str]) -> None:
    lines = CliRunner().invoke(app, [*words, "-h"], terminal_width=80).stdout.splitlines()
    assert [line for line in lines if line.endswith("...") and not line.startswith("Usage")] == []


def test_the_help_lists_every_command_and_a_slip_is_understood() -> None:
    listed = CliRunner().invoke(app, ["--help"]).stdout
    assert all(f"\n  {name} " in listed for name in ("run", *MODULES))
    assert "Did you mean 'status'" in CliRunner().invoke(app, ["statsu"]).output
