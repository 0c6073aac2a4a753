"""Vectors as they are packed, and how near two are. Pure."""

import math
from array import array
from collections.abc import Sequence


def numbers(packed: bytes) -> "array[float]":
    """Of little-endian numbers of 32 bits."""
    found = array("f")
    found.frombytes(packed[: len(packed) // found.itemsize * found.itemsize])
    return found


def nearness(left: Sequence[float], right: Sequence[float]) -> float:
    """Cosine: 1 for the same direction."""
    lengths = math.hypot(*left) * math.hypot(*right)
    return sum(map(float.__mul__, left, right)) / lengths if lengths else 0.0
