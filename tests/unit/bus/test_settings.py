"""Where the bus is, as it was written by hand."""

from pathlib import Path

import pytest
from pydantic import ValidationError

from bus.codec import explain
from bus.settings import HiveSettings


@pytest.mark.parametrize("written", ["nats://bus:four", "nats://ada:hush@:4222", "nats://one:4222,,", "nats://bus:99999"])
def test_what_is_no_address_is_refused_in_words_and_without_its_password(written: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NATS_URL", written)
    with pytest.raises(ValidationError) as refused:
        HiveSettings()
    assert "it is no address; write it like nats://USER:PASSWORD@HOST:4222" in explain(refused.value).message
    assert "hush" not in explain(refused.value).message


@pytest.mark.parametrize(
    ("written", "servers"),
    [
        ("", ["nats://127.0.0.1:4222"]),
        ("bus:4222", ["bus:4222"]),
        ("nats://u:p@one:4222,tls://two", ["nats://u:p@one:4222", "tls://two"]),
    ],
)
def test_several_addresses_come_by_comma_and_none_means_the_default(
    written: str, servers: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("NATS_URL", written)
    assert HiveSettings().nats_servers == servers


@pytest.mark.parametrize(("said", "found"), [(None, "of=file"), ("", "of=file"), ("of=word", "of=word")])
def test_a_file_stands_for_a_variable_that_is_not_there_or_empty(
    said: str | None, found: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Compose and Swarm set each variable that they pass on, if to nothing."""
    (tmp_path / "headers").write_text("of=file\n")
    monkeypatch.setenv("HIVE_OTLP_HEADERS_FILE", str(tmp_path / "headers"))
    if said is not None:
        monkeypatch.setenv("HIVE_OTLP_HEADERS", said)
    headers = HiveSettings().otlp_headers
    assert headers is not None
    assert headers.get_secret_value() == found
