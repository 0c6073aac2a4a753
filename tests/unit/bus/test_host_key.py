"""A host's key: what it signs is known as its own, and nothing else is."""

import pytest

from bus.host_key import new_seed, public_key, sign, signed


def test_what_a_host_signed_is_its_own_for_that_token_and_name_only() -> None:
    seed, other = new_seed(), new_seed()
    signature, key = sign(seed, "token", "walnut"), public_key(seed)
    assert signed(key, "token", "walnut", signature)
    assert not signed(key, "token", "oak", signature)
    assert not signed(key, "token 2", "walnut", signature)
    assert not signed(public_key(other), "token", "walnut", signature)


@pytest.mark.parametrize("signature", ["", "%%%", "c2lnbmVk", "🐝"])
def test_what_is_no_signature_is_refused(signature: str) -> None:
    assert not signed(public_key(new_seed()), "token", "walnut", signature)


def test_what_is_no_seed_is_said_to_be_none() -> None:
    with pytest.raises(ValueError, match="no seed"):
        public_key("SUABC")
