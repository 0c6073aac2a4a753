"""Who asks for what, as far as a request says so before anything of it is read."""

from typing import Final

from starlette.types import Scope

CLAIMS: Final = "hive.claims"
"""The key of the caller's claims in a request's ASGI scope."""
WEBHOOK_PREFIXES: Final = ("/webhook/", "/webhook-waiting/", "/form/", "/form-waiting/")
"""Who calls a workflow has no key: the address is the secret, as in n8n."""
_TEST_PREFIXES: Final = ("/webhook-test/", "/form-test/")


def via(scope: Scope) -> str:
    """The route, as the audit log has it. Addresses of webhooks are secrets."""
    path: str = scope["path"]
    secret = next((prefix for prefix in (*WEBHOOK_PREFIXES, *_TEST_PREFIXES) if path.startswith(prefix)), None)
    return f"{scope['method']} {secret or path[:200]}"


def address_of(scope: Scope) -> str:
    """Of the client, as uvicorn tells it: behind a proxy that it trusts (FORWARDED_ALLOW_IPS), the one that the proxy names."""
    client = scope.get("client")
    return client[0] if client else ""
