"""The key that a host makes for itself when it joins, and by which the hive knows it again. It is an nkey, as NATS has them for users.

The seed never leaves its host. What the hive stores is the public half, which is of no use to a thief, and which a bus with an
identity for each host can ask for without the host joining anew (docs/adr/0015).
"""

import base64
import binascii
import secrets

SEED_BYTES = 32
_PLAIN = str.maketrans("-_", "+/")


def new_seed() -> str:
    """`SU…`: the secret half, in NATS's own form."""
    import nkeys

    seed: bytes = nkeys.encode_seed(secrets.token_bytes(SEED_BYTES), nkeys.PREFIX_BYTE_USER)
    return seed.decode()


def account_seed(secret: bytes) -> str:
    """`SA…`, of 32 bytes that nobody knows."""
    import nkeys

    seed: bytes = nkeys.encode_seed(secret, nkeys.PREFIX_BYTE_ACCOUNT)
    return seed.decode()


def public_key(seed: str) -> str:
    """`U…`, of an account's seed `A…`. ValueError for what is no seed."""
    public: bytes = _pair(seed).public_key
    return public.decode()


def sign(seed: str, token: str, name: str) -> str:
    """Shows, to whoever knows the token, that the host of this key wants to join under this name. Base64."""
    return base64.b64encode(sign_bytes(seed, _statement(token, name))).decode()


def sign_bytes(seed: str, said: bytes) -> bytes:
    """ValueError for what is no seed."""
    signature: bytes = _pair(seed).sign(said)
    return signature


def signed(key: str, token: str, name: str, signature: str) -> bool:
    """Whether the holder of the public key's other half signed just that."""
    return signed_bytes(key, _statement(token, name), signature)


def signed_bytes(key: str, said: bytes, signature: str) -> bool:
    """`signature` in either alphabet of base64: clients of NATS differ."""
    from nacl.exceptions import BadSignatureError
    from nacl.signing import VerifyKey

    try:
        raw = base64.b32decode(key)
        padded = signature.translate(_PLAIN).rstrip("=") + "=" * (-len(signature.rstrip("=")) % 4)
        VerifyKey(raw[1 : 1 + SEED_BYTES]).verify(said, base64.b64decode(padded, validate=True))
    except (ValueError, binascii.Error, BadSignatureError):
        return False
    return True


def _statement(token: str, name: str) -> bytes:
    return f"hive join {name} {token}".encode()


def _pair(seed: str):  # type: ignore[no-untyped-def]  # nkeys has no types
    import nkeys

    try:
        return nkeys.from_seed(bytearray(seed.encode()))
    except nkeys.NkeysError as error:
        raise ValueError("it is no seed of a key") from error
