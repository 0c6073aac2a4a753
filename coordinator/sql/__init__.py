"""The coordinator's SQL: every statement named in queries.sql, every change of the schema a numbered file in migrations/."""

import re
from functools import cache
from importlib.resources import files
from typing import Final

_NAME: Final = re.compile(r"^-- name: (\w+)$", re.MULTILINE)


@cache
def queries() -> dict[str, str]:
    parts = _NAME.split(files(__name__).joinpath("queries.sql").read_text())
    return {name: text.strip().rstrip(";") for name, text in zip(parts[1::2], parts[2::2], strict=True)}


def migrations() -> list[tuple[int, str]]:
    """Number and text of each, in order."""
    found = [path for path in files(__name__).joinpath("migrations").iterdir() if path.name.endswith(".sql")]
    return sorted((int(path.name.split("_")[0]), path.read_text()) for path in found)
