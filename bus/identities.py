"""The secrets by which the services of a hive show the bus who they are. All follow from one, which is the server's and nobody else's.

So a hive that was made before services had identities has them at its next start, and there is one secret to keep. Pure.
"""

import hashlib
import hmac
from typing import Final

from bus.host_key import account_seed, public_key
from bus.permissions import LEAF, ROOMS

ADMISSION: Final = "admission"


def password_of(root: str, service: str) -> str:
    """It begins with a letter: nats.conf's parser reads digits as a number."""
    return f"h{_derived(root, service).hex()[:48]}"


def admission_seed(root: str) -> str:
    """`SA…`: signs what lets a host in (bus/admission.py). It is a coordinator's."""
    return account_seed(_derived(root, ADMISSION))


def variables(root: str) -> dict[str, str]:
    """Those of nats.conf, which holds the public half of the seed alone."""
    passwords = {password_variable(service): password_of(root, service) for service in (*ROOMS, LEAF)}
    return passwords | {"HIVE_NATS_ADMISSION_KEY": public_key(admission_seed(root))}


def password_variable(service: str) -> str:
    return f"HIVE_NATS_{service.upper()}_PASSWORD"


def _derived(root: str, purpose: str) -> bytes:
    return hmac.digest(root.encode(), f"hive bus {purpose}".encode(), hashlib.sha256)


if __name__ == "__main__":
    import os

    for name, value in variables(os.environ["HIVE_NATS_SYS_PASSWORD"]).items():
        print(f"{name}={value}")
    print(f"HIVE_NATS_ADMISSION_SEED={admission_seed(os.environ['HIVE_NATS_SYS_PASSWORD'])}")
