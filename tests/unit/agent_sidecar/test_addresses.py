"""What people write for an address, and what Hive makes of it."""

import pytest
from pydantic import ValidationError

from agent_sidecar.addresses import (
    BUILTIN_URL,
    agent_id_for,
    is_here,
    ollama_url,
    parse_address,
    parse_upstream,
    parse_upstreams,
    slug,
    without_key,
)
from bus.codec import explain
from bus.errors import InvalidRequest
from bus.messages import Upstream


@pytest.mark.parametrize(
    ("written", "url"),
    [
        ("", "http://127.0.0.1:11434"),
        ("gpu-host", "http://gpu-host:11434"),
        ("gpu-host:8000", "http://gpu-host:8000"),
        (":8000", "http://127.0.0.1:8000"),
        ("0.0.0.0", "http://127.0.0.1:11434"),
        ("0.0.0.0:8000", "http://127.0.0.1:8000"),
        ("[::1]", "http://[::1]:11434"),
        ("[::1]:8000", "http://[::1]:8000"),
        ("::1", "http://[::1]:11434"),
        ("http://gpu-host", "http://gpu-host:80"),
        ("https://gpu-host", "https://gpu-host:443"),
        ("http://gpu-host:8000/", "http://gpu-host:8000"),
        ("https://gpu-host/ollama", "https://gpu-host:443/ollama"),
        ("gpu-host:99999", "http://gpu-host:11434"),
        (' "gpu-host" ', "http://gpu-host:11434"),
    ],
)
def test_ollama_host_is_read_as_ollama_reads_it(written: str, url: str) -> None:
    assert ollama_url(written) == url
    parse_address(url)


@pytest.mark.parametrize("url", ["ftp://x", "gpu-host", "http://", "http://a b", "http://x:notaport", "", "http://x/é"])
def test_what_is_no_address_is_refused(url: str) -> None:
    with pytest.raises(InvalidRequest, match="not an address"):
        parse_address(url)


def test_a_key_goes_beside_the_address_and_never_shows() -> None:
    address = parse_address("http://gpu-host:8000/v1/", "sk-1")
    assert (address.key, address.host, address.port, address.path) == ("sk-1", "gpu-host", 8000, "")
    assert address.url == "http://gpu-host:8000"
    assert "sk-1" not in repr(address)


CARRYING = (
    "http://:sk-secret@gpu-host:8000",
    "http://sk-secret@gpu-host",
    "http://anna:sk-secret@gpu-host/v1",
    "http://gpu-host?key=sk-secret",
    "http://gpu-host/v1?api_key=sk-secret",
    "http://gpu-host/#sk-secret",
    "sk-secret@gpu-host:8000",
    "http://:sk-secret@:99999999",
)


@pytest.mark.parametrize("url", CARRYING)
def test_an_address_with_a_key_in_it_is_refused_without_repeating_the_key(url: str) -> None:
    with pytest.raises(InvalidRequest) as caught:
        parse_address(url)
    with pytest.raises(ValidationError) as refused:
        Upstream(url=url)
    for words in (caught.value.message, explain(refused.value).message, without_key(url)):
        assert "secret" not in words
    assert "`key`" in caught.value.message


@pytest.mark.parametrize("url", [*CARRYING[:4], "gpu=http://gpu-host:1?slots=2&key=sk-secret"])
def test_a_key_among_the_backends_is_refused_without_repeating_it(url: str) -> None:
    with pytest.raises(ValueError, match=r"HIVE_BACKEND_KEYS|`key`") as caught:
        parse_upstream(url)
    assert "secret" not in str(caught.value)


def test_addresses_beyond_ascii_and_of_version_6() -> None:
    assert parse_address("http://gpu-höst:1").authority == "xn--gpu-hst-e1a:1"
    assert parse_address("http://[::1]:11434").authority == "[::1]:11434"


def test_backends_by_comma_each_with_a_name_and_settings() -> None:
    found = parse_upstreams("http://a:11434, Walnut=http://b:11434?slots=4&model=llama3:8b ,builtin")
    assert found == (
        Upstream(url="http://a:11434"),
        Upstream(url="http://b:11434", name="Walnut", agent_id="walnut", slots=4, model="llama3:8b"),
        Upstream(url=BUILTIN_URL, kind="builtin"),
    )


@pytest.mark.parametrize("entry", ["a=gpu-host", "http://a?slits=4", "http://a?slots=none", "http://a?kind=tgi"])
def test_an_entry_that_is_wrong_is_refused(entry: str) -> None:
    with pytest.raises(ValueError, match=r".+"):
        parse_upstream(entry)


@pytest.mark.parametrize(
    ("text", "expected"),
    [("GPU Host_1", "gpu-host-1"), ("192.168.1.72", "192-168-1-72"), ("::", "local"), ("x" * 80, "x" * 63)],
)
def test_an_agent_id_from_any_name(text: str, expected: str) -> None:
    assert slug(text) == expected


@pytest.mark.parametrize(
    ("upstream", "taken", "expected"),
    [
        (Upstream(url="http://127.0.0.1:11434"), (), "acacia"),
        (Upstream(url="http://localhost:8080"), ("acacia",), "acacia-8080"),
        (Upstream(url="http://walnut.lan:11434"), (), "walnut"),
        (Upstream(url="http://192.168.1.72:11434"), (), "192-168-1-72"),
        (Upstream(url="http://walnut:1"), ("walnut", "walnut-1"), "walnut-2"),
        (Upstream(url=BUILTIN_URL, kind="builtin"), (), "acacia"),
        (Upstream(url=BUILTIN_URL, kind="builtin"), ("acacia",), "builtin"),
        (Upstream(url="http://walnut", agent_id="mine"), ("mine",), "mine"),
    ],
)
def test_an_agent_is_called_after_its_host(upstream: Upstream, taken: tuple[str, ...], expected: str) -> None:
    assert agent_id_for(upstream, "Acacia.lan", taken) == expected


def test_only_what_runs_here_has_this_machines_load() -> None:
    assert is_here(Upstream(url="http://127.0.0.1:11434"), "acacia")
    assert is_here(Upstream(url="http://acacia:11434"), "acacia")
    assert is_here(Upstream(url=BUILTIN_URL, kind="builtin"), "acacia")
    assert not is_here(Upstream(url="http://walnut:11434"), "acacia")
