"""What credentials add to requests, what of it is cleared from what comes back, and what is refused."""

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bus.errors import InvalidRequest, RequestRefused
from workflow.credentials import types as credential_types
from workflow.credentials.http_auth import (
    BLANK,
    auth_of,
    basic,
    cleared,
    cleared_bytes,
    cleared_text,
    forms,
    with_body,
    with_query,
)

SECRET = 'p&ss "w/ord" é'


@pytest.mark.parametrize(
    ("kind", "data", "headers"),
    [
        ("httpBasicAuth", {"user": "ada", "password": "abcdef"}, {"authorization": "Basic YWRhOmFiY2RlZg=="}),
        ("httpHeaderAuth", {"name": "X-Key", "value": "abcdef"}, {"x-key": "abcdef"}),
        ("httpBearerAuth", {"token": "abcdef"}, {"authorization": "Bearer abcdef"}),
        ("openAiApi", {"apiKey": "abcdef", "url": "https://elsewhere.example"}, {"authorization": "Bearer abcdef"}),
        ("notionApi", {"apiKey": "abcdef"}, {"authorization": "Bearer abcdef", "notion-version": "2022-06-28"}),
        ("anthropicApi", {"apiKey": "abcdef"}, {"x-api-key": "abcdef", "anthropic-version": "2023-06-01"}),
        ("gitlabApi", {"accessToken": "abcdef"}, {"private-token": "abcdef"}),
        ("discordBotApi", {"botToken": "abcdef"}, {"authorization": "Bot abcdef"}),
        ("jiraSoftwareCloudApi", {"email": "a@b", "apiToken": "abcdef"}, {"authorization": basic("a@b", "abcdef")}),
        ("somebodysApi", {"json": {"headers": {"X-Own": "abcdef"}}}, {"x-own": "abcdef"}),
    ],
)
def test_headers_of_a_credential(kind: str, data: dict[str, Any], headers: dict[str, str]) -> None:
    auth = auth_of(kind, data)
    assert auth.headers == headers
    assert "abcdef" not in repr(auth)


def test_a_query_and_a_body() -> None:
    assert auth_of("httpQueryAuth", {"name": "key", "value": "a b"}).query == (("key", "a b"),)
    assert auth_of("pipedriveApi", {"apiToken": "t"}).query == (("api_token", "t"),)
    both = auth_of("httpCustomAuth", {"json": '{"qs": {"a": 1}, "body": {"key": {"inner": "s"}}}'})
    assert (both.query, both.body) == ((("a", "1"),), {"key": {"inner": "s"}})
    assert with_query("http://x/p?a=1#f", [("key", "a b&c")]) == "http://x/p?a=1&key=a%20b%26c#f"
    assert json.loads(with_body(b'{"a": 1}', {"key": "s"})) == {"a": 1, "key": "s"}
    assert json.loads(with_body(b"", {"key": "s"})) == {"key": "s"}
    with pytest.raises(RequestRefused):
        with_body(b"a=1", {"key": "s"})


@pytest.mark.parametrize(
    ("kind", "data", "says"),
    [
        ("strangeApi", {"apiKey": "x"}, "does not know how requests use"),
        ("httpBearerAuth", {}, "no `token`"),
        ("httpHeaderAuth", {"name": "X", "value": "a\nb"}, "no HTTP header"),
        ("httpCustomAuth", {"json": "{"}, "not valid JSON"),
        ("httpCustomAuth", {"json": '{"header": {}}'}, "has the form"),
    ],
)
def test_what_no_request_can_use_is_refused(kind: str, data: dict[str, Any], says: str) -> None:
    with pytest.raises(InvalidRequest, match=says):
        auth_of(kind, data)


@pytest.mark.parametrize(
    ("how", "host", "allowed"),
    [
        ({}, "anywhere.example", True),
        ({"allowedHttpRequestDomains": "all"}, "anywhere.example", True),
        ({"allowedHttpRequestDomains": "none"}, "anywhere.example", False),
        ({"allowedHttpRequestDomains": "domains", "allowedDomains": "a.example, *.b.example"}, "A.example", True),
        ({"allowedHttpRequestDomains": "domains", "allowedDomains": "a.example, *.b.example"}, "x.b.example", True),
        ({"allowedHttpRequestDomains": "domains", "allowedDomains": "a.example, *.b.example"}, "xb.example", False),
        ({"allowedHttpRequestDomains": "domains"}, "a.example", False),
    ],
)
def test_a_credential_goes_where_its_owner_allows(how: dict[str, Any], host: str, allowed: bool) -> None:
    auth = auth_of("httpBearerAuth", {"token": "abcdef", **how})
    if allowed:
        auth.require_host(host)
    else:
        with pytest.raises(RequestRefused):
            auth.require_host(host)


def test_what_comes_back_is_cleared_in_every_form() -> None:
    secrets = forms(SECRET)
    back = {"url": with_query("http://x/", [("k", SECRET)]), "text": json.dumps({"k": SECRET}), SECRET: [SECRET, 1, None, True]}
    assert cleared(back, secrets) == {
        "url": f"http://x/?k={BLANK}",
        "text": json.dumps({"k": BLANK}),
        BLANK: [BLANK, 1, None, True],
    }
    assert cleared_bytes(b"\xff" + SECRET.encode() + b"\xfe", secrets) == b"\xff" + BLANK.encode() + b"\xfe"


KEY = "a/b<c>&d\u00e9f"


@pytest.mark.parametrize(
    "written",
    [
        json.dumps({"k": [KEY, 1.50]}).replace("/", "\\/"),
        json.dumps({"k": [KEY, 1.50]}, ensure_ascii=False)
        .replace("<", "\\u003C")
        .replace(">", "\\u003e")
        .replace("&", "\\u0026"),
        '{"k": ["' + "".join(f"\\u{ord(sign):04X}" for sign in KEY) + '", 1.50]}',
    ],
)
def test_json_is_cleared_however_it_is_escaped(written: str) -> None:
    found = cleared_text(written, forms(KEY))
    assert json.loads(found) == {"k": [BLANK, 1.5]}


def test_other_texts_are_cleared_and_what_has_no_secret_is_as_it_came() -> None:
    line = "data: " + json.dumps({"k": KEY}, ensure_ascii=False).replace("/", "\\/").replace("&", "\\u0026")
    assert cleared_text(line.replace("<", "\\u003c").replace(">", "\\u003e"), forms(KEY)) == f'data: {{"k": "{BLANK}"}}'
    assert cleared_text("k=a%2fb%3cc%3e%26d%c3%a9f", forms(KEY)) == f"k={BLANK}"
    untouched = '{"a": 1.50, "b": "x\\/y",  "a": 2}'
    assert cleared_text(untouched, forms(KEY)) == untouched
    for encoding in ("latin-1", "utf-16-le"):
        assert KEY.encode(encoding) not in cleared_bytes(b"\xff\xfe" + KEY.encode(encoding), forms(KEY))


def test_what_is_for_certain_hosts_goes_through_nothing_that_could_be_another() -> None:
    bound = auth_of(
        "httpBearerAuth", {"token": "abcdef", "allowedHttpRequestDomains": "domains", "allowedDomains": "a.example"}
    )
    bound.require_way(proxied=False, verified=True)
    auth_of("httpBearerAuth", {"token": "abcdef"}).require_way(proxied=True, verified=False)
    for proxied, verified in ((True, True), (False, False)):
        with pytest.raises(RequestRefused, match="no proxy"):
            bound.require_way(proxied=proxied, verified=verified)


@given(st.text(min_size=6, max_size=20), st.text(max_size=20), st.text(max_size=20))
def test_no_secret_survives(secret: str, before: str, after: str) -> None:
    found = cleared(before + secret + after, forms(secret))
    assert secret not in found or secret in BLANK or secret in before + BLANK + after


def test_a_secret_that_is_too_short_to_be_one_leaves_the_answer_whole() -> None:
    assert cleared({"a": "banana"}, forms("an")) == {"a": "banana"}


@pytest.mark.parametrize(
    ("kind", "data", "says"),
    [
        ("githubApi", {"user": "ada"}, "needs `data.accessToken`"),
        ("pipedriveApi", {}, "needs `data.apiToken`"),
        ("gitlabApi", {}, "needs `data.accessToken`"),
        ("wordpressApi", {"username": "ada"}, "needs `data.password`"),
        ("redis", {}, "needs `data.host`"),
        ("anythingApi", {"list": [1]}, "is a list"),
    ],
)
def test_data_that_no_node_could_use_are_refused(kind: str, data: dict[str, Any], says: str) -> None:
    with pytest.raises(InvalidRequest, match=says):
        credential_types.check(kind, data)


@pytest.mark.parametrize(
    ("kind", "data"),
    [
        ("anythingApi", {"a": "b", "n": 1, "o": {"x": 1}}),
        ("jwtAuth", {"keyType": "pemKey", "publicKey": "PEM", "privateKey": "PEM", "algorithm": "RS256"}),
        ("postgres", {"host": "h", "database": "d", "user": "u", "password": "", "port": 5432, "ssl": "disable"}),
        ("oAuth2Api", {"grantType": "clientCredentials", "accessTokenUrl": "u", "clientId": "i", "clientSecret": "s"}),
    ],
)
def test_data_as_n8n_has_them_are_taken(kind: str, data: dict[str, Any]) -> None:
    credential_types.check(kind, data)
