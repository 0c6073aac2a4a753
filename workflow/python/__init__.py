"""Code in Python: each run in a process of its own that the kernel confines. `program` and what it imports is standard library only."""
