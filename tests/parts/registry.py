"""A registry that a real Ollama pulls from: OCI's distribution API on loopback, over the files of another Ollama's store."""

import re
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

_PIECE_BYTES = 1024 * 1024


class Registry:
    """Serves `library/NAME:TAG` as the store has them. `held()` lets a download stand still behind its first bytes."""

    def __init__(self, store: Path) -> None:
        self.store = store
        self.flowing = threading.Event()
        self.flowing.set()
        self.pulled = 0
        """Manifests that were asked for."""
        self.left = 0
        """Downloads that ended before they were whole."""
        handler = type("Handler", (_Handler,), {"registry": self})
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), handler)
        self._server.daemon_threads = True
        self._thread = threading.Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.05})

    @property
    def address(self) -> str:
        return f"127.0.0.1:{self._server.server_port}"

    def name(self, model: str) -> str:
        """Of a model of the store, as one pulls it from here."""
        return f"{self.address}/library/{model}"

    def start(self) -> None:
        self._thread.start()

    def stop(self) -> None:
        self.flowing.set()
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()

    @contextmanager
    def held(self) -> Iterator[None]:
        self.flowing.clear()
        try:
            yield
        finally:
            self.flowing.set()


class _Handler(BaseHTTPRequestHandler):
    registry: Registry
    protocol_version = "HTTP/1.1"

    def log_message(self, format: str, *args: Any) -> None: ...

    def do_HEAD(self) -> None:
        self._answer(body=False)

    def do_GET(self) -> None:
        self._answer(body=True)

    def _answer(self, *, body: bool) -> None:
        if found := re.fullmatch(r"/v2/library/([^/]+)/manifests/([^/]+)", self.path):
            self.registry.pulled += body
            file = self.registry.store / "manifests/registry.ollama.ai/library" / found[1] / found[2]
        elif found := re.fullmatch(r"/v2/library/[^/]+/blobs/sha256:([0-9a-f]{64})", self.path):
            file = self.registry.store / "blobs" / f"sha256-{found[1]}"
            if body and file.is_file():
                self._send_elsewhere(found[1])
                return
        elif found := re.fullmatch(r"/direct/([0-9a-f]{64})", self.path):
            file = self.registry.store / "blobs" / f"sha256-{found[1]}"
        else:
            file = Path("/nowhere")
        if not file.is_file():
            self.send_response(404)
            self.send_header("Content-Length", "0")
            self.end_headers()
            return
        self._send(file, body=body)

    def _send_elsewhere(self, digest: str) -> None:
        """As the public registry does, to another host: Ollama asks for nothing else."""
        self.send_response(307)
        self.send_header("Location", f"http://localhost:{self.registry.address.partition(':')[2]}/direct/{digest}")
        self.send_header("Content-Length", "0")
        self.end_headers()

    def _send(self, file: Path, *, body: bool) -> None:
        size = file.stat().st_size
        asked = re.fullmatch(r"bytes=(\d+)-(\d*)", self.headers.get("Range", ""))
        start, end = (int(asked[1]), int(asked[2] or size - 1)) if asked else (0, size - 1)
        self.send_response(206 if asked else 200)
        if asked:
            self.send_header("Content-Range", f"bytes {start}-{end}/{size}")
        self.send_header("Content-Length", str(end - start + 1))
        self.end_headers()
        if body:
            self._stream(file, start, end + 1)

    def _stream(self, file: Path, start: int, end: int) -> None:
        with file.open("rb") as content:
            content.seek(start)
            try:
                while start < end:
                    piece = content.read(min(_PIECE_BYTES, end - start))
                    self.wfile.write(piece)
                    start += len(piece)
                    if start < end:
                        self.registry.flowing.wait(60)
            except (BrokenPipeError, ConnectionResetError):  # whoever pulled has gone
                self.close_connection = True
                self.registry.left += 1
