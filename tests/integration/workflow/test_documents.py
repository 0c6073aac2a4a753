"""The store of documents on a real PostgreSQL: nearest first, by owner, bounded, and a repeated addition adds nothing."""

import asyncio
import base64
from array import array
from collections.abc import AsyncIterator
from typing import Any

import asyncpg
import pytest

from bus.database import migrate_by, open_pool
from bus.errors import RequestRefused
from bus.messages import Claims, Role
from workflow.core.effects import HandleDocuments
from workflow.outside import documents
from workflow.outside.documents import Documents
from workflow.sql import migrations

ANNA, BERT = (Claims(sub=name, roles=(Role.DEVELOPER,)) for name in ("anna", "bert"))


@pytest.fixture
async def pool(database_url: str) -> AsyncIterator[asyncpg.Pool]:
    await migrate_by(database_url, migrations(), "workflow_migrations")
    pool = await open_pool(database_url, 2)
    yield pool
    await pool.close()


@pytest.fixture(params=["pgvector", "array"])
async def store(pool: asyncpg.Pool, request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> Documents:
    """On this database with its extension, and as on one that has none."""
    if request.param == "array":
        monkeypatch.setattr(documents, "prepare", _without)
    elif not await pool.fetch("SELECT 1 FROM pg_available_extensions WHERE name = 'vector'"):
        pytest.skip("this PostgreSQL has no pgvector")
    return Documents(pool)


async def _without(*_: Any) -> bool:
    return False


def packed(*numbers: float) -> str:
    return base64.b64encode(array("f", numbers).tobytes()).decode()


def add(key: str, *given: tuple[str, str], clear: bool = False) -> HandleDocuments:
    texts, vectors = [text for text, _ in given], [vector for _, vector in given]
    about: list[dict[str, Any]] = [{"of": text} for text in texts]
    return HandleDocuments(key=key, operation="add", store="s", texts=texts, metadata=about, vectors=vectors, clear=clear)


async def found(store: Documents, claims: Claims, *numbers: float, top: int = 4) -> list[tuple[str, float]]:
    wish = HandleDocuments(operation="search", store="s", vectors=[packed(*numbers)], top=top)
    reply = await store.carry_out(wish, claims)
    assert all(each["metadata"] == {"of": each["text"]} for each in reply.value)
    return [(each["text"], round(each["score"], 3)) for each in reply.value]


async def test_the_nearest_come_first_and_each_owner_has_its_own(store: Documents) -> None:
    both = add("k1", ("east", packed(1, 0)), ("north", packed(0, 2)))
    await store.carry_out(both, ANNA)
    await store.carry_out(both, ANNA)
    await store.carry_out(add("k2", ("north-east", packed(3, 3))), ANNA)
    assert await found(store, ANNA, 1, 0.1) == [("east", 0.995), ("north-east", 0.774), ("north", 0.1)]
    assert await found(store, ANNA, 0, 1, top=1) == [("north", 1.0)]
    assert await found(store, BERT, 1, 0) == []
    afresh = add("k3", ("west\x00", packed(-1, 0)), clear=True)
    await store.carry_out(add("k4"), ANNA)
    await store.carry_out(afresh.model_copy(update={"texts": ["west"], "metadata": [{"of": "west"}]}), ANNA)
    await store.carry_out(afresh.model_copy(update={"texts": ["west"], "metadata": [{"of": "west"}]}), ANNA)
    assert await found(store, ANNA, 1, 0) == [("west", -1.0)]


async def test_what_does_not_fit_is_refused(store: Documents, monkeypatch: pytest.MonkeyPatch) -> None:
    await store.carry_out(add("k1", ("a", packed(1, 0))), ANNA)
    with pytest.raises(RequestRefused, match="another model"):
        await store.carry_out(HandleDocuments(operation="search", store="s", vectors=[packed(1, 2, 3)]), ANNA)
    monkeypatch.setattr(documents, "MAX_DOCUMENTS", 2)
    monkeypatch.setattr(documents, "MAX_NEAREST", 2)
    with pytest.raises(RequestRefused, match="may have 2"):
        await store.carry_out(add("k2", ("b", packed(1, 0)), ("c", packed(1, 0))), ANNA)
    for _ in range(2):
        await store.carry_out(add("k3", ("b", packed(1, 0))), ANNA)
    with pytest.raises(RequestRefused, match="may have 2"):
        await store.carry_out(add("k4", *[(name, packed(1, 0)) for name in "xyz"], clear=True), ANNA)
    assert {text for text, _ in await found(store, ANNA, 1, 0)} == {"a", "b"}


async def test_what_looks_like_an_escaped_nul_is_kept(store: Documents) -> None:
    wish = add("k1", ("a", packed(1, 0))).model_copy(
        update={"metadata": [{"of": "a", "path": "C:\\u0000", "nul\x00": ["x\x00y", 1]}]}
    )
    await store.carry_out(wish, ANNA)
    reply = await store.carry_out(HandleDocuments(operation="search", store="s", vectors=[packed(1, 0)]), ANNA)
    assert reply.value[0]["metadata"] == {"of": "a", "path": "C:\\u0000", "nul": ["xy", 1]}


async def test_what_was_there_before_pgvector_is_found_by_it(pool: asyncpg.Pool, monkeypatch: pytest.MonkeyPatch) -> None:
    with monkeypatch.context() as patched:
        patched.setattr(documents, "prepare", _without)
        before = Documents(pool)
        await before.carry_out(add("k1", ("east", packed(1, 0)), ("nothing", packed(0, 0))), ANNA)
    both = [Documents(pool), Documents(pool)]
    await asyncio.gather(*(each.carry_out(add(f"k{n + 2}", (f"new{n}", packed(-1, n))), ANNA) for n, each in enumerate(both)))
    assert await found(both[0], ANNA, 1, 0) == [("east", 1.0), ("nothing", 0.0), ("new1", -0.707), ("new0", -1.0)]
    assert await found(before, ANNA, 1, 0) == [("east", 1.0), ("nothing", 0.0), ("new1", -0.707), ("new0", -1.0)]


async def test_a_database_user_who_may_not_install_it_goes_without(pool: asyncpg.Pool, database_url: str) -> None:
    async def as_plain(connection: asyncpg.Connection) -> None:
        await connection.execute("SET ROLE documents_plain")

    name = await pool.fetchval("SELECT current_database()")
    await pool.execute(
        "DO $$ BEGIN CREATE ROLE documents_plain; EXCEPTION WHEN duplicate_object OR unique_violation THEN NULL; END $$"
    )
    await pool.execute(
        f'GRANT ALL ON ALL TABLES IN SCHEMA public TO documents_plain; REVOKE CREATE ON DATABASE "{name}" FROM documents_plain'
    )
    async with asyncpg.create_pool(database_url, min_size=1, max_size=2, setup=as_plain) as limited:
        store = Documents(limited)
        await store.carry_out(add("k1", ("east", packed(1, 0))), ANNA)
        assert await found(store, ANNA, 1, 0) == [("east", 1.0)]
