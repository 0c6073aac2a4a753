"""Asks the databases of known holes about every package that a hive, or its tests, are made of: `make audit`."""
