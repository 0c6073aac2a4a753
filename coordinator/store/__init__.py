"""What is kept: PostgreSQL is the record, Redis a disposable copy for others."""
