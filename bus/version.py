"""The version that every service, answer and document names."""

from functools import cache
from importlib.metadata import PackageNotFoundError, version


@cache
def hive_version() -> str:
    """Of the installed package; `0.0.0` in a checkout that was never installed."""
    try:
        return version("hive")
    except PackageNotFoundError:
        return "0.0.0"
