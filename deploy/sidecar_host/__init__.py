"""Commands on a GPU host that has joined a hive, where neither typer nor rich is installed: `hive upgrade` and `hive uninstall`."""
