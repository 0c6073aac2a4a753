"""A listening socket that whoever started this process holds, so that none who comes is refused while one process follows another."""

import os
import socket
from typing import Final

VARIABLE: Final = "HIVE_LISTENER"
"""The number of the file that was handed down."""


def handed_listener() -> socket.socket | None:
    """None where this process is to listen by itself. What it starts in turn is not told."""
    number = os.environ.pop(VARIABLE, None)
    if number is None:
        return None
    listener = socket.socket(fileno=int(number))
    listener.set_inheritable(False)
    return listener
