"""The `hive` command beyond `hive run`: one file a group of commands, and `app` that holds them together."""

from deploy.cli.app import app

__all__ = ["app"]
