"""Uninstalling: what Hive made on this machine, and removing just that (docs/adr/0069)."""
