"""JWT: tokens are signed, verified and decoded, with a secret that only the engine sees."""

from typing import Any

import jwt
import pytest

from tests.unit.workflow.nodes.case import Case, Fails, check, outputs, run
from workflow.core.driver import Driver
from workflow.core.effects import Effect, HandleToken, effect_from_json
from workflow.core.execution import Reply
from workflow.nodes.jwt import handle

SECRET = "a secret that is as long as the longest of the hashes wants it to be, sixty-four bytes"
CHOSEN = {"credentials": {"jwtAuth": {"id": "1", "name": "mine"}}}


def engine(effect: Effect) -> Reply:
    """As an engine does: from its stored form, with the credential's data."""
    again = effect_from_json(effect.to_json())
    assert isinstance(again, HandleToken)
    assert SECRET not in str(again.to_json())
    return handle(again, {"secret": SECRET, "algorithm": "HS256"})


def case(operation: str, gives: Any = (), **parameters: Any) -> Case:
    return Case(name="", kind="jwt", parameters={"operation": operation, **parameters}, settings=CHOSEN, gives=gives)


def test_a_token_is_signed_by_fields(driver: Driver) -> None:
    made = outputs(run(driver, case("sign", claims={"subject": "ada", "expiresIn": 60}), engine))[0][0]["json"]
    found = jwt.decode(made["token"], SECRET, ["HS256"], options={"verify_exp": False})
    assert found == {"iat": 1_700_000_000, "sub": "ada", "exp": 1_700_000_060}


def test_a_token_is_signed_by_json_with_a_key_id(driver: Driver) -> None:
    parameters = {"useJson": True, "claimsJson": '{"a": 1}', "options": {"kid": "k1", "algorithm": "HS512"}}
    made = outputs(run(driver, case("sign", **parameters), engine))[0][0]["json"]
    assert jwt.decode(made["token"], SECRET, ["HS512"]) == {"a": 1}
    assert jwt.get_unverified_header(made["token"])["kid"] == "k1"


GOOD = jwt.encode({"a": 1}, SECRET, "HS256")
OLD = jwt.encode({"a": 1, "exp": 1}, SECRET, "HS256")
FORGED = jwt.encode({"a": 1}, "b" * 64, "HS256")
UNSIGNED = jwt.encode({"a": 1}, None, "none")


@pytest.mark.parametrize(
    ("token", "options", "gives"),
    [
        (GOOD, {}, [[{"payload": {"a": 1}}]]),
        (OLD, {}, Fails("expired")),
        (OLD, {"ignoreExpiration": True}, [[{"payload": {"a": 1, "exp": 1}}]]),
        (FORGED, {}, Fails("Signature verification failed")),
        (UNSIGNED, {}, Fails("not accepted")),
        ("nonsense", {}, Fails("not accepted")),
    ],
)
def test_a_token_is_verified(driver: Driver, token: str, options: Any, gives: Any) -> None:
    check(driver, case("verify", gives, token=token, options=options), engine)


@pytest.mark.parametrize(("token", "gives"), [(FORGED, [[{"payload": {"a": 1}}]]), ("nonsense", Fails("cannot be read"))])
def test_decoding_needs_no_secret(driver: Driver, token: str, gives: Any) -> None:
    check(driver, case("decode", gives, token=token))
    assert not driver.effects


def test_without_credentials_it_says_so(driver: Driver) -> None:
    check(driver, Case(name="", kind="jwt", gives=Fails("any credentials set")))
