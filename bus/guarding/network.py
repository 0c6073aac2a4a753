"""Who is one and the same, whatever address of theirs they come by: pure."""

from ipaddress import IPv4Address, IPv6Network, ip_address


def network(address: str) -> str:
    """Whose an address is: of IPv6 the /64, all of whose addresses one machine may take in turn."""
    try:
        found = ip_address(address)
    except ValueError:
        return address
    if isinstance(found, IPv4Address):
        return address
    if found.ipv4_mapped is not None:
        return str(found.ipv4_mapped)
    return str(IPv6Network((int(found) >> 64 << 64, 64)))
