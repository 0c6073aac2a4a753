"""From an upstream to the backend that speaks to it. Connects to nothing: a dead address is found out later."""

from pydantic import SecretStr

from agent_sidecar.addresses import parse_address
from agent_sidecar.backends.backend import Backend
from agent_sidecar.backends.builtin import BuiltinBackend
from agent_sidecar.backends.detect import DetectedBackend, backend_at
from agent_sidecar.settings import SidecarSettings
from bus.messages import Upstream


def open_backend(upstream: Upstream, settings: SidecarSettings, key: SecretStr | None) -> Backend:
    """InvalidRequest when the address is none, BackendUnreachable when the built-in model is not installed."""
    if upstream.kind == "builtin":
        builtin = BuiltinBackend(upstream.slots or settings.builtin_slots)
        builtin.start()
        return builtin
    address = parse_address(upstream.url, key.get_secret_value() if key else None)
    insecure = frozenset(settings.insecure_registries)
    return DetectedBackend(address, insecure) if upstream.kind is None else backend_at(address, upstream.kind, insecure)
