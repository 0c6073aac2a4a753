"""Nodes that ask models: as tasks of the hive, whatever provider the workflow's model node names."""
