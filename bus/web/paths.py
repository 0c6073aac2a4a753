"""Paths that lead upwards: pure. No client that means well sends one, and nothing that Hive serves is named so."""


def climbs(path: str) -> bool:
    """Of a decoded path: whether a part of it is `..`, also as Windows separates parts."""
    return ".." in path and ".." in path.replace("\\", "/").split("/")
