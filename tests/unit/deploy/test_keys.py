"""Which key is meant by what a person writes down."""

from datetime import UTC, datetime
from uuid import uuid4

import pytest

from bus.errors import InvalidRequest, NotFound
from bus.messages import KeyRecord, Role
from deploy.cli.keys import named

NOW = datetime(2026, 11, 23, tzinfo=UTC)


def key(prefix: str, *, revoked: bool = False) -> KeyRecord:
    revoked_at = NOW if revoked else None
    return KeyRecord(id=uuid4(), owner="ada", role=Role.VIEWER, prefix=prefix, created_at=NOW, revoked_at=revoked_at)


def test_a_key_is_named_by_its_id_by_its_beginning_or_by_itself() -> None:
    one, other = key("sk-hive-aaaaaa"), key("sk-hive-bbbbbb")
    for words in (str(one.id), "sk-hive-aaaaaa", "sk-hive-aaaaaa0123456789"):
        assert named(words, (other, one)) == one.id


def test_a_key_that_holds_is_meant_before_one_that_was_revoked() -> None:
    gone, held = key("sk-hive-aaaaaa", revoked=True), key("sk-hive-aaaaaa")
    assert named("sk-hive-aaaaaa", (gone, held)) == held.id
    assert named("sk-hive-aaaaaa", (gone,)) == gone.id


@pytest.mark.parametrize("words", ["sk-hive-", "", "nobody"])
def test_what_names_no_key_revokes_none(words: str) -> None:
    with pytest.raises(NotFound):
        named(words, (key("sk-hive-aaaaaa"),))


def test_two_keys_that_begin_alike_are_not_guessed_at() -> None:
    with pytest.raises(InvalidRequest, match="by its id"):
        named("sk-hive-aaaaaa", (key("sk-hive-aaaaaa"), key("sk-hive-aaaaaa")))
