"""A real provider of OAuth 1 (oauthlib's): request tokens, the word of a person, access tokens, and a resource that verifies signatures."""

import json
from typing import Any
from urllib.parse import parse_qsl, urlsplit

from oauthlib import oauth1

CONSUMER, CONSUMER_SECRET = "consumer-key-of-the-hive-000", "consumer-secret-of-the-hive-0"
TOKEN, TOKEN_SECRET = "oauth1-token-of-the-hive-0000", "oauth1-token-secret-of-hive-00"
Answer = tuple[int, dict[str, str], str]


class _Rules(oauth1.RequestValidator):  # type: ignore[misc]
    """One consumer. A request token works once, with the verifier that came with the person's word."""

    enforce_ssl = False
    dummy_client = "dummy-client-key-0000000000000"
    dummy_request_token = dummy_access_token = "dummy-token-000000000000000000"
    nonce_length = (8, 64)
    client_key_length = request_token_length = access_token_length = verifier_length = (10, 64)

    def __init__(self) -> None:
        self.requests: dict[str, dict[str, str]] = {}
        self.access = {TOKEN: TOKEN_SECRET}
        self.given: list[str] = []
        self.seen: set[tuple[str, str]] = set()

    def check_client_key(self, client_key: str) -> bool:
        return True

    def check_request_token(self, request_token: str) -> bool:
        return True

    def check_access_token(self, request_token: str) -> bool:
        return True

    def validate_client_key(self, client_key: str, request: Any) -> bool:
        return client_key == CONSUMER

    def validate_timestamp_and_nonce(self, client_key: str, timestamp: str, nonce: str, *_: Any, **__: Any) -> bool:
        again = (timestamp, nonce) in self.seen
        self.seen.add((timestamp, nonce))
        return not again

    def validate_realms(self, *_: Any, **__: Any) -> bool:
        return True

    def validate_requested_realms(self, *_: Any, **__: Any) -> bool:
        return True

    def get_default_realms(self, *_: Any, **__: Any) -> list[str]:
        return []

    def get_realms(self, *_: Any, **__: Any) -> list[str]:
        return []

    def verify_realms(self, *_: Any, **__: Any) -> bool:
        return True

    def get_client_secret(self, client_key: str, request: Any) -> str:
        return CONSUMER_SECRET

    def validate_redirect_uri(self, client_key: str, redirect_uri: str, request: Any) -> bool:
        return urlsplit(redirect_uri).path == "/oauth1/callback"

    def save_request_token(self, token: dict[str, str], request: Any) -> None:
        self.requests[token["oauth_token"]] = {"secret": token["oauth_token_secret"], "redirect": request.redirect_uri}
        self.given += [token["oauth_token_secret"]]

    def verify_request_token(self, token: str, request: Any) -> bool:
        return token in self.requests

    def get_redirect_uri(self, token: str, request: Any) -> str:
        return self.requests[token]["redirect"]

    def save_verifier(self, token: str, verifier: dict[str, str], request: Any) -> None:
        self.requests[token]["verifier"] = verifier["oauth_verifier"]

    def validate_request_token(self, client_key: str, token: str, request: Any) -> bool:
        return token in self.requests

    def get_request_token_secret(self, client_key: str, token: str, request: Any) -> str:
        return self.requests.get(token, {"secret": "no-secret-of-any-token-0000000"})["secret"]

    def validate_verifier(self, client_key: str, token: str, verifier: str, request: Any) -> bool:
        return self.requests.get(token, {}).get("verifier") == verifier

    def save_access_token(self, token: dict[str, str], request: Any) -> None:
        self.access[token["oauth_token"]] = token["oauth_token_secret"]
        self.given += [token["oauth_token"], token["oauth_token_secret"]]

    def invalidate_request_token(self, client_key: str, request_token: str, request: Any) -> None:
        del self.requests[request_token]

    def validate_access_token(self, client_key: str, token: str, request: Any) -> bool:
        return token in self.access

    def get_access_token_secret(self, client_key: str, token: str, request: Any) -> str:
        return self.access.get(token, "no-secret-of-any-token-0000000")


class Provider:
    """`/oauth1/request`, `/oauth1/authorize` (lets everybody in, or nobody while `refusing`), `/oauth1/access`, and `/signed`.

    `older`: it speaks OAuth 1.0 before its revision A, and confirms no redirect address.
    """

    def __init__(self) -> None:
        self.rules = _Rules()
        self.signed: list[bool] = []
        self.asked: list[str] = []
        self.refusing = self.older = False
        self._request = oauth1.RequestTokenEndpoint(self.rules)
        self._authorize = oauth1.AuthorizationEndpoint(self.rules)
        self._access = oauth1.AccessTokenEndpoint(self.rules)
        self._resource = oauth1.ResourceEndpoint(self.rules)

    def data(self, url: str, **more: Any) -> dict[str, Any]:
        """Of a credential, for the provider at `url`."""
        addresses = {"requestTokenUrl": "request", "authUrl": "authorize", "accessTokenUrl": "access"}
        found = {name: f"{url}/oauth1/{path}" for name, path in addresses.items()}
        return {"consumerKey": CONSUMER, "consumerSecret": CONSUMER_SECRET, **found, **more}

    def answer(self, path: str, url: str, method: str, headers: dict[str, str], body: str) -> Answer:
        self.asked.append(path)
        if path == "/signed":
            ok, _ = self._resource.validate_protected_resource_request(url, method, body, headers, [])
            self.signed.append(ok)
            return 200 if ok else 401, {}, json.dumps({"ok": ok})
        if path == "/oauth1/authorize":
            return self._authorized(url, method, headers)
        endpoint = self._request if path == "/oauth1/request" else self._access
        create = endpoint.create_request_token_response if endpoint is self._request else endpoint.create_access_token_response
        more, answer, status = create(url, method, body, headers)
        return (
            status,
            more,
            (answer or "").replace("oauth_callback_confirmed=true", "" if self.older else "oauth_callback_confirmed=true"),
        )

    def _authorized(self, url: str, method: str, headers: dict[str, str]) -> Answer:
        if self.refusing:
            token = dict(parse_qsl(urlsplit(url).query))["oauth_token"]
            back = self.rules.requests.pop(token)["redirect"]
            return 302, {"Location": f"{back}&denied={token}"}, ""
        more, _, status = self._authorize.create_authorization_response(url, method, None, headers)
        return status, more, ""
