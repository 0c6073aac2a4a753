"""Crypto, Compare Datasets and Execution Data."""

import re

import pytest
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import padding, rsa

from tests.unit.workflow.nodes.case import Case, Fails, check, file, outputs, run
from workflow.core.driver import Driver

PAIR = {"mergeByFields": {"values": [{"field1": "id", "field2": "id"}]}}
A = [{"id": 1, "v": 1}, {"id": 2, "v": 2}, {"id": 3, "v": 3}]
B = [{"id": 2, "v": 2}, {"id": 3, "v": 9}, {"id": 4, "v": 4}]


def compare(name: str, gives: object, a: list = A, b: list = B, version: float = 2.3, **more: object) -> Case:
    return Case(name=name, kind="compareDatasets", version=version, parameters={**PAIR, **more}, items=a, second=b, gives=gives)


SPLIT = ([A[0]], [A[1]])
CASES = (
    Case(name="md5", kind="crypto", parameters={"value": "hello"}, items=[{"k": 1}], gives=[[{"k": 1, "data": "5d41402abc4b2a76b9719d911017c592"}]]),
    Case(name="sha256", kind="crypto", parameters={"type": "SHA256", "value": "=hel{{ $json.l }}o", "dataPropertyName": "h"}, items=[{"l": "l"}], gives=[[{"l": "l", "h": "2cf24dba5fb0a30e26e83b2ac5b9e29e1b161e5c1fa7425e73043362938b9824"}]]),
    Case(name="base64", kind="crypto", parameters={"value": "hello", "encoding": "base64"}, gives=[[{"data": "XUFAKrxLKna5cZ2REBfFkg=="}]]),
    Case(name="sha3", kind="crypto", parameters={"type": "SHA3-256", "value": ""}, gives=[[{"data": "a7ffc6f8bf1ed76651c14756a061d662f580ff4de43b49fa82d80a4b80f8434a"}]]),
    Case(name="unknown", kind="crypto", parameters={"type": "CRC", "value": ""}, gives=Fails("is not known")),
    Case(name="hmac", kind="crypto", parameters={"action": "hmac", "type": "SHA256", "value": "what do ya want for nothing?", "secret": "Jefe"}, gives=[[{"data": "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843"}]]),
    Case(name="of a file", kind="crypto", parameters={"binaryData": True}, items=[{"json": {}, "binary": {"data": file("hello")}}], gives=[[{"data": "5d41402abc4b2a76b9719d911017c592"}]]),
    Case(name="no key", kind="crypto", parameters={"action": "sign", "value": "x", "privateKey": "nonsense"}, gives=Fails("private key cannot be read")),
    compare("the two sides", (*SPLIT, [{"keys": {"id": 3}, "same": {}, "different": {"v": {"inputA": 3, "inputB": 9}}}], [B[2]])),
    compare("prefers A", (*SPLIT, [A[2]], [B[2]]), resolve="preferInput1"),
    compare("prefers B", (*SPLIT, [B[1]], [B[2]]), resolve="preferInput2"),
    compare("a mix", (*SPLIT, [{"id": 3, "v": 9}], [B[2]]), resolve="mix", preferWhenMix="input1", exceptWhenMix="v"),
    compare("a skipped field", ([A[0]], [A[1], A[2]], [], [B[2]]), options={"skipFields": "v"}),
    compare("types differ", ([{"id": 1}], [], [], [{"id": "1"}]), a=[{"id": 1}], b=[{"id": "1"}]),
    compare("types forgiven", ([], [{"id": 1}]), a=[{"id": 1}], b=[{"id": "1"}], fuzzyCompare=True),
    compare("first match only", ([], [{"id": 1}], [], [{"id": 1}]), a=[{"id": 1}], b=[{"id": 1}, {"id": 1}]),
    compare("every match", ([], [{"id": 1}, {"id": 1}]), a=[{"id": 1}], b=[{"id": 1}, {"id": 1}], options={"multipleMatches": "all"}),
    compare("one side empty", ([{"id": 1}],), a=[{"id": 1}], b=[]),
    Case(name="no fields", kind="compareDatasets", version=2.3, items=A, second=B, gives=Fails("at least one pair")),
)  # fmt: skip


@pytest.mark.parametrize("case", CASES, ids=str)
def test_it_gives(driver: Driver, case: Case) -> None:
    check(driver, case)


@pytest.mark.parametrize(
    ("parameters", "pattern"),
    [
        ({}, r"[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}"),
        ({"encodingType": "hex", "stringLength": 10}, r"[0-9a-f]{10}"),
        ({"encodingType": "ascii", "stringLength": 7}, r"[A-Za-z0-9]{7}"),
        ({"encodingType": "base64"}, r"[A-Za-z0-9+/]{32}"),
    ],
)
def test_what_is_random_follows_from_nothing_that_anybody_knows(driver: Driver, parameters: dict, pattern: str) -> None:
    case = Case(name="", kind="crypto", parameters={"action": "generate", **parameters}, items=[{}, {}])
    first, second = (item["json"]["data"] for item in outputs(run(driver, case))[0])
    assert re.fullmatch(pattern, first)
    assert first != second
    assert outputs(run(driver, case))[0][0]["json"]["data"] != first, "the same execution, the same node, the same item"


def test_a_signature_is_one_of_its_key(driver: Driver) -> None:
    key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    pem = key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    ).decode()
    parameters = {"action": "sign", "value": "hello", "privateKey": pem, "algorithm": "RSA-SHA256"}
    made = outputs(run(driver, Case(name="", kind="crypto", parameters=parameters)))[0][0]["json"]["data"]
    key.public_key().verify(bytes.fromhex(made), b"hello", padding.PKCS1v15(), hashes.SHA256())


def test_execution_data_is_kept_with_the_execution(driver: Driver) -> None:
    parameters = {"dataToSave": {"values": [{"key": "order", "value": "={{ $json.n }}"}]}}
    execution = check(driver, Case(name="", kind="executionData", parameters=parameters, items=[{"n": 7}], gives=[[{"n": 7}]]))
    assert execution.custom_data == {"order": "7"}
