"""Which credential a reference means, on a real PostgreSQL: one's own before what another shares, and nobody's where several fit."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from bus.database import migrate_by, open_pool
from bus.errors import Conflict, CredentialNotFound
from bus.messages import Claims, Role
from bus.messages.credentials import CreateCredential
from bus.vault import Vault, new_key
from tests.integration.workflow.databases import Line, tcp_postgres  # noqa: F401 - a fixture
from workflow.credentials.needed import Reference
from workflow.credentials.store import Credentials, reseal_when_possible
from workflow.sql import migrations

ANNA, BERT, CARL = (Claims(sub=name, roles=(Role.DEVELOPER,)) for name in ("anna", "bert", "carl"))
KIND = "httpBearerAuth"


@pytest.fixture
async def store(database_url: str, tmp_path: Path) -> AsyncIterator[Credentials]:
    await migrate_by(database_url, migrations(), "workflow_migrations")
    pool = await open_pool(database_url, 2)
    yield Credentials(pool, Vault(tmp_path / "key"))
    await pool.close()


async def add(store: Credentials, claims: Claims, name: str, n8n_id: str | None = None) -> str:
    wish = CreateCredential(name=name, type=KIND, data={"token": f"of-{claims.sub}"}, shared=True, n8n_id=n8n_id)
    return str((await store.create(wish, claims)).id)


async def lent(store: Credentials, claims: Claims, *, id: str | None = None, name: str = "") -> str:
    found = await store.lend(Reference(type=KIND, id=id, name=name), claims)
    return str(found.data["token"])


async def test_what_is_one_s_own_comes_before_what_another_gave_the_same_id(store: Credentials) -> None:
    bert = await add(store, BERT, "mail", "n8nA")
    await add(store, ANNA, "mail")
    assert await lent(store, ANNA, id="n8nA", name="mail") == "of-anna"
    assert await lent(store, ANNA, id=bert, name="mail") == "of-bert"
    assert await lent(store, CARL, id="n8nA") == "of-bert"


async def test_several_of_others_are_nobody_s(store: Credentials) -> None:
    await add(store, ANNA, "mail")
    assert await lent(store, CARL, name="mail") == "of-anna"
    await add(store, BERT, "mail", "n8nA")
    with pytest.raises(Conflict, match="Name one by its id"):
        await lent(store, CARL, name="mail")
    assert await lent(store, CARL, id="n8nA", name="mail") == "of-bert"
    await add(store, ANNA, "other", "n8nA")
    with pytest.raises(Conflict, match="Name one by its id"):
        await lent(store, CARL, id="n8nA", name="mail")
    with pytest.raises(CredentialNotFound):
        await lent(store, CARL, name="nothing")


async def test_a_start_while_the_database_is_away_seals_nothing_anew_and_goes_on(tcp_postgres: Line, tmp_path: Path) -> None:  # noqa: F811
    data = tcp_postgres.data
    pool = await open_pool(f"postgresql://{data['user']}@{data['host']}:{data['port']}/{data['database']}", 1)
    vault = Vault(tmp_path / "key", new_key())
    await tcp_postgres.proxy.close()
    await reseal_when_possible(Credentials(pool, vault))
    pool.terminate()
