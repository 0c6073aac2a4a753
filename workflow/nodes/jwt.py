"""JWT: decodes tokens by itself; signing and verifying need a credential's secret, so they are effects that the engine carries out."""

import json
from collections.abc import Mapping
from typing import Any, Final

import jwt

from workflow.core.effects import HandleToken
from workflow.core.execution import Reply
from workflow.core.failure import Failure, NodeError
from workflow.core.items import Item, Outputs, paired
from workflow.credentials.needed import chosen
from workflow.expressions.parameters import Parameters
from workflow.nodes.contract import EffectRun, NodeCall, NodeType, error_item, value_of
from workflow.nodes.values import number_of

_CREDENTIAL: Final = "jwtAuth"
_CLAIMS: Final = {"audience": "aud", "issuer": "iss", "jwtid": "jti", "subject": "sub"}


def run(call: NodeCall) -> EffectRun:
    made: list[Item] = []
    for index in range(len(call.items)):
        parameters = call.each()[index]
        try:
            if parameters.get("operation", "sign") == "decode":
                fields = _decoded(parameters)
            else:
                fields = _shown(parameters, value_of((yield _effect(call, parameters))))
            made.append({"json": fields, "pairedItem": paired(index)})
        except NodeError as error:
            error.item = index if error.item is None else error.item
            if not call.continues:
                raise
            made.append(error_item(error, index))
    outputs: Outputs = [made]
    return outputs


def _decoded(parameters: Parameters) -> dict[str, Any]:
    """Without a look at the signature."""
    try:
        found = jwt.decode_complete(parameters.text("token"), options={"verify_signature": False})
    except jwt.PyJWTError as error:
        raise NodeError(f"The token cannot be read: {error}") from None
    return _shown(parameters, {"payload": found["payload"], "header": found["header"], "signature": found["signature"].hex()})


def _shown(parameters: Parameters, found: Mapping[str, Any]) -> dict[str, Any]:
    if "token" in found or parameters.get("options.complete") is True:
        return dict(found)
    return {"payload": found["payload"]}


def _effect(call: NodeCall, parameters: Parameters) -> HandleToken:
    key = parameters.text("options.kid")
    return HandleToken(
        operation=parameters.text("operation", "sign"),
        token=parameters.text("token"),
        claims=_claims(call, parameters) if parameters.get("operation", "sign") == "sign" else {},
        headers={"kid": key} if key else {},
        algorithm=parameters.text("options.algorithm") or None,
        tolerance_seconds=float(number_of(parameters.get("options.clockTolerance", 0)) or 0),
        ignore_expiration=parameters.get("options.ignoreExpiration") is True,
        ignore_not_before=parameters.get("options.ignoreNotBefore") is True,
        credentials=chosen(call.node, _CREDENTIAL),
    )


def _claims(call: NodeCall, parameters: Parameters) -> dict[str, Any]:
    """By fields, or as JSON. Times of the fields are seconds from now."""
    if parameters.get("useJson") is True:
        given = parameters.get("claimsJson", {})
        try:
            found = json.loads(given) if isinstance(given, str) else given
        except ValueError as error:
            raise NodeError(f"The claims are not valid JSON: {error}") from None
        if not isinstance(found, dict):
            raise NodeError("The claims must be a JSON object")
        return found
    given = parameters.get("claims.claims", parameters.get("claims", {})) or {}
    now = call.now_ms // 1000
    claims: dict[str, Any] = {
        "iat": now,
        **{_CLAIMS[name]: value for name, value in given.items() if name in _CLAIMS and value != ""},
    }
    for name, claim in (("expiresIn", "exp"), ("notBefore", "nbf")):
        seconds = number_of(given.get(name))
        if seconds is not None:
            claims[claim] = now + int(seconds)
    return claims


def handle(effect: HandleToken, credential: Mapping[str, Any]) -> Reply:
    """Carries the effect out. `credential` has n8n's fields: `secret`, or `privateKey` and `publicKey`, and `algorithm`."""
    algorithm = effect.algorithm or str(credential.get("algorithm", "HS256"))
    by_secret = algorithm.startswith("HS")
    try:
        if effect.operation == "sign":
            key = str(credential["secret" if by_secret else "privateKey"])
            return Reply(value={"token": jwt.encode(dict(effect.claims), key, algorithm, headers=dict(effect.headers) or None)})
        key = str(credential["secret" if by_secret else "publicKey"])
        checks: Any = {
            "verify_exp": not effect.ignore_expiration,
            "verify_nbf": not effect.ignore_not_before,
            "verify_aud": False,
        }
        found = jwt.decode_complete(effect.token, key, [algorithm], options=checks, leeway=effect.tolerance_seconds)
    except KeyError as missing:
        return Reply(failure=Failure(message=f"The credential has no {missing.args[0]!r}"))
    except (jwt.PyJWTError, ValueError, TypeError, NotImplementedError) as error:
        return Reply(
            failure=Failure(message=f"The token was not accepted: {error}" if effect.token else f"It was not signed: {error}")
        )
    return Reply(value={"payload": found["payload"], "header": found["header"], "signature": found["signature"].hex()})


TYPES = (NodeType(name="n8n-nodes-base.jwt", versions=(1,), run=run, effect=True),)
