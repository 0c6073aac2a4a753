"""The seed's tables of workflows and executions, as an engine makes them."""

import asyncpg
import pytest

from tests.integration.workflow.parts import EngineProcess

pytestmark = pytest.mark.slow

WORKFLOWS = {"id", "name", "description", "n8n_data", "mcp_tools", "created_by", "version", "active", "created_at"}
EXECUTIONS = {
    "id",
    "workflow_id",
    "status",
    "input_data",
    "output_data",
    "error_message",
    "started_at",
    "completed_at",
    "created_at",
}


async def test_they_have_the_seed_s_columns_and_index(engine: EngineProcess, database_url: str) -> None:
    connection = await asyncpg.connect(database_url)
    try:
        for table, columns in (("workflows", WORKFLOWS), ("executions", EXECUTIONS)):
            rows = await connection.fetch("SELECT column_name FROM information_schema.columns WHERE table_name = $1", table)
            assert columns <= {row["column_name"] for row in rows}
        index = await connection.fetchval("SELECT indexdef FROM pg_indexes WHERE indexname = 'idx_executions_workflow_status'")
        assert index.endswith("(workflow_id, status)")
    finally:
        await connection.close()
