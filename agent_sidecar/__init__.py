"""What runs on a GPU host, or speaks for one: takes attempts from the bus to a backend, and its words back."""

from importlib.metadata import version

__version__ = version("hive")
