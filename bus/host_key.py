"""The key that a host makes for itself when it joins, and by which the hive knows it again. It is an nkey, as NATS has them for users.

The seed never leaves its host. What the hive stores is the public half, which is of no use to a thief, and which a bus with an
identity for each host can ask for without the host joining anew (docs/adr/0015).
"""

import base64
import binascii
import secrets

SEED_BYTES = 32


def new_seed() -> str:
    """`SU…`: the secret half, in NATS's own form."""
    import nkeys

    seed: bytes = nkeys.encode_seed(secrets.token_bytes(SEED_BYTES), nkeys.PREFIX_BYTE_USER)
    return seed.decode()


def public_key(seed: str) -> str:
    """`U…`. ValueError for what is no seed."""
    public: bytes = _pair(seed).public_key
    return public.decode()


def sign(seed: str, token: str, name: str) -> str:
    """Shows, to whoever knows the token, that the host of this key wants to join under this name. Base64."""
    return base64.b64encode(_pair(seed).sign(_statement(token, name))).decode()


def signed(key: str, token: str, name: str, signature: str) -> bool:
    """Whether the holder of the public key's other half signed just that."""
    from nacl.exceptions import BadSignatureError
    from nacl.signing import VerifyKey

    try:
        raw = base64.b32decode(key)
        VerifyKey(raw[1 : 1 + SEED_BYTES]).verify(_statement(token, name), base64.b64decode(signature, validate=True))
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
