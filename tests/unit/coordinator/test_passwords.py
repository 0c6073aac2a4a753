"""Which passwords are taken, and how they are kept."""

import pytest

from bus.errors import WeakPassword
from coordinator.people.passwords import hashed, matches, require_strong


@pytest.mark.parametrize(
    "weak",
    [
        "",
        "short-1!",
        "password1234",
        "123456789012",
        "qwertyuiop[]",
        "aaaaaaaaaaaaaaaa",
        "anna.bell-2024",
        "ANNA.BELL anna.bell",
    ],
)
def test_what_is_easy_to_guess_is_refused(weak: str) -> None:
    with pytest.raises(WeakPassword):
        require_strong(weak, "anna.bell")


@pytest.mark.parametrize(
    "strong", ["maple-harbour-tin-42", "correct horse battery staple", "ж" * 3 + "Lk9#vq2Wz!pd", "maple harbour tin " * 10]
)
def test_what_is_hard_to_guess_is_taken(strong: str) -> None:
    require_strong(strong, "anna.bell")


async def test_a_password_is_kept_as_a_slow_hash_with_a_salt() -> None:
    one, other = await hashed("maple-harbour-tin-42"), await hashed("maple-harbour-tin-42")
    assert one.startswith("$argon2id$")
    assert one != other
    assert await matches("maple-harbour-tin-42", one)
    assert not await matches("maple-harbour-tin-43", one)
    assert not await matches("nobody at all", None), "the hash that stands in for nobody's opens nothing"
    assert not await matches("x", "no hash")
