"""Carries out `HandleDocuments`: texts with vectors in the record, found by pgvector where the database has it, else by reading a whole store,
which is therefore bounded more tightly."""

import asyncio
import base64
import json
from collections.abc import Mapping
from typing import Any, Final

import asyncpg

from bus.database import NamedStatements, available
from bus.errors import DatabaseUnavailable, RequestRefused
from bus.messages import Claims
from workflow.core.effects import HandleDocuments
from workflow.core.execution import Reply
from workflow.outside.nearest import MOST_NUMBERS, prepare, written
from workflow.outside.vectors import nearness, numbers
from workflow.sql import queries

MAX_DOCUMENTS: Final = 5_000
"""Of one store without pgvector: reading and comparing them takes about a second."""
MAX_NEAREST: Final = 100_000
"""Of one store with it: the database compares all of them, without an index, so that none is missed."""
AGAIN_SECONDS: Final = 0.5


class Documents:
    def __init__(self, pool: asyncpg.Pool) -> None:
        self._pool = pool
        self._statements = NamedStatements(pool, queries())
        self._by_pgvector: bool | None = None

    async def carry_out(self, effect: HandleDocuments, claims: Claims) -> Reply:
        """RequestRefused for a store that would be too large, and vectors that do not fit. Waits while the database is away."""
        while True:
            try:
                with available():
                    if self._by_pgvector is None:
                        self._by_pgvector = await prepare(self._pool, queries())
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
        most = MAX_NEAREST if self._by_pgvector else MAX_DOCUMENTS
        if there + len(effect.texts) > most:
            raise RequestRefused(
                f"The store {effect.store!r} has {there:,} documents, and may have {most:,}. Clear it, or use larger pieces."
            )
        if effect.clear:
            await self._statements.run("clear_documents", *where, own)
        ids = [f"{effect.key}/{place:05d}" for place in range(len(effect.texts))]
        texts, about = _storable(effect.texts), [json.dumps(_storable(each)) for each in effect.metadata]
        vectors = [base64.b64decode(each) for each in effect.vectors]
        if not self._by_pgvector:
            await self._statements.run("add_documents", *where, ids, texts, about, vectors)
            return
        if any(not 4 <= len(each) <= 4 * MOST_NUMBERS for each in vectors):
            raise RequestRefused(f"A vector has no numbers, or more than {MOST_NUMBERS:,}. Use another model for embeddings.")
        await self._statements.run("add_embedded_documents", *where, ids, texts, about, vectors, list(map(written, vectors)))

    async def _search(self, effect: HandleDocuments, claims: Claims) -> list[dict[str, Any]]:
        where, packed = (claims.tenant, claims.sub, effect.store), base64.b64decode(effect.vectors[0])
        if self._by_pgvector:
            return await self._nearest(where, packed, effect)
        rows = await self._statements.all("documents", *where)
        wanted = numbers(packed)
        if any(len(row["vector"]) != len(wanted) * wanted.itemsize for row in rows):
            raise _other_model(effect)
        scores = await asyncio.to_thread(lambda: [nearness(wanted, numbers(row["vector"])) for row in rows])
        best = sorted(range(len(rows)), key=lambda place: -scores[place])[: effect.top]
        return [
            {"text": rows[place]["text"], "metadata": json.loads(rows[place]["metadata"]), "score": scores[place]}
            for place in best
        ]

    async def _nearest(self, where: tuple[str, ...], packed: bytes, effect: HandleDocuments) -> list[dict[str, Any]]:
        try:
            rows = await self._statements.all("nearest_documents", *where, written(packed), effect.top)
        except asyncpg.DataError:
            raise _other_model(effect) from None
        return [{"text": row["text"], "metadata": json.loads(row["metadata"]), "score": row["score"]} for row in rows]


def _other_model(effect: HandleDocuments) -> RequestRefused:
    return RequestRefused(
        f"The store {effect.store!r} has vectors of another model: their lengths differ. Clear it, and add its documents anew."
    )


def _storable(value: Any) -> Any:
    """Without NUL, which no text of PostgreSQL has."""
    if isinstance(value, str):
        return value.replace("\x00", "")
    if isinstance(value, Mapping):
        return {_storable(name): _storable(inner) for name, inner in value.items()}
    return [_storable(inner) for inner in value] if isinstance(value, list) else value
