"""`hive users` and `hive signing-keys`, as somebody types them."""

import asyncio
import json
import os
import sys
from pathlib import Path

import pytest

from tests.integration.coordinator.conftest import Hive

pytestmark = pytest.mark.slow

PASSWORD = "maple-harbour-tin-42"


async def hive_command(hive: Hive, *arguments: str, typed: str = "") -> tuple[int, str, str]:
    process = await asyncio.create_subprocess_exec(
        *(str(Path(sys.executable).with_name("hive")), *arguments),
        env={**os.environ, "NATS_URL": hive.server.url},
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )
    out, err = await process.communicate(typed.encode())
    return process.returncode or 0, out.decode(), err.decode()


async def test_users_are_made_and_listed_and_a_weak_password_is_refused(idle_hive: Hive, tmp_path: Path) -> None:
    idle_hive.start_coordinator(data_dir=tmp_path)
    await idle_hive.leading()
    refused = await hive_command(idle_hive, "users", "create", "zoe", "--role", "admin", typed="password1234\n")
    assert refused[0] == 1
    assert "weak_password" in refused[2]
    made = await hive_command(idle_hive, "users", "create", "zoe", "--role", "admin", typed=f"{PASSWORD}\n")
    assert (made[0], made[1]) == (0, "Created zoe.\n"), made
    [zoe] = json.loads((await hive_command(idle_hive, "users", "list", "--json"))[1])["users"]
    assert (zoe["name"], zoe["roles"], zoe["has_password"]) == ("zoe", ["admin"], True)
    last = await hive_command(idle_hive, "users", "remove", "zoe")
    assert "last_admin" in last[2]
    rotated = json.loads((await hive_command(idle_hive, "signing-keys", "rotate", "--json"))[1])
    assert [key["algorithm"] for key in rotated["keys"]] == ["ES256"]
