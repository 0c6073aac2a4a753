"""The audit log's record: taken from its stream into PostgreSQL, and read from there."""
