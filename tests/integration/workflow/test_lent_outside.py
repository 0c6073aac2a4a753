"""An engine with a mail server and an MCP server: sealed credentials let its nodes in, and nothing that is kept afterwards has a secret."""

from pathlib import Path

import pytest

from bus.nats_bus import NatsBus
from tests.integration.workflow.dumping import dump
from tests.integration.workflow.keeper import Keeper
from tests.integration.workflow.parts import EngineProcess, Workflows, chain, node
from tests.integration.workflow.test_email_send import PASSWORD, Post, credential
from tests.integration.workflow.test_email_send import serving as serving_mail
from tests.integration.workflow.test_mcp import TOKEN, Bees
from tests.integration.workflow.test_mcp import serving as serving_mcp
from tests.parts.nats import NatsServer


@pytest.mark.slow
async def test_code_in_python_asks_an_mcp_server_and_the_answer_goes_by_mail(
    nats_bus: NatsBus, nats_server: NatsServer, database_url: str, tmp_path: Path
) -> None:
    post, bees = Post(), Bees()
    allowed = {"HIVE_WORKFLOW_ALLOW_INTERNAL": '["127.0.0.1", "::1"]'}
    keeper, workflows = Keeper(nats_bus), Workflows(nats_bus)
    async with serving_mail(post, auth_require_tls=False) as port, serving_mcp(bees, token=TOKEN) as url:
        with EngineProcess(nats_server, tmp_path, database_url, **allowed) as engine:
            await engine.ready(nats_bus)
            data = credential(port, user="bee", password=PASSWORD, disableStartTls=True)
            tried = await keeper.test((await keeper.add("smtp", data, name="post")).id)
            assert (tried.ok, tried.message) == (True, "It lets in.")
            wrong = await keeper.test((await keeper.add("smtp", {**data, "password": "incorrect donkey"}, name="wrong")).id)
            assert not wrong.ok
            assert "535" in wrong.message
            await keeper.add("httpBearerAuth", {"token": TOKEN}, name="bees")
            ask = {
                "endpointUrl": url,
                "authentication": "bearerAuth",
                "tool": "count",
                "inputMode": "json",
                "jsonInput": "={{ $json }}",
            }
            mail = {
                "fromEmail": "bee@example.org",
                "toEmail": "ann@example.com",
                "subject": "=Bees: {{ $json.content[0].text.bees }}",
                "html": "x",
            }
            flow = chain(
                node("Start", "manualTrigger"),
                node("Make", "code", {"language": "pythonNative", "pythonCode": "return [{'hive': 'aca' + 'cia'}]"}, 2),
                node("Ask", "@n8n/n8n-nodes-langchain.mcpClient", ask, credentials={"httpBearerAuth": {"name": "bees"}}),
                node("Tell", "emailSend", mail, 2.1, credentials={"smtp": {"name": "post"}}),
            )
            record = await workflows.execute((await workflows.create(flow)).id, wait=60)
            assert record.status == "success", record.error_message
            log = engine.log.read_text()
    assert bees.calls == [("count", "acacia", False)]
    assert post.mails[0]["Subject"] == "Bees: 3"
    everything = "\n".join([await dump(database_url), log, record.model_dump_json(), wrong.message])
    for secret in (TOKEN, PASSWORD, "incorrect donkey"):
        assert secret not in everything
