"""A whole hive on the oldest PostgreSQL and Redis that it is to work with; `make oldest` runs the stores' own tests on them."""

import json
import os
import shutil
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

from bus.database import OLDEST
from deploy.local.doctor import OLDEST_REDIS
from tests.conftest import folder_for_others
from tests.integration.workflow.parts import chain, node
from tests.parts.hive import Hive
from tests.parts.postgres import PostgresServer
from tests.parts.valkey import ValkeyServer

pytestmark = pytest.mark.slow

POSTGRES = os.environ.get("HIVE_TEST_POSTGRES_BIN", f"/usr/lib/postgresql/{OLDEST}/bin")
REDIS = os.environ.get("HIVE_TEST_REDIS") or shutil.which("redis-server")


@pytest.fixture
def hive(tmp_path: Path) -> Iterator[Hive]:
    if not Path(POSTGRES, "postgres").exists() or REDIS is None:
        pytest.skip(f"They are not installed (apt install postgresql-{OLDEST} redis-server)")
    with ExitStack() as stack:
        postgres = PostgresServer(stack.enter_context(folder_for_others("postgres")), programs=POSTGRES)
        redis = ValkeyServer(tmp_path, program=REDIS)
        for server in (postgres, redis):
            server.start()
            stack.callback(server.stop)
        hive = Hive(tmp_path / "hive", HIVE_DATABASE_URL=postgres.url, HIVE_REDIS_URL=redis.url)
        stack.callback(hive.stop)
        hive.start()
        yield hive


def test_a_task_is_done_and_a_workflow_runs_on_them(hive: Hive, tmp_path: Path) -> None:
    found = {each["what"]: each for each in hive.json("doctor")}
    assert found["postgres"]["level"] == found["valkey"]["level"] == "ok"
    assert found["postgres"]["found"].startswith(f"PostgreSQL {OLDEST}.")
    assert found["valkey"]["found"].startswith(f"version {OLDEST_REDIS}.")
    task = hive.json("task", "submit", "Say hello.", "-o", "num_predict=4")
    assert task["status"] == "completed"
    document = chain(
        node("Start", "manualTrigger"), node("Code", "code", {"jsCode": "return [{json: {bees: 6 * 7}}];"}, version=2)
    )
    (tmp_path / "flow.json").write_text(json.dumps(document))
    assert hive.json("workflow", "run", str(tmp_path / "flow.json"))["status"] == "success"
    backup = tmp_path / "hive.backup"
    hive.run("backup", str(backup))
    assert "is whole" in hive.run("backup", "--check", str(backup)).stdout
