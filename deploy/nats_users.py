"""The users of nats.conf with their permissions, as bus/permissions.py has them: `python -m deploy.nats_users` writes them there."""

from collections.abc import Iterator
from textwrap import fill
from typing import Final

from bus.identities import password_variable
from bus.permissions import LEAF, ROOMS, Permissions, of_leaf, of_service
from deploy.local.nats import nats_conf

BEGIN: Final = "    # Written by `python -m deploy.nats_users`, from bus/permissions.py.\n"
END: Final = "    # So far.\n"


def with_users(text: str) -> str:
    """nats.conf with its users as they are to be."""
    before, _, rest = text.partition(BEGIN)
    _, _, after = rest.partition(END)
    return before + BEGIN + "".join(_users()) + END + after


def _users() -> Iterator[str]:
    yield "    users: [\n      { user: hive, password: $HIVE_NATS_PASSWORD }\n"
    # Nobody holds this key. That there is one has the server give out a nonce, which hosts that come by their own key sign.
    yield '      { nkey: UBJYR4LQYKE6YWTCKWLNP7PK377RZGJOD6BHIRZOHVUAVODAITMFRTQE, permissions { publish { deny: ">" }, subscribe { deny: ">" } } }\n'
    for name, permissions in ({name: of_service(name) for name in ROOMS} | {LEAF: of_leaf()}).items():
        yield f"      {{ user: {name}, password: ${password_variable(name)}, permissions {{\n"
        yield from _permissions(permissions)
        yield "      } }\n"
    yield "    ]\n"


def _permissions(permissions: Permissions) -> Iterator[str]:
    for word, patterns in (("publish", permissions.publish), ("subscribe", permissions.subscribe)):
        named = " ".join(f'"{pattern}",' for pattern in dict.fromkeys(patterns)).rstrip(",")
        filled = fill(
            named, 150, initial_indent=" " * 10, subsequent_indent=" " * 10, break_long_words=False, break_on_hyphens=False
        )
        yield f"        {word}: [\n{filled}\n        ]\n"
    if permissions.answers:
        yield '        allow_responses: { max: 1, expires: "2m" }\n'


if __name__ == "__main__":
    nats_conf().write_text(with_users(nats_conf().read_text()))
