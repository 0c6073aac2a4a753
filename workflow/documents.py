"""Carries out `HandleDocuments`: texts with vectors in the record, found by reading a whole store, which is therefore bounded."""

import asyncio
import base64
import json
import math
from array import array
from collections.abc import Mapping, Sequence
from typing import Any, Final

import asyncpg

from bus.database import NamedStatements, available
from bus.errors import DatabaseUnavailable, RequestRefused
from bus.messages import Claims
from workflow.effects import HandleDocuments
from workflow.execution import Reply
from workflow.sql import queries

MAX_DOCUMENTS: Final = 5_000
"""Of one store: reading and comparing them takes about a second."""
AGAIN_SECONDS: Final = 0.5


class Documents:
    def __init__(self, pool: asyncpg.Pool) -> None:
        self._statements = NamedStatements(pool, queries())

    async def carry_out(self, effect: HandleDocuments, claims: Claims) -> Reply:
        """RequestRefused for a store that would be too large, and vectors that do not fit. Waits while the database is away."""
        while True:
            try:
                with available():
                    if effect.operation == "add":
                        await self._add(effect, claims)
                        return Reply()
                    return Reply(value=await self._search(effect, claims))
            except DatabaseUnavailable:
                await asyncio.sleep(AGAIN_SECONDS)

    async def _add(self, effect: HandleDocuments, claims: Claims) -> None:
        where, own = (claims.tenant, claims.sub, effect.store), f"{effect.key}/%"
        there = 0
        if not effect.clear:
            row = await self._statements.one(
                "count_documents", *where, own
            )  # an addition that is repeated does not count itself
            there = 0 if row is None else row["n"]
        if there + len(effect.texts) > MAX_DOCUMENTS:
            raise RequestRefused(
                f"The store {effect.store!r} has {there:,} documents, and may have {MAX_DOCUMENTS:,}. Clear it, or use larger pieces."
            )
        if effect.clear:
            await self._statements.run("clear_documents", *where, own)
        ids = [f"{effect.key}/{place:05d}" for place in range(len(effect.texts))]
        texts, about = _storable(effect.texts), [json.dumps(_storable(each)) for each in effect.metadata]
        vectors = [base64.b64decode(each) for each in effect.vectors]
        await self._statements.run("add_documents", *where, ids, texts, about, vectors)

    async def _search(self, effect: HandleDocuments, claims: Claims) -> list[dict[str, Any]]:
        rows = await self._statements.all("documents", claims.tenant, claims.sub, effect.store)
        wanted = numbers(base64.b64decode(effect.vectors[0]))
        if any(len(row["vector"]) != len(wanted) * wanted.itemsize for row in rows):
            raise RequestRefused(
                f"The store {effect.store!r} has vectors of another model: their lengths differ. Clear it, and add its documents anew."
            )
        scores = await asyncio.to_thread(lambda: [nearness(wanted, numbers(row["vector"])) for row in rows])
        best = sorted(range(len(rows)), key=lambda place: -scores[place])[: effect.top]
        return [
            {"text": rows[place]["text"], "metadata": json.loads(rows[place]["metadata"]), "score": scores[place]}
            for place in best
        ]


def _storable(value: Any) -> Any:
    """Without NUL, which no text of PostgreSQL has."""
    if isinstance(value, str):
        return value.replace("\x00", "")
    if isinstance(value, Mapping):
        return {_storable(name): _storable(inner) for name, inner in value.items()}
    return [_storable(inner) for inner in value] if isinstance(value, list) else value


def numbers(packed: bytes) -> "array[float]":
    found = array("f")
    found.frombytes(packed[: len(packed) // found.itemsize * found.itemsize])
    return found


def nearness(left: Sequence[float], right: Sequence[float]) -> float:
    """Cosine: 1 for the same direction."""
    lengths = math.hypot(*left) * math.hypot(*right)
    return sum(map(float.__mul__, left, right)) / lengths if lengths else 0.0
