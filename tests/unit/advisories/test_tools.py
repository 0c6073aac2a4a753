"""The tools themselves, against services of this test that know of a hole: pip-audit by OSV's protocol, npm by its registry's."""

import gzip
import json
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread
from typing import Any, ClassVar

import pytest

from tests.advisories import asking
from tests.advisories.holes import Answer

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(not asking.PIP_AUDIT.exists(), reason="the tools have an environment of their own: make audit"),
]
OSV = {
    "id": "PYSEC-2027-1",
    "modified": "2027-01-01T00:00:00Z",
    "aliases": ["CVE-2027-1"],
    "summary": "…",
    "details": "…",
    "affected": [
        {
            "package": {"name": "idna", "ecosystem": "PyPI"},
            "ranges": [{"type": "ECOSYSTEM", "events": [{"introduced": "0"}, {"fixed": "9999.0"}]}],
        }
    ],
}
ADVISORY = {
    "id": 1,
    "url": "https://github.com/advisories/GHSA-0000-0000-0001",
    "title": "…",
    "severity": "high",
    "vulnerable_versions": "*",
    "cwe": [],
    "cvss": {"score": 9, "vectorString": None},
}


class Service(BaseHTTPRequestHandler):
    """Knows one hole: in Python's `idna`, and in npm's `luxon`."""

    asked: ClassVar[list[str]] = []

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["content-length"]))
        self.asked.append(self.path)
        if self.path.startswith("/-/npm"):
            answer: Any = {"luxon": [ADVISORY]} if _names_luxon(body, self.headers.get("content-encoding")) else {}
        else:
            answer = {"vulns": [OSV]} if json.loads(body)["package"]["name"] == "idna" else {}
        self._answer(answer)

    def do_GET(self) -> None:
        """Of the package that has the hole npm wants to know all versions."""
        self._answer(
            {"name": "luxon", "dist-tags": {"latest": "3.0.0"}, "versions": {"3.0.0": {"name": "luxon", "version": "3.0.0"}}}
        )

    def _answer(self, answer: Any) -> None:
        text = json.dumps(answer).encode()
        self.send_response(200)
        self.send_header("content-type", "application/json")
        self.send_header("content-length", str(len(text)))
        self.end_headers()
        self.wfile.write(text)

    def log_message(self, *_: object) -> None: ...


def _names_luxon(body: bytes, encoding: str | None) -> bool:
    return b'"luxon"' in (gzip.decompress(body) if encoding == "gzip" else body)


@pytest.fixture
def service() -> Iterator[str]:
    server = ThreadingHTTPServer(("127.0.0.1", 0), Service)
    thread = Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05})
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()
    thread.join()
    server.server_close()


def found(answer: Answer) -> list[tuple[str, tuple[str, ...]]]:
    assert not answer.unasked, answer
    return [(hole.package, hole.names) for hole in answer.holes]


def test_pip_audit_finds_a_known_hole_of_what_is_pinned(service: str, tmp_path: Path) -> None:
    some = _entries((asking.ROOT / "requirements.lock").read_text(), ("idna", "anyio"))
    (tmp_path / "some.lock").write_text("\n".join(some) + "\n")
    answer = asking.python_packages(str(tmp_path / "some.lock"), osv_url=f"{service}/v1/query")
    assert found(answer) == [("idna", ("PYSEC-2027-1", "CVE-2027-1"))]
    assert answer.asked == 2


def _entries(lock: str, names: tuple[str, ...]) -> list[str]:
    kept, keeping = [], False
    for line in lock.splitlines():
        if line[:1].isalnum():
            keeping = line.partition("==")[0] in names
        if keeping:
            kept.append(line)
    return kept


def test_npm_finds_a_known_hole_of_what_is_pinned(service: str) -> None:
    assert found(asking.node_packages("workflow/expressions/js", registry=service)) == [("luxon", ("GHSA-0000-0000-0001",))]


def test_a_service_that_is_not_there_is_told_as_such() -> None:
    nobody = "http://127.0.0.1:9"
    for answer in (
        asking.python_packages("requirements-sidecar.lock", osv_url=nobody),
        asking.node_packages("workflow/expressions/js", registry=nobody),
    ):
        assert answer.asked == 0
        assert answer.unasked > 4
        assert answer.why
        assert not answer.holes
