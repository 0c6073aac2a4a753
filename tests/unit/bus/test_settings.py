"""Where the bus is, as it was written by hand."""

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
