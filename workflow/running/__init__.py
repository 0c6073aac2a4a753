"""Engines: who owns an execution, when it starts, where it is computed, how it is saved, and who is told."""
