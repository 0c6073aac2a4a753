"""Nodes of a package, installed from its folder as `hive nodes install` does, on a real engine: what they do, and what becomes of bad ones."""

import asyncio
import json
import shutil
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import psutil
import pytest

from bus.messages.workflows import ExecutionRecord
from bus.nats_bus import NatsBus
from deploy.node_packages import Folder
from tests.integration.workflow.keeper import Keeper
from tests.integration.workflow.parts import EngineProcess, Workflows, chain, node
from tests.parts.nats import NatsServer
from workflow.packages.installed import INDEX

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(
        shutil.which("node") is None or shutil.which("npm") is None, reason="Node.js and npm are not on the PATH"
    ),
]

PACKAGE = Path(__file__).parents[2] / "data" / "n8n-nodes-tried"
ALLOW = {"HIVE_WORKFLOW_ALLOW_INTERNAL": '["127.0.0.1"]'}
TOKEN = "correct-horse-battery"


@pytest.fixture(scope="module")
def installed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = Folder(tmp_path_factory.mktemp("packages"))
    (package,) = folder.install(str(PACKAGE))
    assert [each.unfit for each in package.nodes] == [None, None, "a trigger"]
    return folder.path


@asynccontextmanager
async def engine(
    bus: NatsBus, server: NatsServer, folder: Path, url: str, installed: Path, name: str = "engine", **env: str
) -> AsyncIterator[EngineProcess]:
    with EngineProcess(server, folder, url, name, **env) as engine:
        shutil.copytree(installed, folder / name / "nodes", symlinks=True)
        await engine.ready(bus)
        yield engine


def doer(operation: str, name: str = "Do", **more: Any) -> dict[str, Any]:
    parameters = {"operation": operation, **more.pop("parameters", {})}
    return {**node(name, "x", parameters, **more), "type": "n8n-nodes-tried.doer"}


def rest(operation: str, **parameters: Any) -> dict[str, Any]:
    made = node("Rest", "x", {"operation": operation, **parameters}, credentials={"triedApi": {"name": "mine"}})
    return {**made, "type": "n8n-nodes-tried.rest"}


async def ran(workflows: Workflows, *nodes: dict[str, Any], items: tuple[dict[str, Any], ...] = ()) -> ExecutionRecord:
    made = await workflows.create(chain(node("Start", "manualTrigger"), *nodes))
    return await workflows.execute(made.id, *items, wait=120)


def outputs(found: ExecutionRecord, name: str = "Do") -> list[list[Any]]:
    assert found.data is not None
    run = found.data["resultData"]["runData"][name][0]  # type: ignore[index,call-overload]
    main: list[list[Any]] = run["data"]["main"]  # type: ignore[index,call-overload,assignment]
    return main


def failure(found: ExecutionRecord) -> dict[str, Any]:
    assert found.status == "error"
    assert found.data is not None
    error: dict[str, Any] = found.data["resultData"]["error"]  # type: ignore[index,call-overload,assignment]
    return error


class Things:
    """A service on loopback: what was asked, and an answer with all that came. `hold`: nothing is answered before it is set."""

    def __init__(self) -> None:
        self.asked: list[tuple[str, dict[str, str], Any]] = []
        self.came, self.hold = asyncio.Event(), asyncio.Event()
        self.hold.set()

    async def __aenter__(self) -> "Things":
        self._server = await asyncio.start_server(self._serve, "127.0.0.1", 0)
        self.url = f"http://127.0.0.1:{self._server.sockets[0].getsockname()[1]}"
        return self

    async def __aexit__(self, *_: object) -> None:
        self.hold.set()
        self._server.close()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            asked, *lines = (await reader.readuntil(b"\r\n\r\n")).decode().split("\r\n")
            fields = {name.lower(): value for name, _, value in (line.partition(": ") for line in lines if line)}
            body = await reader.readexactly(int(fields.get("content-length", "0")))
            self.asked.append((asked.removesuffix(" HTTP/1.1"), fields, json.loads(body) if body else None))
            self.came.set()
            await self.hold.wait()
            wrong = "/broken" in asked
            text = json.dumps(
                {"message": "no such thing"}
                if wrong
                else {"things": [{"n": 1}, {"n": 2}], "group": {"id": 1}, "you": fields.get("authorization")}
            )
            status = "404 Not Found" if wrong else "200 OK"
            head = f"HTTP/1.1 {status}\r\nContent-Type: application/json\r\nContent-Length: {len(text)}\r\nConnection: close\r\n\r\n"
            writer.write((head + text).encode())
            await writer.drain()
        except (asyncio.IncompleteReadError, ConnectionError):
            pass
        finally:
            writer.close()


async def test_nodes_of_a_package_run_and_bad_ones_harm_nobody_else(
    nats_bus: NatsBus, nats_server: NatsServer, database_url: str, tmp_path: Path, workflows: Workflows, installed: Path
) -> None:
    limits = {"HIVE_WORKFLOW_NODE_SECONDS": "15"}
    async with engine(nats_bus, nats_server, tmp_path, database_url, installed, **limits, **ALLOW) as running:
        items = ({"json": {"n": 4}}, {"json": {"n": 5}}, {"json": {"n": "six"}})
        even, odd = outputs(
            await ran(
                workflows, doer("double", parameters={"number": "={{ $json.n }}"}, onError="continueRegularOutput"), items=items
            )
        )[:2]
        assert even == [{"json": {"doubled": 8}, "pairedItem": {"item": 0}}]
        assert [each["json"] for each in odd] == [{"doubled": 10}, {"error": "That is no number"}]
        assert outputs(await ran(workflows, doer("double"), items=({"json": {}},)))[1][0]["json"] == {
            "doubled": 42
        }  # by default

        error = failure(await ran(workflows, doer("double", parameters={"number": "={{ $json.n }}"}), items=items))
        assert (error["message"], error["node"]["name"], error["context"]["itemIndex"]) == ("That is no number", "Do", 2)

        hanging = asyncio.create_task(ran(workflows, doer("hang")))
        crashed = failure(await ran(workflows, doer("crash", retryOnFail=True, maxTries=3)))
        assert (crashed["code"], crashed["node"]["name"]) == ("outcome_unknown", "Do")
        assert failure(await ran(workflows, doer("flood")))["code"] == "evaluation_limit"
        forgotten = failure(await ran(workflows, doer("forget")))
        assert (forgotten["code"], "heap out of memory" in forgotten["message"]) == ("outcome_unknown", True)
        assert outputs(await ran(workflows, doer("double"), items=({"json": {}},)))[1], "another hangs, and this one runs"
        hung = failure(await hanging)
        assert (hung["code"], "within 15 s" in hung["message"]) == ("outcome_unknown", True)

        assert outputs(await ran(workflows, doer("leave")))[0] == [{"json": {}, "pairedItem": {"item": 0}}]
        started = psutil.Process(running.process.pid).children(recursive=True)
        running.kill()
        gone, left = await asyncio.to_thread(psutil.wait_procs, started, 30)
        assert gone
        assert not left


async def test_credentials_requests_and_the_guard(
    nats_bus: NatsBus, nats_server: NatsServer, database_url: str, tmp_path: Path, workflows: Workflows, installed: Path
) -> None:
    keeper = Keeper(nats_bus)
    mine = {"credentials": {"triedApi": {"name": "mine"}}}
    async with Things() as things:
        async with engine(nats_bus, nats_server, tmp_path, database_url, installed, "first", **ALLOW) as first:
            with pytest.raises(Exception, match=r"needs `data.token`"):
                await keeper.add("triedApi", {"url": things.url})
            await keeper.add("triedApi", {"url": things.url, "token": TOKEN})

            made = outputs(await ran(workflows, doer("call", **mine), items=({"json": {"a": 1}},)))
            assert made[0][0]["json"]["things"] == [{"n": 1}, {"n": 2}]
            asked, fields, body = things.asked[-1]
            assert (asked, fields["authorization"], body) == ("POST /things", f"Token {TOKEN}", {"a": 1})
            assert TOKEN not in json.dumps(made), "the service repeated it"

            told = outputs(await ran(workflows, doer("tell", **mine)))[0][0]["json"]
            assert {*told["env"]} - {"LC_CTYPE"} == {"HOME", "NODE_ENV", "PATH"}  # Python sets that one in what it starts
            assert TOKEN not in json.dumps(told)

            listed = outputs(await ran(workflows, rest("list"), items=({"json": {}},)), "Rest")
            assert listed == [[{"json": {"n": 1}, "pairedItem": {"item": 0}}]]
            assert things.asked[-1][0] == "GET /things?limit=1"
            assert things.asked[-1][1]["x-tried"] == "yes"
            named = ({"json": {"name": "a"}}, {"json": {"name": "b"}})
            await ran(workflows, rest("create", name="={{ $json.name }}"), items=named)
            assert [each[0] for each in things.asked[-2:]] == ["POST /things/a", "POST /things/b"]
            assert things.asked[-1][2] == {"thing": {"name": "b"}}

            wrong = failure(await ran(workflows, doer("call", parameters={"path": "/broken"}, **mine), items=({"json": {}},)))
            assert (wrong["message"], wrong["description"]) == ("Request failed with status code 404", "no such thing")
            assert TOKEN not in first.log.read_text()
            first.kill()
        async with engine(nats_bus, nats_server, tmp_path, database_url, installed, "second"):
            shutil.copy(tmp_path / "first" / "credentials.key", tmp_path / "second" / "credentials.key")
            before = len(things.asked)
            refused = failure(await ran(workflows, doer("call", **mine), items=({"json": {}},)))
            assert (refused["code"], "internal address" in refused["message"]) == ("request_refused", True)
            assert failure(await ran(workflows, rest("list"), items=({"json": {}},)))["code"] == "request_refused"
            assert len(things.asked) == before
            (second_index := tmp_path / "second" / "nodes" / INDEX).unlink()
            assert failure(await ran(workflows, doer("double")))["code"] == "unknown_node_type"
            assert not second_index.exists()


async def test_a_call_in_flight_when_its_engine_dies_is_repeated_only_where_that_was_chosen(
    nats_bus: NatsBus, nats_server: NatsServer, database_url: str, tmp_path: Path, workflows: Workflows, installed: Path
) -> None:
    mine = {"credentials": {"triedApi": {"name": "mine"}}}
    async with Things() as things:
        things.hold.clear()
        async with engine(nats_bus, nats_server, tmp_path, database_url, installed, "first", **ALLOW) as first:
            await Keeper(nats_bus).add("triedApi", {"url": things.url, "token": TOKEN})
            begun = []
            for more in ({}, {"onInterrupt": "repeat"}):
                things.came.clear()
                nodes = (node("Start", "manualTrigger"), doer("call", **more, **mine), doer("double", "After"))
                begun.append((await workflows.execute((await workflows.create(chain(*nodes))).id, {"json": {}})).id)
                async with asyncio.timeout(60):
                    await things.came.wait()
            first.kill()
        assert len(things.asked) == 2
        things.hold.set()
        with EngineProcess(nats_server, tmp_path, database_url, "second", **ALLOW) as second:
            shutil.copy(tmp_path / "first" / "credentials.key", tmp_path / "second" / "credentials.key")
            shutil.copytree(installed, tmp_path / "second" / "nodes", symlinks=True)
            await second.ready(nats_bus)
            once, again = [await workflows.ended(each) for each in begun]
            assert failure(once)["code"] == "outcome_unknown"
            assert again.status == "success"
            assert len(things.asked) == 3
