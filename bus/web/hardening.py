"""Headers that tell a browser what it must not do with an answer: pure."""

from typing import Final

Raw = list[tuple[bytes, bytes]]

NO_PAGE: Final = b"default-src 'none'; frame-ancestors 'none'"
"""The policy of answers that are no pages: JSON that somebody shows in a frame, or that a browser takes for HTML, can do nothing."""
ALWAYS: Final[Raw] = [
    (b"x-content-type-options", b"nosniff"),
    (b"x-frame-options", b"DENY"),
    (b"referrer-policy", b"no-referrer"),
]
HSTS: Final = (b"strict-transport-security", b"max-age=31536000")
"""Behind TLS alone: a browser that saw it once speaks TLS only."""


def hardened(headers: Raw, scheme: str, policy: bytes) -> Raw:
    """With what is missing; what an answer says itself stands."""
    said = {name.lower() for name, _ in headers}
    wanted = [*ALWAYS, (b"content-security-policy", policy)]
    if scheme in ("https", "wss"):
        wanted.append(HSTS)
    return [*headers, *(header for header in wanted if header[0] not in said)]


def secured(headers: Raw, scheme: str) -> Raw:
    """With cookies that a browser sends over TLS alone, where they come over TLS."""
    if scheme not in ("https", "wss"):
        return headers
    return [
        (name, value + b"; secure" if name.lower() == b"set-cookie" and b"; secure" not in value.lower() else value)
        for name, value in headers
    ]
