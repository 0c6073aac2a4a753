"""Passwords: which are too weak, and argon2id, which is slow on purpose and so runs beside the loop, few at a time."""

import asyncio
from typing import Final

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError

from bus.errors import WeakPassword

DOOR: Final = "login"
"""By which name the guard knows passwords, wherever they are shown."""
SHORTEST: Final = 12
STRONG_ENOUGH: Final = 3
"""Of zxcvbn's scores from 0 to 4: more than 10^8 guesses of somebody who knows words, names and patterns."""
_JUDGED: Final = 72
"""Characters that zxcvbn looks at: it is slow with more, and they cannot be what makes a password weak."""
_AT_ONCE: Final = 2
"""Each takes 64 MiB and some 50 ms of a processor: many logins at once wait for one another, and the coordinator goes on."""

_hasher: Final = PasswordHasher()
_room: Final = asyncio.Semaphore(_AT_ONCE)
_NOBODYS: Final = "$argon2id$v=19$m=65536,t=3,p=4$lMYI8nnY4ZvNU0drcbO6sg$51ZdmzKEcVJw5994LMLv507cE7xLr1Z857n87BWxduA"
"""Verified in the place of a user's that there is not, so that the time of a refusal does not tell who there is."""


def require_strong(password: str, name: str) -> None:
    """WeakPassword for one that is short, common, or made of the user's name. Pure."""
    if len(password) < SHORTEST:
        raise WeakPassword(
            f"The password has {len(password)} characters; it needs {SHORTEST} or more. Some random words do well."
        )
    if len(password.casefold().replace(name.casefold(), "")) < SHORTEST // 2:
        raise WeakPassword("The password is little more than the user's name. Choose another one.")
    from zxcvbn import zxcvbn  # whose lists of words are of no use to a coordinator that makes no user

    judged = zxcvbn(password[:_JUDGED], user_inputs=[name, "hive", "ollama"])
    if judged["score"] < STRONG_ENOUGH:
        why = judged["feedback"]["warning"] or "It is easy to guess."
        raise WeakPassword(f"The password is too easy to guess: {why.rstrip('.')}. Some random words do well.")


async def hashed(password: str) -> str:
    async with _room:
        return await asyncio.to_thread(_hasher.hash, password)


async def matches(password: str, stored: str | None) -> bool:
    """Takes the same time without a stored one, and is then false."""
    async with _room:
        return await asyncio.to_thread(_matches, password, stored or _NOBODYS) and stored is not None


def _matches(password: str, stored: str) -> bool:
    try:
        return _hasher.verify(stored, password)
    except (VerificationError, InvalidHashError):
        return False


def is_dated(stored: str) -> bool:
    """Whether it was hashed with less work than is usual now."""
    return _hasher.check_needs_rehash(stored)
