"""uvicorn as the gateway wants it: when it stops, streams are told first, then running requests may finish."""

import socket
from collections.abc import Callable
from typing import Final

import uvicorn
from fastapi import FastAPI

from bus.errors import Conflict
from bus.web.leaving import LeavingServer
from bus.web.slow_clients import BoundedProtocol
from coordinator.gateway.settings import GatewaySettings

KEEP_ALIVE_SECONDS: Final = 75
"""A connection that rests is kept longer than clients and proxies keep theirs (60 s is common), so that it is they who close it:
a submit that meets a connection which is just being closed fails, and cannot know whether it was taken."""

MOST_SOCKET_BYTES: Final = 64 * 1024
"""Of a message from a WebSocket client, which subscribes and no more. Compressing for each client would cost more than the bytes do."""


class Server(LeavingServer):
    def __init__(self, app: FastAPI, settings: GatewaySettings, before_stop: Callable[[], None]) -> None:
        super().__init__(
            uvicorn.Config(
                app,
                access_log=False,
                log_config=None,
                http=BoundedProtocol,
                lifespan="off",
                server_header=False,
                ws_max_size=MOST_SOCKET_BYTES,
                ws_per_message_deflate=False,
                timeout_keep_alive=KEEP_ALIVE_SECONDS,
                timeout_graceful_shutdown=settings.stop_seconds,
                ssl_certfile=settings.tls_cert,
                ssl_keyfile=settings.tls_key,
            ),
            before_stop,
        )


def listen(host: str, port: int) -> socket.socket:
    """A listening socket; port 0 takes a free one. Conflict when the port is taken, with the remedy."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    listener = socket.socket(family, socket.SOCK_STREAM)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listener.bind((host, port))
    except OSError as error:
        listener.close()
        raise Conflict(
            f"{host}:{port} cannot be listened on: {error.strerror}. Free it, or set HIVE_HOST or HIVE_API_PORT to another."
        ) from error
    return listener
