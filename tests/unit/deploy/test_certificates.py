"""A hive's own authority: made once, for this user's eyes, and what it signs is made anew where it no longer fits."""

import ssl
import stat
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from bus.errors import InvalidRequest
from deploy.local.certificates import RENEW_DAYS, SERVER_DAYS, fingerprint_of, given, own
from deploy.local.data_folder import DataFolder

NOW = datetime.now(UTC)
NAMES = ["hive-machine", "192.168.1.5", "localhost"]


@pytest.fixture
def folder(tmp_path: Path) -> DataFolder:
    return DataFolder(tmp_path / "hive").create()


def test_they_are_made_once_and_readable_by_this_user_alone(folder: DataFolder) -> None:
    made = own(folder, NAMES, NOW)
    before = {file: file.read_bytes() for file in (folder.path / "tls").iterdir()}
    assert {file.name for file in before} == {"ca.pem", "ca.key", "server.pem", "server.key"}
    assert {stat.S_IMODE(file.stat().st_mode) for file in before} == {0o600}
    again = own(folder, reversed(NAMES), NOW + timedelta(days=1))
    assert again == made
    assert {file: file.read_bytes() for file in before} == before
    assert made.authority is not None
    assert made.fingerprint == fingerprint_of(made.authority.read_text())


@pytest.mark.parametrize(
    ("names", "later"), [([*NAMES, "192.168.1.6"], timedelta()), (NAMES, timedelta(days=SERVER_DAYS - RENEW_DAYS + 1))]
)
def test_a_certificate_is_made_anew_for_other_names_and_before_it_ends(
    folder: DataFolder, names: list[str], later: timedelta
) -> None:
    before = own(folder, NAMES, NOW)
    certificate, fingerprint = before.certificate.read_bytes(), before.fingerprint
    after = own(folder, names, NOW + later)
    assert after.certificate.read_bytes() != certificate
    assert after.fingerprint == fingerprint, "hosts that have joined trust it still"


def shakes_hands(server: ssl.SSLContext, client: ssl.SSLContext, name: str) -> None:
    """In memory. ssl.SSLError when they do not."""
    up, down = ssl.MemoryBIO(), ssl.MemoryBIO()
    ends = [server.wrap_bio(up, down, server_side=True), client.wrap_bio(down, up, server_hostname=name)]
    waiting = list(ends)
    while waiting:
        for end in list(waiting):
            try:
                end.do_handshake()
                waiting.remove(end)
            except ssl.SSLWantReadError:
                continue


def test_a_client_that_trusts_the_authority_believes_each_of_the_names_and_no_other(folder: DataFolder, tmp_path: Path) -> None:
    made = own(folder, NAMES, NOW)
    server = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    server.load_cert_chain(made.certificate, made.key)
    trusting = ssl.create_default_context(cafile=made.authority)
    for name in NAMES:
        shakes_hands(server, trusting, name)
    with pytest.raises(ssl.SSLCertVerificationError):
        shakes_hands(server, trusting, "another-machine")
    other = own(DataFolder(tmp_path / "other").create(), NAMES, NOW)
    with pytest.raises(ssl.SSLCertVerificationError):
        shakes_hands(server, ssl.create_default_context(cafile=other.authority), NAMES[0])


def test_those_of_an_administrator_are_looked_at_before_anything_starts(folder: DataFolder, tmp_path: Path) -> None:
    made = own(folder, NAMES, NOW)
    assert given(made.certificate, made.key, None).fingerprint is None
    with pytest.raises(InvalidRequest, match="HIVE_TLS_KEY"):
        given(made.certificate, None, None)
    (tmp_path / "no.pem").write_text("nothing")
    for certificate, key, authority in (
        (tmp_path / "no.pem", made.key, None),
        (made.certificate, folder.path / "tls" / "ca.key", None),
        (made.certificate, made.key, tmp_path / "no.pem"),
    ):
        with pytest.raises(InvalidRequest, match="cannot be used"):
            given(certificate, key, authority)
