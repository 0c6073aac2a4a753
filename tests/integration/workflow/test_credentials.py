"""Credentials through an engine: sealed in the database, used by nodes and webhooks by their owner's right, and told to nobody."""

import asyncio
import base64
import json
import re
from pathlib import Path
from typing import Any
from uuid import UUID

import jwt
import pytest

from bus import subjects
from bus.client import Bus
from bus.errors import Conflict, CredentialNotFound, InvalidRequest, InvalidWorkflow, PermissionDenied
from bus.messages import Claims, Role
from bus.messages.workflows import (
    CreateWorkflow,
    ExecuteWorkflow,
    ExecutionRecord,
    ExecutionRef,
    ResumeCall,
    WebhookCall,
    WebhookReply,
    WorkflowRecord,
    WorkflowRef,
)
from bus.nats_bus import NatsBus
from bus.vault import FILE_NAME, new_key
from tests.integration.workflow.dumping import dump
from tests.integration.workflow.echo import Echo
from tests.integration.workflow.keeper import Keeper
from tests.integration.workflow.parts import EngineProcess, Workflows, chain, node
from tests.parts.nats import NatsServer

SECRET = "correct-horse/battery+staple"
ANNA = Claims(sub="anna", roles=(Role.DEVELOPER,))
BERT = Claims(sub="bert", roles=(Role.DEVELOPER,))
CARL = Claims(sub="carl", roles=(Role.VIEWER,))


@pytest.fixture
async def engine(nats_bus: NatsBus, nats_server: NatsServer, database_url: str, tmp_path: Path):  # type: ignore[no-untyped-def]
    with EngineProcess(nats_server, tmp_path, database_url, HIVE_WORKFLOW_ALLOW_INTERNAL='["127.0.0.1"]') as engine:
        await engine.ready(nats_bus)
        yield engine


@pytest.fixture
def keeper(nats_bus: NatsBus) -> Keeper:
    return Keeper(nats_bus)


def asking(url: str, kind: str, reference: dict[str, Any], **more: Any) -> dict[str, Any]:
    how = {"authentication": "genericCredentialType", "genericAuthType": kind, "url": url, "options": {}, **more}
    return node("Ask", "httpRequest", how, 4.2, credentials={kind: reference})


async def ran(workflows: Workflows, *nodes: dict[str, Any]) -> ExecutionRecord:
    made = await workflows.create(chain(node("Start", "manualTrigger"), *nodes))
    assert "no_credentials" not in {problem.code for problem in made.problems}
    return await workflows.execute(made.id, wait=60)


def run_of(record: ExecutionRecord, name: str = "Ask") -> dict[str, Any]:
    assert record.data is not None
    run: dict[str, Any] = record.data["resultData"]["runData"][name][0]
    return run


async def as_somebody(bus: Bus, document: dict[str, Any], claims: Claims) -> ExecutionRecord:
    made = await bus.request(
        subjects.service_verb(subjects.SERVICE_WORKFLOWS, "create"),
        CreateWorkflow(n8n_data=document),
        WorkflowRecord,
        claims=claims,
        timeout=20,
    )
    wish = ExecuteWorkflow(id=made.id, execution_id=UUID(int=claims.sub.encode()[0]), wait_seconds=60)
    subject = subjects.service_verb(subjects.SERVICE_WORKFLOWS, "execute")
    return await bus.request(subject, wish, ExecutionRecord, claims=claims, timeout=90)


BASIC = "Basic " + base64.b64encode(f"ada:{SECRET}".encode()).decode()


CARRIED: list[tuple[str, dict[str, Any], str, str]] = [
    ("httpBasicAuth", {"user": "ada", "password": SECRET}, "authorization", BASIC),
    ("httpHeaderAuth", {"name": "X-Key", "value": SECRET}, "x-key", SECRET),
    ("httpBearerAuth", {"token": SECRET}, "authorization", f"Bearer {SECRET}"),
    ("httpCustomAuth", {"json": json.dumps({"headers": {"X-Own": SECRET}})}, "x-own", SECRET),
    ("slackApi", {"accessToken": SECRET}, "authorization", f"Bearer {SECRET}"),
]


async def test_a_request_has_what_its_credential_says_and_its_record_has_not(
    engine: EngineProcess, workflows: Workflows, keeper: Keeper
) -> None:
    async with Echo() as echo:
        for kind, data, header, value in CARRIED:
            await keeper.add(kind, data)
            record = await ran(workflows, asking(echo.url, kind, {"id": "as-n8n-had-it", "name": "mine"}))
            assert record.status == "success", run_of(record)
            assert echo.requests[-1].headers[header] == value
            assert SECRET not in record.model_dump_json()
            assert BASIC.removeprefix("Basic ") not in record.model_dump_json()


async def test_a_query_and_a_digest_and_a_token_by_client_credentials(
    engine: EngineProcess, workflows: Workflows, keeper: Keeper
) -> None:
    async with Echo() as echo:
        await keeper.add("httpQueryAuth", {"name": "key", "value": SECRET})
        record = await ran(workflows, asking(f"{echo.url}?a=1", "httpQueryAuth", {"name": "mine"}))
        assert echo.requests[-1].query == {"a": ["1"], "key": [SECRET]}
        assert SECRET not in record.model_dump_json()
        assert "correct-horse" not in record.model_dump_json()

        await keeper.add("httpDigestAuth", {"user": "ada", "password": SECRET})
        echo.digest = ("ada", SECRET)
        record = await ran(workflows, asking(f"{echo.url}digest", "httpDigestAuth", {"name": "mine"}))
        assert record.status == "success", run_of(record)
        assert SECRET not in record.model_dump_json()

        token_url = f"{echo.url}token"
        made = await keeper.add(
            "oAuth2Api",
            {"grantType": "clientCredentials", "accessTokenUrl": token_url, "clientId": "c", "clientSecret": SECRET},
        )
        found = await keeper.test(made.id)
        assert (found.ok, found.tried) == (True, True), found
        echo.revoke()  # the token that the test got: the request is refused with it, and another is got
        record = await ran(workflows, asking(f"{echo.url}guarded", "oAuth2Api", {"name": "mine"}))
        assert record.status == "success", run_of(record)
        assert echo.tokens_given == 2
        assert echo.token not in record.model_dump_json()


async def test_a_credential_is_tried_by_one_question_that_tells_nothing_but_a_status(
    engine: EngineProcess, keeper: Keeper
) -> None:
    async with Echo() as echo:
        generic = await keeper.add("httpHeaderAuth", {"name": "X-Key", "value": SECRET})
        found = await keeper.test(generic.id)
        assert (found.ok, found.tried, echo.requests) == (True, False, []), found
        found = await keeper.test(generic.id, f"{echo.url}who")
        assert (found.ok, found.tried, found.message) == (True, True, "The service answered with status 200.")
        (asked,) = echo.requests
        assert (asked.method, asked.path, asked.headers["x-key"]) == ("GET", "/who", SECRET)
        found = await keeper.test(generic.id, f"{echo.url}refused")
        assert (found.ok, found.tried) == (False, True)
        assert SECRET not in found.message
        service = await keeper.add("openAiApi", {"apiKey": SECRET, "url": f"{echo.url}v1"})
        assert (await keeper.test(service.id)).ok
        assert (echo.requests[-1].path, echo.requests[-1].headers["authorization"]) == ("/v1/models", f"Bearer {SECRET}")
        inside = await keeper.test(generic.id, "http://169.254.1.1/")
        assert (inside.ok, "169.254.1.1" in inside.message) == (False, True), inside


async def test_a_redirect_to_somewhere_else_takes_no_secret_along(
    engine: EngineProcess, workflows: Workflows, keeper: Keeper
) -> None:
    await keeper.add("httpHeaderAuth", {"name": "X-Key", "value": SECRET})
    async with Echo() as here, Echo() as there:
        here.redirect = there.url
        record = await ran(workflows, asking(here.url, "httpHeaderAuth", {"name": "mine"}))
        assert record.status == "success", run_of(record)
        assert here.requests[0].headers["x-key"] == SECRET
        assert "x-key" not in there.requests[0].headers


async def test_a_credential_is_for_the_hosts_that_its_owner_allows(
    engine: EngineProcess, workflows: Workflows, keeper: Keeper
) -> None:
    data = {"name": "X-Key", "value": SECRET, "allowedHttpRequestDomains": "domains", "allowedDomains": "api.example"}
    await keeper.add("httpHeaderAuth", data)
    async with Echo() as echo:
        record = await ran(workflows, asking(echo.url, "httpHeaderAuth", {"name": "mine"}))
        error = run_of(record)["error"]
        assert error["code"] == "request_refused"
        assert "not for 127.0.0.1" in error["message"]
        assert not echo.requests
    data |= {"allowedDomains": "127.0.0.1"}
    await keeper.add("httpHeaderAuth", data, name="here")
    async with Echo() as echo:
        for options in ({"proxy": echo.url}, {"allowUnauthorizedCerts": True}):
            record = await ran(workflows, asking(echo.url, "httpHeaderAuth", {"name": "here"}, options=options))
            assert run_of(record)["error"]["code"] == "request_refused"
        assert not echo.requests
        assert (await ran(workflows, asking(echo.url, "httpHeaderAuth", {"name": "here"}))).status == "success"


async def test_credentials_work_by_their_owners_right(engine: EngineProcess, nats_bus: NatsBus, keeper: Keeper) -> None:
    made = await keeper.add("httpHeaderAuth", {"name": "X-Key", "value": SECRET}, claims=ANNA)
    assert (made.owner, made.fields) == ("anna", ("name", "value"))
    assert [each.id for each in await keeper.list(ANNA)] == [made.id]
    assert not await keeper.list(BERT)
    for refused in (keeper.change(made.id, BERT, shared=True), keeper.remove(made.id, BERT)):
        with pytest.raises(CredentialNotFound):
            await refused
    with pytest.raises(PermissionDenied):
        await keeper.list(CARL)
    with pytest.raises(PermissionDenied):
        await keeper.add("httpHeaderAuth", {"name": "X", "value": "y"}, claims=BERT, owner="anna")
    async with Echo() as echo:
        document = chain(node("Start", "manualTrigger"), asking(echo.url, "httpHeaderAuth", {"id": str(made.id)}))
        assert (await as_somebody(nats_bus, document, ANNA)).status == "success"
        refused_run = await as_somebody(nats_bus, document, BERT)
        assert run_of(refused_run)["error"]["code"] == "credential_not_found"
        assert len(echo.requests) == 1
        await keeper.change(made.id, ANNA, shared=True)
        dora = Claims(sub="dora", roles=(Role.DEVELOPER,))
        assert (await as_somebody(nats_bus, document, dora)).status == "success"


async def test_bad_credentials_are_refused_at_the_door(engine: EngineProcess, keeper: Keeper) -> None:
    bad: list[tuple[str, dict[str, Any], str]] = [
        ("httpHeaderAuth", {"name": "X-Key"}, "needs `data.value`"),
        ("httpHeaderAuth", {"name": "X Key", "value": SECRET}, "no HTTP header"),
        ("httpHeaderAuth", {"name": "X-Key", "value": f"{SECRET}\r\nX: 1"}, "no HTTP header"),
        ("httpCustomAuth", {"json": f"{{{SECRET}"}, "not valid JSON"),
        ("oAuth2Api", {"grantType": "password", "accessTokenUrl": "u", "clientId": "c", "clientSecret": SECRET}, "clientCredentials"),
        ("jwtAuth", {}, "needs `data.secret`"),
        ("postgres", {"host": "h", "database": "d"}, "needs `data.user`"),
    ]  # fmt: skip
    for kind, data, message in bad:
        with pytest.raises(InvalidRequest, match=message) as told:
            await keeper.add(kind, data)
        assert SECRET not in str(told.value)
    await keeper.add("httpBearerAuth", {"token": SECRET})
    with pytest.raises(Conflict, match="already"):
        await keeper.add("httpBearerAuth", {"token": SECRET})


async def test_a_token_is_signed_with_a_credential(engine: EngineProcess, workflows: Workflows, keeper: Keeper) -> None:
    secret = SECRET * 3
    await keeper.add("jwtAuth", {"keyType": "passphrase", "secret": secret, "algorithm": "HS256"})
    signing = node(
        "Ask", "jwt", {"useJson": True, "claimsJson": '{"a": 1}'}, credentials={"jwtAuth": {"id": "x", "name": "mine"}}
    )
    record = await ran(workflows, signing)
    token = run_of(record)["data"]["main"][0][0]["json"]["token"]
    assert jwt.decode(token, secret, ["HS256"]) == {"a": 1}


async def test_webhooks_let_in_who_knows_the_secret(
    engine: EngineProcess, nats_bus: NatsBus, workflows: Workflows, keeper: Keeper
) -> None:
    secret = SECRET * 3
    await keeper.add("httpBasicAuth", {"user": "ada", "password": SECRET})
    await keeper.add("httpHeaderAuth", {"name": "X-Key", "value": SECRET})
    await keeper.add("jwtAuth", {"secret": secret, "algorithm": "HS256"})
    kinds = {"basicAuth": "httpBasicAuth", "headerAuth": "httpHeaderAuth", "jwtAuth": "jwtAuth"}
    with pytest.raises(InvalidWorkflow, match="names no credential"):
        await workflows.create(chain(node("Hook", "webhook", {"path": "x", "authentication": "basicAuth"}, 2)), active=True)
    for word, kind in kinds.items():
        parameters = {"path": word, "authentication": word, "responseMode": "lastNode"}
        await workflows.create(chain(node("Hook", "webhook", parameters, 2, credentials={kind: {"name": "mine"}})), active=True)

    async def call(path: str, **headers: str) -> WebhookReply:
        subject = subjects.service_verb(subjects.SERVICE_WEBHOOKS, "call")
        wish = WebhookCall(path=path, method="GET", headers=headers, wait_seconds=30)
        return await nats_bus.request(subject, wish, WebhookReply, timeout=40)

    token = jwt.encode({"who": "ada"}, secret, "HS256")
    right = {"basicAuth": BASIC, "jwtAuth": f"Bearer {token}"}
    nothing = await call("basicAuth")
    assert (nothing.status, nothing.headers) == (401, {"www-authenticate": 'Basic realm="Webhook"'})
    assert (await call("jwtAuth")).status == 401
    assert (await call("headerAuth")).status == 403
    assert (await call("headerAuth", **{"X-Key": "another"})).status == 403
    assert (await call("basicAuth", authorization="Basic " + base64.b64encode(b"ada:x").decode())).status == 403
    assert (await call("jwtAuth", authorization="Bearer " + jwt.encode({}, "b" * 64, "HS256"))).status == 403
    for path, given in right.items():
        answer = await call(path, authorization=given)
        assert answer.status == 200, answer
        assert answer.body["headers"] == {"authorization": "**********"}
        assert (answer.body.get("jwtPayload") or {}).get("who") == ("ada" if path == "jwtAuth" else None)
    assert (await call("headerAuth", **{"X-Key": SECRET})).body["headers"] == {"X-Key": "**********"}


async def test_the_dump_of_everything_has_no_secret(
    engine: EngineProcess,
    nats_bus: NatsBus,
    workflows: Workflows,
    keeper: Keeper,
    database_url: str,
    tmp_path: Path,
) -> None:
    """Database, log, events, export, verbs: after an echo, a refusal, an unreachable host, a bad query and a failed test."""
    heard: list[bytes] = []

    async def hear(received: Any) -> None:
        heard.append(received.data)

    listening = await nats_bus.subscribe("hive.events.>", hear)
    made = await keeper.add("httpHeaderAuth", {"name": "X-Key", "value": SECRET})
    await keeper.add("httpQueryAuth", {"name": "key", "value": SECRET})
    await keeper.add("httpBasicAuth", {"user": "ada", "password": SECRET})
    wrong = await keeper.add("oAuth2Api", {"accessTokenUrl": "http://127.0.0.1:1/", "clientId": "c", "clientSecret": SECRET})
    shown = [each.model_dump_json() for each in await keeper.list()]
    shown.append((await keeper.test(wrong.id)).model_dump_json())
    async with Echo() as echo:
        echo.redirect = ""
        for kind in ("httpHeaderAuth", "httpQueryAuth", "httpBasicAuth"):
            for url in (
                echo.url,
                f"{echo.url}refused",
                f"{echo.url}binary",
                f"{echo.url}slashes",
                "http://127.0.0.1:1/x",
                "http://[bad/",
            ):
                whole = {"response": {"response": {"fullResponse": True}}}
                document = chain(node("Start", "manualTrigger"), asking(url, kind, {"name": "mine"}, options=whole))
                workflow = await workflows.create(document)
                record = await workflows.execute(workflow.id, wait=60)
                shown.append(record.model_dump_json())
        subject = subjects.service_verb(subjects.SERVICE_EXECUTIONS, "get")
        shown.append((await nats_bus.request(subject, ExecutionRef(id=record.id), ExecutionRecord)).model_dump_json())
        subject = subjects.service_verb(subjects.SERVICE_WORKFLOWS, "get")
        shown.append((await nats_bus.request(subject, WorkflowRef(id=workflow.id), WorkflowRecord)).model_dump_json())
        assert len(echo.requests) == 12
        await keeper.change(made.id, data={"value": SECRET + SECRET})
        await asyncio.wait_for(_until(lambda: sum(b"execution_failed" in each for each in heard) >= 1), 30)
    await listening.close()
    everything = _with_decoded(
        "\n".join([*shown, await dump(database_url), engine.log.read_text(), b"\n".join(heard).decode()])
    )
    assert "httpHeaderAuth" in everything
    assert "credential_created" in everything
    encoded = base64.b64encode(f"ada:{SECRET}".encode()).decode()
    for form in (SECRET, "correct-horse", encoded, base64.b64encode(SECRET.encode()).decode(), SECRET.encode().hex()):
        assert form not in everything
    (key,) = _key_files(tmp_path)
    assert key.stat().st_mode & 0o777 == 0o600
    assert key.read_text().strip() not in everything


def _key_files(folder: Path) -> list[Path]:
    return list(folder.rglob(FILE_NAME))


def _with_decoded(text: str) -> str:
    """With what stands in it as base64, such as files of items."""
    found = [base64.b64decode(each[: len(each) // 4 * 4]) for each in re.findall(r"[A-Za-z0-9+/]{40,}={0,2}", text)]
    return "\n".join([text, *(each.decode("utf-8", "replace") for each in found)])


async def _until(true: Any) -> None:
    while not true():
        await asyncio.sleep(0.02)


@pytest.mark.slow
async def test_another_key_takes_over_and_an_engine_without_it_says_so(
    nats_bus: NatsBus, nats_server: NatsServer, database_url: str, tmp_path: Path, workflows: Workflows, keeper: Keeper
) -> None:
    old, new = new_key(), new_key()
    allowed = {"HIVE_WORKFLOW_ALLOW_INTERNAL": '["127.0.0.1"]'}
    with EngineProcess(nats_server, tmp_path, database_url, "first", HIVE_CREDENTIALS_KEY=old, **allowed) as engine:
        await engine.ready(nats_bus)
        await keeper.add("httpHeaderAuth", {"name": "X-Key", "value": SECRET})
    async with Echo() as echo:
        both = f"{new},{old}"
        with EngineProcess(nats_server, tmp_path, database_url, "second", HIVE_CREDENTIALS_KEY=both, **allowed) as engine:
            await engine.ready(nats_bus)
            await engine.logged("credentials_resealed")
        with EngineProcess(nats_server, tmp_path, database_url, "third", HIVE_CREDENTIALS_KEY=new, **allowed) as engine:
            await engine.ready(nats_bus)
            record = await ran(workflows, asking(echo.url, "httpHeaderAuth", {"name": "mine"}))
            assert record.status == "success", run_of(record)
        with EngineProcess(nats_server, tmp_path, database_url, "fourth", HIVE_CREDENTIALS_KEY=old, **allowed) as engine:
            await engine.ready(nats_bus)
            record = await ran(workflows, asking(echo.url, "httpHeaderAuth", {"name": "mine"}))
            error = run_of(record)["error"]
            assert error["code"] == "credential_unreadable"
            assert "HIVE_CREDENTIALS_KEY" in error["message"]
            with pytest.raises(Exception, match="lacks the key"):
                await keeper.add("httpBearerAuth", {"token": SECRET})
            log = engine.log.read_text()
    assert old not in log
    assert SECRET not in log


async def test_a_wait_goes_on_for_who_knows_the_secret(
    engine: EngineProcess, nats_bus: NatsBus, workflows: Workflows, keeper: Keeper
) -> None:
    await keeper.add("httpHeaderAuth", {"name": "X-Key", "value": SECRET})
    wait = {"resume": "webhook", "incomingAuthentication": "headerAuth"}
    made = await workflows.create(
        chain(node("Start", "manualTrigger"), node("Ask", "wait", wait, 1.1, credentials={"httpHeaderAuth": {"name": "mine"}}))
    )
    waiting = await workflows.execute(made.id)

    async def parked() -> None:
        async with asyncio.timeout(30):
            while (await workflows.get(waiting.id)).status != "waiting":
                await asyncio.sleep(0.05)

    async def resume(**headers: str) -> WebhookReply:
        subject = subjects.service_verb(subjects.SERVICE_WEBHOOKS, "resume")
        return await nats_bus.request(subject, ResumeCall(id=waiting.id, path="", method="GET", headers=headers), WebhookReply)

    await parked()
    assert (await resume()).status == 403
    await parked()
    assert (await resume(**{"X-Key": "another"})).status == 403
    await parked()
    assert (await resume(**{"x-key": SECRET})).status == 200
    record = await workflows.ended(waiting.id)
    assert run_of(record)["data"]["main"][0][0]["json"]["headers"] == {"x-key": "**********"}
