"""Expressions and code of workflows, evaluated in V8: all items of a node in one call, and nothing of the host in reach."""
