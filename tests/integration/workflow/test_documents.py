"""The store of documents on a real PostgreSQL: nearest first, by owner, bounded, and a repeated addition adds nothing."""

import base64
from array import array
from collections.abc import AsyncIterator
from typing import Any

import pytest

from bus.database import migrate_by, open_pool
from bus.errors import RequestRefused
from bus.messages import Claims, Role
from workflow import documents
from workflow.documents import Documents
from workflow.effects import HandleDocuments
from workflow.sql import migrations

ANNA, BERT = (Claims(sub=name, roles=(Role.DEVELOPER,)) for name in ("anna", "bert"))


@pytest.fixture
async def store(database_url: str) -> AsyncIterator[Documents]:
    await migrate_by(database_url, migrations(), "workflow_migrations")
    pool = await open_pool(database_url, 2)
    yield Documents(pool)
    await pool.close()


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
