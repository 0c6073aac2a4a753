"""A server that keeps its connections open, in a thread of its own: what it closes, the test's loop has not looked at."""

import socket
import struct
import threading
from collections.abc import Callable, Iterator
from contextlib import suppress

import pytest

from agent_sidecar.addresses import Address, parse_address

WELL = b"HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nwell"
SECONDS = 20


class Keeping:
    """`answers` says what a connection's requests are answered with, in order; None closes it in place of an answer, RESET breaks it
    when the head has come. Those behind the last are answered WELL.
    """

    RESET = b"reset"

    def __init__(self) -> None:
        self.connections, self.requests = 0, 0
        self.answers: Callable[[int], tuple[bytes | None, ...]] = lambda connection: ()
        self._listening = socket.create_server(("127.0.0.1", 0))
        self._open: list[socket.socket] = []
        self._threads = [threading.Thread(target=self._accept)]
        self._threads[0].start()

    @property
    def address(self) -> Address:
        return parse_address(f"http://127.0.0.1:{self._listening.getsockname()[1]}")

    def hang_up(self) -> None:
        """Closes what is open now."""
        for each in self._open:
            with suppress(OSError):  # its client has gone
                each.shutdown(socket.SHUT_RDWR)

    def stop(self) -> None:
        self._listening.shutdown(socket.SHUT_RDWR)
        self._listening.close()
        self.hang_up()
        for thread in self._threads:
            thread.join(SECONDS)

    def _accept(self) -> None:
        while True:
            try:
                taken, _ = self._listening.accept()
            except OSError:
                return
            self.connections += 1
            self._open.append(taken)
            self._threads.append(threading.Thread(target=self._serve, args=(taken, self.connections)))
            self._threads[-1].start()

    def _serve(self, taken: socket.socket, number: int) -> None:
        answers = iter(self.answers(number))
        with taken, taken.makefile("rb") as lines:
            while head := b"".join(iter(lines.readline, b"\r\n")) if lines.peek(1) else b"":
                answer = next(answers, WELL)
                if answer is self.RESET:
                    taken.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
                    return
                lines.read(int(head.lower().partition(b"content-length:")[2].split(b"\r", 1)[0] or 0))
                self.requests += 1
                if answer is None:
                    return
                taken.sendall(answer)


@pytest.fixture
def keeping() -> Iterator[Keeping]:
    server = Keeping()
    yield server
    server.stop()
