"""`make secrets` finds what looks like a secret, says where, and not what. The secrets here are put together, so that this file has none."""

import subprocess
from pathlib import Path
from typing import Final

import pytest

ROOT: Final = Path(__file__).parents[3]
PYTHON: Final = ROOT / ".venv-audit/bin/python"
HEX: Final = "0f1e2d3c4b5a69788796a5b4c3d2e1f0"
LETTERS: Final = "aB3xQ9zL7kW2mN8pR4tV6yC1dF5gH0jS"
pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(not PYTHON.exists(), reason="the tool has an environment of its own: make secrets"),
]
SECRETS: Final = {
    "key": f"sk-hive-{HEX}{HEX[:16]}",
    "join token": f"hive-join-{HEX}{HEX[:16]}",
    "refresh token": f"hive-refresh-{LETTERS}{LETTERS[:11]}",
    "password of a bus": f"h{HEX}{HEX[:16]}",
    "seed of a host": f"SU{'A2B3C4D5E6F7' * 5}"[:58],
    "key of credentials": f"{LETTERS}{LETTERS[:11]}=",
    "private key": f"-----BEGIN {'EC'} PRIVATE KEY-----",
    "token of GitHub": f"ghp_{LETTERS}{LETTERS[:4]}",
    "key of AWS": f"AKIA{'ABCDEFGH23456789'}",
    "signed token": f"eyJhbGciOiJFUzI1NiJ9{'.'}eyJzdWIiOiJhbm5hIn0.{LETTERS}",
}


def scanned(*files: Path) -> subprocess.CompletedProcess[str]:
    command = [str(PYTHON), "-m", "tests.leaks", *map(str, files)]
    return subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=120, check=False)


def test_each_kind_of_secret_is_found_and_none_is_printed(tmp_path: Path) -> None:
    files = []
    for name, secret in SECRETS.items():
        files.append(tmp_path / f"{name}.py")
        files[-1].write_text(f'"""A module."""\n\nFOUND = "{secret}"\n')
    done = scanned(*files)
    assert done.returncode == 1, done.stderr
    assert [file.name for file in files if f"{file}:3: " not in done.stdout] == []
    assert [name for name, secret in SECRETS.items() if secret in done.stdout + done.stderr] == []


def test_what_is_none_is_passed_over(tmp_path: Path) -> None:
    """Ids, hashes, placeholders, and keys of tests, which have words in them."""
    plain = tmp_path / "plain.py"
    plain.write_text(
        f'KEY = "sk-hive-chaos-{HEX}"\nID = "5d4c1f0e-9a3b-4f7e-8f63-0c2e7a9d1b22"\nSHA = "{HEX}{HEX}"\n'
        'TRACE = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"\nURL = "nats://hive:PASSWORD@nats:4222"\n'
    )
    done = scanned(plain)
    assert (done.returncode, done.stdout) == (0, ""), done.stderr
