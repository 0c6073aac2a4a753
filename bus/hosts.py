"""Which hosts are this machine and nobody else's, and how one is written. Pure."""

import ipaddress


def in_url(host: str) -> str:
    """An IPv6 address in brackets, as it stands before a port."""
    return f"[{host}]" if ":" in host else host


def is_loopback(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host.lower() == "localhost"
