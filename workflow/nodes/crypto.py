"""Crypto: hashes, keyed hashes, signatures with a private key, and random texts.

What is random serves as a key or a password, so it follows from nothing that anybody may know. A run that is repeated after a crash gives
another one: nothing outside saw the first, since all that leads to an effect is stored before it.
"""

import base64
import hashlib
import hmac
import uuid
from collections.abc import Callable
from random import Random, SystemRandom
from typing import Final

from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, padding, rsa
from cryptography.hazmat.primitives.serialization import load_pem_private_key

from workflow.core.failure import NodeError
from workflow.core.items import Item, Outputs
from workflow.core.paths import with_value
from workflow.expressions.parameters import Parameters
from workflow.nodes import binary
from workflow.nodes.contract import NodeCall, NodeType, each_item

_HASHES: Final = {
    "MD5": "md5",
    "SHA1": "sha1",
    "SHA256": "sha256",
    "SHA384": "sha384",
    "SHA512": "sha512",
    "SHA3-256": "sha3_256",
    "SHA3-384": "sha3_384",
    "SHA3-512": "sha3_512",
}
_SIGNING: Final[dict[str, Callable[[], hashes.HashAlgorithm]]] = {
    "SHA1": hashes.SHA1,
    "SHA256": hashes.SHA256,
    "SHA384": hashes.SHA384,
    "SHA512": hashes.SHA512,
}
_ASCII: Final = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789"


def run(call: NodeCall) -> Outputs:
    random = SystemRandom()

    def make(index: int, item: Item, parameters: Parameters) -> Item:
        value = _value(random, index, item, parameters)
        return {**item, "json": with_value(item["json"], parameters.text("dataPropertyName", "data") or "data", value)}

    return [each_item(call, make)]


def _value(random: Random, index: int, item: Item, parameters: Parameters) -> str:
    action = parameters.get("action", "hash")
    if action == "generate":
        return _generated(random, parameters)
    content = _content(index, item, parameters)
    if action == "sign":
        return _written(_signature(content, parameters), parameters)
    name = _HASHES.get(parameters.text("type", "MD5"))
    if name is None:
        raise NodeError(f"The hash {parameters.get('type')!r} is not known: {', '.join(_HASHES)}", item=index)
    if action == "hmac":
        return _written(hmac.new(parameters.text("secret").encode(), content, name).digest(), parameters)
    return _written(hashlib.new(name, content, usedforsecurity=False).digest(), parameters)


def _content(index: int, item: Item, parameters: Parameters) -> bytes:
    if parameters.get("binaryData") is True:
        return binary.read(item, parameters.text("binaryPropertyName", "data"), index)[0]
    return parameters.text("value").encode()


def _written(digest: bytes, parameters: Parameters) -> str:
    return digest.hex() if parameters.get("encoding", "hex") == "hex" else base64.b64encode(digest).decode()


def _generated(random: Random, parameters: Parameters) -> str:
    kind = parameters.get("encodingType", "uuid")
    if kind == "uuid":
        return str(uuid.UUID(bytes=random.randbytes(16), version=4))
    count = int(parameters.get("stringLength", 32))
    if not 0 < count <= 1_000_000:
        raise NodeError("The length must be between 1 and 1,000,000")
    if kind == "ascii":
        return "".join(random.choices(_ASCII, k=count))
    content = random.randbytes(count)
    return base64.b64encode(content).decode()[:count] if kind == "base64" else content.hex()[:count]


def _signature(content: bytes, parameters: Parameters) -> bytes:
    wanted = parameters.text("algorithm", "RSA-SHA256").upper().rpartition("-")[2]
    algorithm = _SIGNING.get(wanted)
    if algorithm is None:
        raise NodeError(f"Signing with {parameters.get('algorithm')!r} is not done here: {', '.join(_SIGNING)}")
    try:
        key = load_pem_private_key(parameters.text("privateKey").encode(), password=None)
    except (ValueError, TypeError, UnsupportedAlgorithm):
        raise NodeError("The private key cannot be read: it must be PEM without a password") from None
    if isinstance(key, rsa.RSAPrivateKey):
        return key.sign(content, padding.PKCS1v15(), algorithm())
    if isinstance(key, ec.EllipticCurvePrivateKey):
        return key.sign(content, ec.ECDSA(algorithm()))
    if isinstance(key, ed25519.Ed25519PrivateKey):
        return key.sign(content)
    raise NodeError("The private key is of a kind that is not used here: RSA, EC or Ed25519")


TYPES = (NodeType(name="n8n-nodes-base.crypto", versions=(1,), run=run),)
