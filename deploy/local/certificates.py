"""The certificates of a hive that serves a LAN: an authority of its own, made once, and what it signs for this machine's names.

Whoever joins trusts exactly this authority, by the fingerprint in the join token (deploy/join_door.py). Its key never leaves the folder.
"""

import hashlib
import ipaddress
import ssl
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import Final

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from bus.errors import InvalidRequest
from deploy.local.data_folder import DataFolder

AUTHORITY_DAYS: Final = 3650
SERVER_DAYS: Final = 730
RENEW_DAYS: Final = 180
"""So long before its end a server's certificate is made anew, at a start of the hive or while it runs (deploy/local/renewal.py)."""
_EARLIER: Final = timedelta(hours=1)
"""Clocks of hosts differ."""


@dataclass(frozen=True, kw_only=True)
class Certificates:
    """Files. `authority` None: one that machines trust anyhow."""

    certificate: Path
    key: Path
    authority: Path | None

    @property
    def fingerprint(self) -> str | None:
        """SHA-256 of the authority's certificate, in hexadecimal."""
        return None if self.authority is None else fingerprint_of(self.authority.read_text())


def fingerprint_of(pem: str) -> str:
    """ValueError for what is no certificate."""
    return hashlib.sha256(ssl.PEM_cert_to_DER_cert(pem.strip())).hexdigest()


def given(certificate: Path, key: Path | None, authority: Path | None) -> Certificates:
    """Those that an administrator names. InvalidRequest, in words, for what cannot be used."""
    if key is None:
        raise InvalidRequest("HIVE_TLS_CERT is named, and HIVE_TLS_KEY is not. Name both.")
    try:
        ssl.create_default_context(ssl.Purpose.CLIENT_AUTH).load_cert_chain(certificate, key)
        found = Certificates(certificate=certificate, key=key, authority=authority)
        _ = found.fingerprint
    except (OSError, ValueError) as error:
        raise InvalidRequest(f"HIVE_TLS_CERT, HIVE_TLS_KEY or HIVE_TLS_CA cannot be used: {error}.") from None
    return found


def ends_at(certificate: Path) -> datetime:
    """OSError, ValueError for what is none."""
    return x509.load_pem_x509_certificate(certificate.read_bytes()).not_valid_after_utc


def own(folder: DataFolder, names: Iterable[str], now: datetime) -> Certificates:
    """Of the hive's own authority, for these names and addresses; made where there are none, and anew where they no longer fit."""
    home = folder.path / "tls"
    home.mkdir(mode=0o700, exist_ok=True)
    found = Certificates(certificate=home / "server.pem", key=home / "server.key", authority=home / "ca.pem")
    if not (home / "ca.key").exists():
        _make_authority(folder, now)
    wanted = sorted(set(names))
    if not _fits(found.certificate, wanted, now):
        _make_server(folder, wanted, now)
    return found


def _fits(certificate: Path, names: list[str], now: datetime) -> bool:
    try:
        held = x509.load_pem_x509_certificate(certificate.read_bytes())
        alternatives = held.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    except (OSError, ValueError, x509.ExtensionNotFound):
        return False
    named = {*map(str, alternatives.get_values_for_type(x509.IPAddress)), *alternatives.get_values_for_type(x509.DNSName)}
    return named == set(names) and held.not_valid_after_utc - now > timedelta(days=RENEW_DAYS)


def _make_authority(folder: DataFolder, now: datetime) -> None:
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "Hive")])
    usage = x509.KeyUsage(
        **dict.fromkeys(_USES, False) | {"key_cert_sign": True, "crl_sign": True},
    )
    made = (
        _builder(name, name, key.public_key(), now, AUTHORITY_DAYS)
        .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        .add_extension(usage, critical=True)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False)
        .sign(key, hashes.SHA256())
    )
    folder.place("tls/ca.pem", made.public_bytes(serialization.Encoding.PEM))
    folder.place("tls/ca.key", _private(key))


def _make_server(folder: DataFolder, names: list[str], now: datetime) -> None:
    home = folder.path / "tls"
    authority = x509.load_pem_x509_certificate((home / "ca.pem").read_bytes())
    signing = serialization.load_pem_private_key((home / "ca.key").read_bytes(), None)
    if not isinstance(signing, ec.EllipticCurvePrivateKey):
        raise InvalidRequest(f"{home / 'ca.key'} is not the key that Hive made. Move the folder away, and hosts join anew.")
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "Hive server")])
    made = (
        _builder(name, authority.subject, key.public_key(), now, SERVER_DAYS)
        .add_extension(x509.SubjectAlternativeName(list(map(_alternative, names))), critical=False)
        .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
        .add_extension(x509.ExtendedKeyUsage([ExtendedKeyUsageOID.SERVER_AUTH]), critical=False)
        .add_extension(x509.AuthorityKeyIdentifier.from_issuer_public_key(signing.public_key()), critical=False)
        .sign(signing, hashes.SHA256())
    )
    folder.place("tls/server.key", _private(key))
    folder.place("tls/server.pem", made.public_bytes(serialization.Encoding.PEM))


_USES: Final = (
    *("digital_signature", "content_commitment", "key_encipherment", "data_encipherment", "key_agreement"),
    *("key_cert_sign", "crl_sign", "encipher_only", "decipher_only"),
)


def _builder(
    subject: x509.Name, issuer: x509.Name, key: ec.EllipticCurvePublicKey, now: datetime, days: int
) -> x509.CertificateBuilder:
    return x509.CertificateBuilder(
        subject_name=subject,
        issuer_name=issuer,
        public_key=key,
        serial_number=x509.random_serial_number(),
        not_valid_before=now - _EARLIER,
        not_valid_after=now + timedelta(days=days),
    )


def _alternative(name: str) -> x509.GeneralName:
    try:
        return x509.IPAddress(ipaddress.ip_address(name))
    except ValueError:
        return x509.DNSName(name)


def _private(key: ec.EllipticCurvePrivateKey) -> bytes:
    return key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
