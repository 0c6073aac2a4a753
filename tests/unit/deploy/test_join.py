"""`hive join` and `hive join-token`: how people write addresses and times, and what is said when it is no hive that answers."""

import json
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from threading import Thread

import pytest

from bus.errors import HiveError, InvalidRequest, JoinTokenExpired, Unavailable
from bus.host_key import new_seed, public_key, sign
from bus.messages.joining import JoinHive
from deploy.cli.join_token import seconds, wished
from deploy.join_door import Door, ask_to_join, door_url
from deploy.run import found_addresses


@pytest.mark.parametrize(
    ("named", "url"),
    [
        ("hive-machine", "http://hive-machine:8420"),
        ("192.168.1.5:9000", "http://192.168.1.5:9000"),
        ("http://hive-machine:8420/", "http://hive-machine:8420"),
        ("https://hive.example", "https://hive.example"),
        ("https://example.org/hive/", "https://example.org/hive"),
        ("[fd00::5]:8420", "http://[fd00::5]:8420"),
    ],
)
def test_an_address_may_be_short(named: str, url: str) -> None:
    assert door_url(named) == url


@pytest.mark.parametrize("named", ["", "ftp://hive", "http://", "hive:port", "http://user:secret@hive", "http://hive?x=1"])
def test_what_is_no_address_is_refused_without_what_may_be_secret(named: str) -> None:
    with pytest.raises(InvalidRequest, match="no address of an API") as refused:
        door_url(named)
    assert "secret" not in refused.value.message


def test_times_are_written_as_people_write_them() -> None:
    assert [seconds(text) for text in ("30m", "24h", "7d", " 1H ")] == [1800, 86400, 604800, 3600]
    for wrong in ("", "24", "h", "1.5h", "-1h", "1w"):
        with pytest.raises(InvalidRequest, match="30m, 24h or 7d"):
            seconds(wrong)


def test_a_wish_is_checked_before_anybody_is_asked() -> None:
    asked = wished("2h", 3, ["site=attic"], "cellar")
    assert (asked.expires_seconds, asked.uses, asked.labels, asked.name) == (7200, 3, {"site": "attic"}, "cellar")
    for expires, uses, labels in (("90d", 1, []), ("1h", 0, []), ("1h", 1, ["attic"])):
        with pytest.raises(InvalidRequest):
            wished(expires, uses, labels, None)


@contextmanager
def answering(status: int, body: bytes) -> Iterator[str]:
    """A server that says the same to everybody."""

    class Answer(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            self.rfile.read(int(self.headers["Content-Length"]))
            self.send_response(status)
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, format: str, *args: object) -> None:
            pass

    with HTTPServer(("127.0.0.1", 0), Answer) as server:
        thread = Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        try:
            yield f"http://127.0.0.1:{server.server_port}"
        finally:
            server.shutdown()
            thread.join()


@pytest.fixture
def request_() -> JoinHive:
    seed = new_seed()
    told = {"token": "hive-join-x", "name": "walnut", "key": public_key(seed), "signature": sign(seed, "hive-join-x", "walnut")}
    return JoinHive.model_validate(told)


def test_a_refusal_comes_as_the_hive_gave_it(request_: JoinHive) -> None:
    problem = {"code": "join_token_expired", "detail": "It expired.", "status": 403}
    with answering(403, json.dumps(problem).encode()) as api, pytest.raises(JoinTokenExpired, match="It expired"):
        ask_to_join(Door(url=api), request_)


@pytest.mark.parametrize(("status", "body"), [(200, b"<html>"), (404, b"not here"), (200, b"{}"), (500, b"[]"), (302, b"")])
def test_what_is_no_hive_is_told(request_: JoinHive, status: int, body: bytes) -> None:
    with answering(status, body) as api, pytest.raises(Unavailable, match="is no hive"):
        ask_to_join(Door(url=api), request_)


def test_where_nothing_listens_that_is_told_with_what_to_do(request_: JoinHive) -> None:
    with pytest.raises(Unavailable, match="HIVE_HOST") as refused:
        ask_to_join(Door(url="http://127.0.0.1:9"), request_)
    assert isinstance(refused.value, HiveError)


def test_a_sidecar_that_has_joined_does_not_mean_the_hive_of_its_machine(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "hive.json").write_text(json.dumps({"nats": {"url": "nats://here"}, "database_url": "p", "redis_url": "r"}))
    (tmp_path / "sidecar").mkdir()
    (tmp_path / "sidecar" / "joined.json").write_text("{}")
    for name in ("NATS_URL", "HIVE_DATABASE_URL", "HIVE_REDIS_URL", "HIVE_CONFIG"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("HIVE_DATA_DIR", str(tmp_path))
    assert found_addresses("sidecar") == {}
    assert found_addresses("gateway")["NATS_URL"] == "nats://here"


def test_joining_needs_neither_typer_nor_rich_nor_a_server() -> None:
    absent = "sys.modules.update(dict.fromkeys(('typer', 'click', 'rich', 'asyncpg', 'fastapi')))"
    code = f"import sys; {absent}; import deploy.entry, deploy.join, bus.nats_bus"
    subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
