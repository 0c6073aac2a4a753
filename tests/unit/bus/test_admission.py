"""The server's question whether somebody may come in, and the answer that it believes."""

import base64
import json
from datetime import UTC, datetime
from typing import Any

import pytest

from bus.admission import Admission, admitted, refused
from bus.host_key import new_seed, public_key, sign_bytes, signed_bytes
from bus.identities import admission_seed, password_of, variables
from bus.permissions import ROOMS, of_host

NOW, SEED, ISSUER_SEED = datetime(2026, 1, 1, tzinfo=UTC), new_seed(), admission_seed("root")
KEY, ISSUER = public_key(SEED), public_key(ISSUER_SEED)


def question(*, nonce: str = "n0nce", signed: str = "n0nce", key: str = KEY, token: str = "walnut,walnut-2") -> bytes:
    signature = base64.b64encode(sign_bytes(SEED, signed.encode())).decode()
    options = {"nkey": key, "sig": signature, "auth_token": token, "name": "sidecar/i1"}
    asked = {
        "server_id": {"id": "NSERVER"},
        "user_nkey": "UCONNECTION",
        "client_info": {"host": "10.0.0.7", "nonce": nonce},
        "connect_opts": options,
    }
    claims = base64.urlsafe_b64encode(json.dumps({"nats": asked}).encode()).rstrip(b"=")
    return b"e30." + claims + b".c2ln"


def said(token: str) -> dict[str, Any]:
    """What a token says, once its signature is looked at."""
    header, claims, signature = token.split(".")
    assert signed_bytes(ISSUER, f"{header}.{claims}".encode(), signature)
    found: dict[str, Any] = json.loads(base64.urlsafe_b64decode(claims + "=" * (-len(claims) % 4)))
    assert found["iss"] == ISSUER
    return found


def test_who_signs_the_nonce_has_shown_its_key() -> None:
    asked = Admission.parse(question())
    assert (asked.proven, asked.key, asked.address) == (True, KEY, "10.0.0.7")
    assert asked.agents == ("walnut", "walnut-2")


@pytest.mark.parametrize(
    "wrong", [{"signed": "another"}, {"nonce": "", "signed": ""}, {"key": public_key(new_seed())}, {"key": "no key"}]
)
def test_who_does_not_has_shown_nothing(wrong: dict[str, str]) -> None:
    assert not Admission.parse(question(**wrong)).proven


@pytest.mark.parametrize("token", [b"", b"a.b", b"e30.bm90IGpzb24.c2ln", b"e30.e30.c2ln", b"e30.W10.c2ln"])
def test_what_is_no_question_is_none(token: bytes) -> None:
    with pytest.raises(ValueError):  # noqa: PT011
        Admission.parse(token)


def test_the_answer_names_the_permissions_for_this_connection_alone() -> None:
    asked, permissions = Admission.parse(question()), of_host("walnut", ("walnut",))
    answer = said(admitted(asked, "host.walnut", permissions, ISSUER_SEED, NOW).decode())
    assert (answer["aud"], answer["sub"], answer["nats"]["type"]) == ("NSERVER", "UCONNECTION", "authorization_response")
    user = said(answer["nats"]["jwt"])
    assert (user["aud"], user["sub"], user["name"]) == ("HIVE", "UCONNECTION", "host.walnut")
    assert user["nats"]["pub"] == {"allow": list(permissions.publish)}
    assert user["nats"]["sub"] == {"allow": list(permissions.subscribe)}
    assert user["nats"]["resp"]["max"] == 1


def test_a_refusal_says_why_and_holds_nothing_else() -> None:
    answer = said(refused(Admission.parse(question()), "unknown", ISSUER_SEED, NOW).decode())
    assert answer["nats"] == {"type": "authorization_response", "version": 2, "error": "unknown"}


def test_what_follows_from_the_servers_secret_is_the_same_each_time_and_differs_by_service() -> None:
    passwords = [password_of("root", service) for service in ROOMS]
    assert len(set(passwords)) == len(passwords)
    assert all(password.startswith("h") for password in passwords)
    assert variables("root") == variables("root")
    assert not set(variables("root").values()) & set(variables("other").values())
    assert variables("root")["HIVE_NATS_ADMISSION_KEY"] == ISSUER
