"""Vectors as they cross the bus: 32-bit floats, little-endian, in base64 (docs/adr/0017). Pure."""

import sys
from array import array
from base64 import b64decode, b64encode
from collections.abc import Sequence

from agent_sidecar.backends.backend import Ask
from bus.errors import BackendError, UnsupportedByBackend

FLOAT_BYTES = 4


def packed(vector: Sequence[float]) -> str:
    numbers = array("f", vector)
    if sys.byteorder == "big":
        numbers.byteswap()
    return b64encode(numbers.tobytes()).decode()


def length_of(vector: str) -> int:
    """How many numbers are packed in it. ValueError when it is no base64."""
    return len(b64decode(vector, validate=True)) // FLOAT_BYTES


def check_vectors(lengths: Sequence[int], ask: Ask) -> None:
    """BackendError where a vector is missing, UnsupportedByBackend where they have another length than was asked for."""
    asked, wanted = len(ask.work.input or ()), ask.work.dimensions
    if len(lengths) != asked:
        raise BackendError(f"The backend made {len(lengths)} vectors of {asked} inputs. See its log.")
    if wanted is not None and any(length != wanted for length in lengths):
        raise UnsupportedByBackend(
            f"The vectors of {ask.model} have {lengths[0]} numbers on this backend, and {wanted} were asked for. Leave `dimensions` out."
        )
